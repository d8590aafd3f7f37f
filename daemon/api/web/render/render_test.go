package render_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"chat/daemon/api/web/render"
)

// sample has each kind of block, and blocks that are longer than their limits.
func sample() string {
	var b strings.Builder
	b.WriteString("Cited\u3010" + "3\u2020source\u3011 text 【not one】\n\n# Title\nA paragraph with **bold**, `code`, https://example.com and a [link](https://example.org).\nSteps:\n1. one\n\n2. two\n\n   more of two\n\n   ```go\n   x := 1\n\n   y := 2\n   ```\n3. three\n* other\n\n> quote\nlazy\n\n> another\n\n    indented\n\n    code\n\nSetext\n---\n\n- [ ] open\n- [x] done\n\n***\n\n| a | b |\n|:--|--:|\n| 1 | 2<br>3 |\n\n")
	b.WriteString("```python\nx = '''\n")
	for i := range 100 {
		fmt.Fprintf(&b, "line %d <b>\n", i)
	}
	b.WriteString("'''\nprint(x)\n```\nafter\n~~~\ntilde ```\n~~~\n\n")
	for i := range 300 {
		fmt.Fprintf(&b, "%d. item number %d of a long list\n", i+1, i+1)
	}
	b.WriteString("\n| h | i |\n|---|---|\n")
	for i := range 400 {
		fmt.Fprintf(&b, "| row %d | value é |\n", i)
	}
	b.WriteString("\n" + strings.Repeat("a long line of words without an end ", 2000) + "\n\n" + strings.Repeat("é", 6000) + "\n\n- last\n\n  ```js\n  unclosed")
	return b.String()
}

func rendered(blocks []render.Block) (list []string) {
	for _, b := range blocks {
		list = append(list, b.HTML())
	}
	return list
}

// However a text is cut, its blocks are those of the whole text.
func TestCutsDoNotMatter(t *testing.T) {
	t.Parallel()
	text := sample()
	want := render.Blocks(text)
	if len(want) < 20 {
		t.Fatalf("only %d blocks", len(want))
	}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		var s render.Splitter
		var got []render.Block
		add := func(b render.Block) { got = append(got, b) }
		for rest := text; rest != ""; {
			n := min(len(rest), 1+r.IntN(1+r.IntN(200)))
			for n < len(rest) && !utf8.RuneStart(rest[n]) { // a chunk has whole characters
				n++
			}
			s.Append(rest[:n], add)
			rest = rest[n:]
			if b, ok := s.Open(); ok && r.IntN(50) == 0 && len(b.Text) > 40<<10 {
				t.Fatalf("the open block has %d bytes", len(b.Text))
			}
		}
		s.Finish(add)
		if len(got) != len(want) {
			t.Fatalf("seed %d: %d blocks, want %d", seed, len(got), len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("seed %d: block %d is\n%+v, want\n%+v", seed, i, got[i], want[i])
			}
		}
	}
}

func TestRendering(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"Steps:\n1. one\n\n2. two\n\n   more\n\nEnd": {"<p>Steps:</p>", "<ol>\n<li>\n<p>one</p>\n</li>\n<li>\n<p>two</p>\n<p>more</p>\n</li>\n</ol>", "<p>End</p>"},
		"As it says\u30103\u2020notes.txt\u3011.":    {"<p>As it says[notes.txt].</p>"},
		"1. a\n   ```sh\nx\n\ny\n   ```\n2. b":       {"<ol>\n<li>a\n<pre><code class=\"language-sh\"></code></pre></li>\n</ol>\n<p>x</p>\n<p>y</p>\n<pre><code>2. b\n</code></pre>"},
		"# A\n## B":                                  {"<h3>A</h3>", "<h4>B</h4>"},
		"```go\nfunc f() {}\n```\nx":                 {`<pre><code class="language-go"><span class="k">func</span> <span class="n">f</span>() {}` + "\n</code></pre>", "<p>x</p>"},
		"<b onclick=x>hi</b> <script>1":              {"<p>&lt;b onclick=x&gt;hi&lt;/b&gt; &lt;script&gt;1</p>"},
		"[a](javascript:alert(1)) <x:y>":             {"<p>a &lt;x:y&gt;</p>"},
		"![cat](https://e.com/c.png)":                {`<p><a href="https://e.com/c.png" rel="nofollow noreferrer noopener" target="_blank">image: cat</a></p>`},
		"[t][1]\n\n[1]: https://e.com":               {"<p>[t][1]</p>", `<p>[1]: <a href="https://e.com" rel="nofollow noreferrer noopener" target="_blank">https://e.com</a></p>`},
		"- [x] a\n- [ ] b":                           {"<ul>\n<li><span role=\"img\" aria-label=\"done\">☑</span> a</li>\n<li><span role=\"img\" aria-label=\"not done\">☐</span> b</li>\n</ul>"},
		"|a|b|\n|-|:-:|\n|1<br>2|<i>|":               {"<table>\n<thead>\n<tr>\n<th>a</th>\n<th align=\"center\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1<br>\n2</td>\n<td align=\"center\">&lt;i&gt;</td>\n</tr>\n</tbody>\n</table>"},
		"<!-- a -->\n\n<div>\n\ntext\n</div>":        {"<p>&lt;!-- a --&gt;</p>", "<p>&lt;div&gt;</p>", "<p>text\n&lt;/div&gt;</p>"},
	} {
		got := rendered(render.Blocks(in))
		for i := range got {
			got[i] = strings.TrimSuffix(got[i], "\n")
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q is\n%q, want\n%q", in, got, want)
		}
	}
}

// Code of each common language is coloured, and its text is that of the fence.
func TestCodeIsColoured(t *testing.T) {
	t.Parallel()
	const code = "# a <b> & \"c\" // d\n-- e\n/* f */ if (true) { return \"x\" } else null\n<a b=\"c\">\nlisten FROM import define: let + - 1\n"
	for name := range strings.FieldsSeq(`bash c c# c++ cpp cs css dart diff dockerfile elixir go graphql haskell hcl html ini java javascript js json jsx kotlin lua makefile markdown
		nginx perl php powershell proto protobuf py python r rb rs ruby rust scala scss sh sql svg swift terraform toml ts tsx typescript vim vue xml yaml yml zig`) {
		for form, blocks := range map[string][]render.Block{"a fence": render.Blocks("```" + name + "\n" + code + "```"), "code": render.CodeBlocks(name, code)} {
			if len(blocks) != 1 {
				t.Fatalf("%s: %d blocks", name, len(blocks))
			}
			result := blocks[0].HTML()
			var text strings.Builder
			for z := html.NewTokenizer(strings.NewReader(result)); z.Next() != html.ErrorToken; {
				if token := z.Token(); token.Type == html.TextToken {
					text.WriteString(token.Data)
				}
			}
			if text.String() != code || !strings.Contains(result, "<span class=") || !strings.Contains(result, `<code class="language-`+name+`">`) {
				t.Errorf("%s in %s is %s", name, form, result)
			}
		}
	}
}

// A long list keeps its numbers, a long table its head, and long code its state.
func TestLongBlocksAreContinued(t *testing.T) {
	t.Parallel()
	all := strings.Join(rendered(render.Blocks(sample())), "\n")
	for _, want := range []string{`<ol start="1`, `<span class="s">line 99 &lt;b&gt;</span>`, `<span class="n">print</span>(x)`} {
		if !strings.Contains(all, want) {
			t.Errorf("the result lacks %s", want)
		}
	}
	if n := strings.Count(all, "<th>h</th>"); n < 2 {
		t.Errorf("the head of the long table is there %d times", n)
	}
	if n := strings.Count(all, "<li>item number"); n != 300 {
		t.Errorf("%d items of 300", n)
	}
	if n := strings.Count(all, "<td>row "); n != 400 {
		t.Errorf("%d rows of 400", n)
	}
}

func BenchmarkParagraph(b *testing.B) {
	block := render.Blocks(strings.Repeat("Some words with **bold** text and `code`. ", 12))[0]
	for b.Loop() {
		_ = block.HTML()
	}
}

func BenchmarkCode(b *testing.B) {
	block := render.CodeBlocks("go", strings.Repeat("\tif err := f(x, \"y\"); err != nil { return err } // why\n", 35))[0]
	for b.Loop() {
		_ = block.HTML()
	}
}
