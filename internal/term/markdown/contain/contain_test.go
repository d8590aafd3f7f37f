package contain

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// pieces are the beginnings and ends of everything that can have an effect beyond
// itself.
func pieces() []string {
	return []string{
		"plain words", "```", "```go", "````", "~~~", "~~~~ text", "   ```", "    indented", "\tindented", "- ```", "- item", "  - nested\n    ```", "1. one", "> quote", "> ```", "> > ~~~", "- > ```",
		"# one", "## two", "### three", "#", "##", "## user · demo · 2026-01-02 03:04", "## closed ##", "title\n===", "title\n---", "two\nlines\n===", "> quoted\n> ===", "- item\n  ---", "   # indented", "- # in an item", "> ## in a quote",
		"===", "---", "***", "<!--", "<!-- x -->", "-->", "<pre>", "</pre>", "<pre><code>", "<script>", "</script>", "<style>", "<textarea>", "<details>", "<details open>", "</details>", "<summary>a</summary>", "<details>\n<summary>s</summary>\n\nx\n\n</details>",
		"<div>", "<div\nclass=\"x\"", "</div>", "<b>bold", "text <b>bold", "text <!-- open", "text </b>", "<?php", "?>", "<!DOCTYPE html", "<![CDATA[", "]]>", "<a href=\"x", "<my-tag>", "<br>", "<img src=x>", "a < b", "<https://example.org>", "<table><tr><td>", "<svg>", "<file name=\"x\">",
		"[ref]:", "[ref]: http://example.org", "[ref]: <http", "[ref]: x \"title", "[link](http://x", "![", "[^1]:", "[^1]: note",
		"| a | b |", "|---|---|", "| a | b |\n|---|---|\n| 1 | 2 |", "a | b\n--|--", "`", "``", "`code", "**", "*open", "_open", "~~open", "$$", "\\[", "\\", "hard break\\", "two spaces  ", "&lt;", "&#35; x", "\\# x",
		"", " ", "\t", "\r\n", "\r## user", "\u2028", "\x00", "\f", "\v", "\u00a0# x", "```\n# in code\n```", "~~~\n<details>\n~~~", "    # in code", "- [ ] task", ":---", "***\n---", "+++", "%%%", "::: note", "a\n\n\n\nb",
	}
}

func levels(p parser.Parser, src string) (heads []string) {
	for _, h := range nodesOf[*ast.Heading](p.Parse(text.NewReader([]byte(src)))) {
		if h.Level <= 2 {
			var b strings.Builder
			for i := range h.Lines().Len() {
				s := h.Lines().At(i)
				b.WriteString(src[s.Start:s.Stop])
			}
			heads = append(heads, fmt.Sprintf("%d %s", h.Level, b.String()))
		}
	}
	return heads
}

var word = regexp.MustCompile(`[a-z]+`)

// document puts parts below headings, as an export does, and checks that each is
// found there by readers of CommonMark, and of its extensions.
func document(t *testing.T, parts []string) {
	t.Helper()
	var b strings.Builder
	want := []string{"1 title"}
	b.WriteString("# title\n")
	for i, part := range parts {
		contained := Markdown(part)
		fmt.Fprintf(&b, "\n## message %d\n\n%s\n", i, contained)
		want = append(want, fmt.Sprintf("2 message %d", i))
		for _, w := range word.FindAllString(part, -1) {
			if !strings.Contains(contained, w) {
				t.Fatalf("%q has lost %q: %q", part, w, contained)
			}
		}
	}
	for name, p := range map[string]parser.Parser{"CommonMark": commonMark(), "GitHub's": withFootnotes()} {
		if got := levels(p, b.String()); !slices.Equal(got, want) {
			t.Fatalf("%s: %q\nparts %q\n%s", name, got, parts, b.String())
		}
	}
	if html := textOf([]byte(b.String()), rawHTML([]byte(b.String()))); !balanced(html) {
		t.Fatalf("%q is not closed in\n%s", html, b.String())
	}
}

func TestPartHasNoEffectAfterItsEnd(t *testing.T) {
	all := pieces()
	for _, a := range all {
		document(t, []string{a, "next"})
		for j, b := range all {
			if j%4 == 0 || strings.HasPrefix(b, "#") || strings.HasSuffix(b, "=") {
				document(t, []string{a + "\n" + b, a + "\n\n" + b, b + "\n" + a, "next"})
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2)) // the same texts each time
	for range 1000 {
		var parts []string
		for range 3 {
			var lines []string
			for range 1 + r.IntN(7) {
				lines = append(lines, strings.Repeat(" ", r.IntN(3)*r.IntN(2))+all[r.IntN(len(all))])
			}
			parts = append(parts, strings.Join(lines, "\n"))
		}
		document(t, parts)
	}
}

func TestPartIsChangedMinimally(t *testing.T) {
	for source, want := range map[string]string{
		"words\n\n- and\n- a list\n":           "words\n\n- and\n- a list",
		"```go\nx\n```":                        "```go\nx\n```",
		"### three\n\n#### four":               "### three\n\n#### four",
		"# one\n\n## two\n\n##### five":        "### one\n\n#### two\n\n###### five",
		"title\n=====\n\ntext":                 "### title\n\n\ntext",
		"## two\n\nb\n---\n\nx":                "### two\n\n### b\n\n\nx",
		"x\n\n```\nopen":                       "x\n\n```\nopen\n```",
		"~~~~\nopen ``` ~~~":                   "~~~~\nopen ``` ~~~\n~~~~",
		"- item\n  ```\n  open":                "- item\n  ```\n  open",
		"<details>\nopen":                      "\\<details>\nopen",
		"<details>\n\nclosed\n\n</details>":    "<details>\n\nclosed\n\n</details>",
		"<!-- open":                            "\\<!-- open",
		"a <kbd>key</kbd> <br> x":              "a <kbd>key</kbd> <br> x",
		"Use `<details>` or ```<pre>``` here.": "Use `<details>` or ```<pre>``` here.",
		"| a |\n|---|\n| 1 |":                  "| a |\n|---|\n| 1 |",
		"a < b and c > d":                      "a < b and c > d",
		"# in a text\n```\n# in code\n```\n":   "### in a text\n```\n# in code\n```",
		"> # quoted\n\n> title\n> ===\n> more": "> ### quoted\n\n> ### title\n> \n> more",
	} {
		if got := Markdown(source); got != want {
			t.Errorf("%q\n got %q\nwant %q", source, got, want)
		}
	}
}

func TestLiteralIsShownUnchanged(t *testing.T) {
	for line, want := range map[string]string{
		"user · qwen3:8b · 2026-01-02 03:04 · ‹2/3› · 1a2b3c4d": "", "C# and F#": "", "x_y_z": "", "Why? (a, b)": "", "a - b": "",
		"# C ##": `\# C \#\#`, "*bold*": `\*bold\*`, "a <b> c": `a \<b\> c`, "[x](y)": `\[x\]\(y\)`, "`code`": "\\`code\\`", "AT&T &amp;": `AT\&T \&amp;`,
		"<!-- x": "", "~~x~~": `\~\~x\~\~`, `a\*b`: `a\\\*b`,
	} {
		if want == "" {
			want = line
		}
		if got := Literal(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func FuzzContain(f *testing.F) {
	for _, p := range pieces() {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, source string) {
		document(t, []string{strings.ToValidUTF8(source, "?"), "next"})
	})
}
