package markdown

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/sanitize/hostile"
)

// equalAt feeds source cut at the given offsets and compares each state with a
// fresh Render of the same prefix.
func equalAt(t *testing.T, source string, width int, cuts []int) {
	t.Helper()
	equalWhere(t, source, width, cuts, func(int) bool { return true })
}

// equalWhere is equalAt for the states that compare chooses, and the last.
func equalWhere(t *testing.T, source string, width int, cuts []int, compare func(cut int) bool) {
	t.Helper()
	style := ANSI16()
	style.Number = "Y"
	s := NewStream(width, style)
	before := 0
	for _, cut := range append(cuts, len(source)) {
		s.Append(source[before:cut])
		before = cut
		if cut < len(source) && !compare(cut) {
			continue
		}
		got, want := s.Lines(), Render(source[:cut], width, style)
		for i := range max(len(got), len(want)) {
			g, w := at(got, i), at(want, i)
			if g != w {
				t.Fatalf("width %d, after %d bytes %q: row %d of %d is\n%q, a full render has %d rows and\n%q",
					width, cut, tail(source[:cut]), i, len(got), g, len(want), w)
			}
		}
	}
}

func at(rows []string, i int) string {
	if i < len(rows) {
		return rows[i]
	}
	return "(no row)"
}

func tail(s string) string { return s[max(0, len(s)-120):] }

func everyRune(source string) []int {
	var cuts []int
	for i := range source {
		cuts = append(cuts, i)
	}
	return cuts
}

func randomCuts(r *rand.Rand, source string, n int) []int {
	var cuts []int
	step := max(1, len(source)/n)
	for i := r.IntN(step) + 1; i < len(source); i += r.IntN(2*step) + 1 {
		for i < len(source) && !utf8.RuneStart(source[i]) {
			i++
		}
		cuts = append(cuts, i)
	}
	return cuts
}

// corpus contains the elements of answers, and texts that break incremental
// layouts.
var corpus = map[string]string{
	"paragraphs":       "One two three.\nStill *one*.\n\nTwo **strong *both* text** and `code  here`.\n",
	"headings":         "# One\n## Two ##\nText\n===\nMore\n---\nlast\n-\n# \n#not\n",
	"setext late":      "a paragraph\nof two lines\n- not an item yet\n\nfoo\n- b\n-\n",
	"lists":            "Here:\n- one\n- two\n  more\n\n  again\n- three\n\n- four\n  - a\n    - b\n      1. x\n      2. y\n- five\n\nend\n",
	"ordered":          "9. nine\n1. ten\n1. eleven\n   - in\n\n1) other\n2) list\n\n   para\n\n3) three\n",
	"list then rule":   "- a\n- b\n* c\n* d\n***\n- - -\n+ e\n1. f\n",
	"indented list":    "  - a\n  - b\n   - c\n    - d\n\n   - e\n",
	"tasks":            "- [ ] open\n- [x] done\n  - [ ] inner\n",
	"lazy":             "- a\nlazy\n- b\n> quote\nlazy quote\n> > deep\n> back\n\nout\n",
	"fence":            "Text:\n```go\nfunc main() {\n\n\tprintln(\"x\")\n}\n```\nafter\n~~~\ntilde ``` inside\n~~~~\n",
	"fences":           "```go\nfunc a() {} // x\n```\n\n- item\n  ```py\n  s = \"\"\"x\n  y\"\"\" # z\n  ```\n- more\n\n> ```\n> x\n> ```\n\n```js\nlet a = `b\nc` + 1 /* d\ne */ if\n```\n",
	"fence unclosed":   "```\na\n\n  b\n``\n````x\n\n\n",
	"fence indented":   "  ```py\n  a\n    b\n c\n   ```\ntext\n",
	"fence and tabs":   "   ```\n\tp\n \tq\n\t\tr\n  s\n\n\t\n   ```\n",
	"fence in item":    "1. do\n   ```sh\n   ls -l\n\n   cd\n   ```\n2. next\n\n       code\n",
	"fence interrupts": "para\n```\ncode\n```\npara\n",
	"table":            "Before\n\n| a | b | c |\n|:--|:-:|--:|\n| 1 | *2* | 3 |\n| `x|y` | longer cell text | 9 |\n\nafter\n",
	"table in text":    "text\na|b\n-|-\nc|d\ne\n\nx|y\n-|-\n===\n",
	"table in item":    "- item\n\n  a|b\n  -|-\n  1|2\n- next\n",
	"item ends table":  "2. goes on\n-|-\n- four\n[r]: http://r.example\n-|-\n  - a\n\na|b\n-|-\n- x\n\n  c|d\n  -|-\n  > q\n",
	"table ends":       "a|b\n-|-\n1|2\n> q\n\na|b\n-|-\n1|2\n# h\na|b\n-|-\n1|2\n- i\n\nx|y\n-|-\n1|2\n***\nx|y\n-|-\n1|2\n```\nc\n```\nx|y\n-|-\n1|2\n---\nx|y\n-|-\n1|2\n<div>\n",
	"table rows":       "a|b|c\n-|:-:|-:\n|\n||\none\n1|2|3|4\n    x|y\n===\n-|-|-\n\\| | `|` |\n[r] | [r]\n[r]: /x\n\nend\n",
	"table references": "a [r] b\n\n[r] | b\n-|-\n[r] | [s]\n[s]: /x | y\n\n[r]: http://r.example\n\nend [r]\n\nc|d\n-|-\n[s]|e\n[s]|[r]\n\n[s]: http://s.example\n",
	"table grows":      "|a|b|c|d|e|f|\n|-|-|-|-|-|-|\n|1|2|3|4|5|6|\n|wide cell|2|3|4|5|6|\n|1|2|3|4|5|a cell that needs all of the width there is|\n|one more wide cell|and another wide one|3|4|5|6|\n|1|2|3|4|5|6|\n",
	"narrow records":   "before\n\n|a|b|c|d|e|f|g|h|\n|-|-|-|-|-|-|-|-|\n|1 2 3 4 5|2 3 4 5 6|3 4 5 6 7|4 5 6 7 8|5 6 7 8 9|6|7|8|\n|1|2|3|4|5|6|7|8|\n",
	"wide table":       "|a|b|c|d|e|f|g|h|i|j|k|l|m|n|\n|-|-|-|-|-|-|-|-|-|-|-|-|-|-|\n|1|2|3|4|5|6|7|8|9|10|11|12|13|14|\n",
	"links":            "[text](http://example.com) <http://auto.link> www.bare.org ![img](a.png \"t\") [same](same)\n",
	"late references":  "See [one] and [two][b] and [no].\n\n- item [one]\n- other\n\n[one]: http://first.example\n[b]: <http://b.example> 'title'\n[one]: http://second.example\n\nafter [one]\n",
	"reference split":  "A [x].\n\n[x]:\n  http://late.example\n  'and\n  title'\nnext\n",
	"early reference":  "[x]: http://e.example\n\nuse [x] and [X]\n\n# [x]\n",
	"html":             "<div>\n*raw*\n\n</div>\n\n<!-- comment\n\nstill -->\ntext <b>bold</b> a<br>b\n<script>\n\nx\n</script>\n",
	"entities":         "&amp; &lt; &#65; &#x1b;[31m &nosuch; \\&amp; \\* &#10;x\n",
	"rules":            "a\n\n---\n\n***\nb\n\n_ _ _\n",
	"cjk":              "# 見出し\n\n日本語の文章は空白なしで折り返される必要があります。**強調**も`コード`も。\n\n- 項目一\n- 項目二 👩‍👩‍👧‍👦 絵文字 🇩🇪🇯🇵 e\u0301a\u0300\n",
	"long":             "https://example.com/" + strings.Repeat("path/", 60) + " " + strings.Repeat("x", 300) + "\n\n```\n" + strings.Repeat("0123456789", 40) + "\n```\n",
	"code block":       "para\n\n    indented\n\n    more\n\n\n  text\n",
	"blank start":      "\n\n  \n- a\n\n\n\n- b\n\n\ntext\n\n\n",
	"deep":             "- a\n  - b\n    - c\n      - d\n        - e\n          - f\n            - g\n              - h\n> > > > > > > > > > > > > deep\n",
	"hard breaks":      "one  \ntwo\\\nthree\n",
	"blanks":           "a|b\n-|-\n1|2\n \t\r\nx\n\u00a0\n===\na|b\n-|-\n\u2003\n1|2\n\u00a0\n- x\n",
	"crlf":             "a\r\n\r\n```\r\nx\r\n```\r\n- b\r\n- c\r\n",
	"empty items":      "-\n- a\n-\n\n- b\n1.\n2. x\n",
	"number gaps":      "3. a\n5. b\n   - x\n5. c\n\n9. d\n   2. e\n   4. f\n10. g\n",
	"numbers":          "1986\\. A year\n\n14. starts\n2. goes on\n",
	"formulas":         "so \\(a_i\n*b*\\) and $x_1*y*$ or $5 and $6\n\\[\nx \\; y\n= z\n- q\n\\]\ntext\n$$\na_1\n$$\n- item\n  \\[\n  b\n- next\n\\begin{x}\n> q\n\\end{x}\n\\[ open *x*\n\na|b\n-|-\n\\(a|b\\)|$x$|z\n\\[\nend\n",
	"dialects":         "a[^1]\nb: *c*\n: d\n[^1]: http://x.example\n[y]: http://y.example\n\n[y] C:\\_x \\\\a\\_b 5*3*2 **a**b __init__ 1~2~3 ~~x~~ **「x」**y\n• one\n• two\n",
	"unclosed inline":  "some **bold that never ends and `code that never ends\n\nnext *one",
}

func TestStreamEqualsRenderAfterEveryCharacter(t *testing.T) {
	for name, source := range corpus {
		t.Run(name, func(t *testing.T) {
			for _, width := range []int{20, 40, 80} {
				equalAt(t, source, width, everyRune(source))
			}
			source := strings.ReplaceAll(source, "\n", "\r\n")
			equalAt(t, source, 60, everyRune(source))
		})
	}
}

func TestStreamEqualsRenderOnTheWholeCorpusTogether(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	names := slices.Sorted(maps.Keys(corpus))
	for round := range 20 {
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		var b strings.Builder
		for _, n := range names[:6] {
			b.WriteString(corpus[n])
			if round%2 == 0 {
				b.WriteByte('\n')
			}
		}
		equalAt(t, b.String(), 60, randomCuts(r, b.String(), 120))
	}
}

// manyDocuments is the number of documents that covers what people write.
const manyDocuments = 60

// documents are Markdown files of the modules that this one uses, spread over all
// of them, at most 24 KB of each.
func documents(t testing.TB) (names, texts []string) {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "all").Output()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, dir := range strings.Fields(string(out))[1:] { // the first one is ours
		for _, pattern := range []string{"*.md", "*/*.md", "*/*/*.md"} {
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, found...)
		}
	}
	files = slices.DeleteFunc(files, func(name string) bool {
		info, err := os.Stat(name)
		return err != nil || info.Size() < 1000
	})
	if len(files) < manyDocuments {
		t.Fatalf("only %d Markdown files of 1,000 bytes and more among the modules: %d are needed", len(files), manyDocuments)
	}
	for i := range manyDocuments {
		name := files[i*len(files)/manyDocuments]
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name))
		texts = append(texts, strings.ToValidUTF8(string(data[:min(len(data), 24_000)]), ""))
	}
	return names, texts
}

// Documents arrive in pieces of seven bytes, or up to the beginning of the next
// character. Each state of the first 1,200 bytes is compared with a fresh Render,
// and so are a dozen later states; with CHAT_TEST_ALL_SPLITS=1 each state.
func TestStreamEqualsRenderOnRealDocuments(t *testing.T) {
	const piece, densely, more = 7, 1200, 12
	if !hostile.All() {
		t.Logf("each state of %d bytes, then %d offsets; CHAT_TEST_ALL_SPLITS=1 compares all", densely, more)
	}
	r := rand.New(rand.NewPCG(3, 4))
	names, texts := documents(t)
	for i, source := range texts {
		width, next := 20+r.IntN(100), 0
		t.Run(names[i], func(t *testing.T) {
			t.Parallel()
			var cuts []int
			for cut := piece; cut < len(source); cut += piece {
				for cut < len(source) && !utf8.RuneStart(source[cut]) {
					cut++
				}
				cuts = append(cuts, cut)
			}
			equalWhere(t, source, width, cuts, func(cut int) bool {
				if cut > densely && cut < next && !hostile.All() {
					return false
				}
				next = max(cut, densely) + (len(source)-densely)/more
				return true
			})
		})
	}
}

func TestRowsFitWidth(t *testing.T) {
	sources := []string{}
	for _, s := range corpus {
		sources = append(sources, s)
	}
	_, texts := documents(t)
	for i := 0; i < len(texts); i += 4 {
		sources = append(sources, texts[i][:min(len(texts[i]), 10_000)])
	}
	for _, width := range []int{20, 21, 33, 40, 79, 80, 120, 200} {
		for _, source := range sources {
			for i, row := range Render(source, width, ANSI16()) {
				if w := ansi.StringWidth(row); w > width {
					t.Fatalf("width %d: row %d is %d wide: %q", width, i, w, row)
				}
			}
		}
	}
}

// Adding a row to a long table costs the work of one row, not of the whole table.
func TestCostOfRowDoesNotGrowWithTable(t *testing.T) {
	cost := func(rows int) float64 {
		s := NewStream(80, ANSI16())
		s.Append("| a | b |\n|---|---|\n")
		for range rows {
			s.Append("| one | `two` and *three* |\n")
		}
		return testing.AllocsPerRun(20, func() {
			s.Append("| one | `two` ")
			s.Append("and *three* |\n")
		})
	}
	if short, long := cost(10), cost(1000); long > 2*short {
		t.Fatalf("%.0f allocations for a row after 10, %.0f after 1,000", short, long)
	}
}

func FuzzStream(f *testing.F) {
	for _, s := range corpus {
		f.Add(s, uint64(1))
	}
	f.Fuzz(func(t *testing.T, source string, seed uint64) {
		if len(source) > 2000 || !utf8.ValidString(source) {
			return
		}
		r := rand.New(rand.NewPCG(seed, 0))
		equalAt(t, source, 20+r.IntN(60), randomCuts(r, source, 10))
	})
}

func ExampleRender() {
	for _, row := range Render("# Title\n\nSome *text* with a [link](http://x.org).\n\n- one\n- two", 30, Style{}) {
		fmt.Println(row)
	}
	// Output:
	// # Title
	//
	// Some text with a link
	// (http://x.org).
	//
	// • one
	// • two
}
