package markdown

import (
	"strings"
	"testing"
)

// formulas are formulas of models; each must be shown with the same characters.
var formulas = []string{
	`\(a_i\)`, `$\forall\, \varepsilon$`, `\(x\)`, `\(5\)`, `\( a*b*c \)`, `\(\{1, 2\}\)`, `\(50\%\)`, `\(\#S\)`, `\(a\;b\!c\,d\)`, `\(f\colon A\to B\)`,
	`$x$`, `$x_1 + x_2$`, `$a*b*c$`, `$x^*$`, `$*x*$`, `$\{x\}$`, `$ \{1,2\} $`, `$x \in [0, 1]$`, `$2\pi r$`, `$2^{10}$`, `$-1$`, `$\_$`, `$a\$b$`, `$O(n \log n)$`,
	`$f(x)=\sum_{i=0}^{n} a_i x^i$`, `$\langle u, v \rangle$`, `$a<b>c$`, "$x'$", `$\alpha$`, `$3x + 2 = 5$`, `$A_{ij}$`, `$~$`, `$~~x~~$`, `$[a](b)$`, `$\|x\|$`, `$https://x.org$`,
	`$$E = mc^2$$`, `$$\int_0^1 f(x)\,dx$$`, `\[x \; y\]`, `\[ a_{1} * b_{2} * c \]`, `\[\begin{aligned} a &= b \\ c &= d \end{aligned}\]`,
	`\(\text{a_b}\)`, `\(\mathbb{R}\), \(\mathbf{x}\)`, `\(a\)\(b\)`, `$x$, $y$ and $z$`, `\(&lt;\)`, `\(<br>\)`, "\\(a`b\\)", `\(a \\ b\)`, `\(C_{60}\) and \(H_2O\)`,
}

// words are neither formulas nor Markdown, and must be shown unchanged.
var plainTexts = []string{
	"$5 and $6", "it costs $5, or $6 a month", "$1,000 to $2,000", "US$5 or A$6", "$5-$10", "$5/$10", "a $20 (was $30) book", "$HOME and $PATH", "$HOME/$USER", "5$ and 6$", "$", "$$", "a $ b", "100 $ or 5 $",
	`C:\_x`, `C:\Users\me\!notes`, `C:\#temp\{a}\(b)`, `D:\.git\_x_y_`, `\\server\share\_x`, `%APPDATA%\_x`, `..\_x\.git`, `"C:\_x y"`, `$env:TEMP\_x`,
	"snake_case and other_snake_case", "__init__ and __name__", "the __init__.py file", "5*3*2 = 30", "2**3**4", "a*b*c", "5 * 3 * 2", "10~20 and 30~40", "~5 to ~6", "10~20元，30~40元", "~/a and ~/b",
	"a < b and c > d", "if a<b && c>d", "a && b", "List<String> x", "x -> y => z", "AT&T", "R&D; x", "#hashtag", "#1", "C# and F#", "+1 and -1", "a|b", "<think>", "<details>", "[ ] x", "[^1] and [1]", "a^2", "==x==", ":smile:", "100%",
	"file.tar.gz", "a.b.c_d.e", "user_name@example.com", "https://example.com/a_b_c", "^_^", "2_000_000", "a_", "_a",
}

// around are contexts for a text, %s, and how each is shown.
var around = []struct{ name, source, want string }{
	{"alone", "%s\n", "%s"},
	{"in a paragraph", "for a %s, that is\n", "for a %s, that is"},
	{"in strong", "**so: %s !**\n", "so: %s !"},
	{"in an item", "- one %s x\n- two\n", "• one %s x\n• two"},
	{"in a number", "3. one %s x\n", "3. one %s x"},
	{"in a quote", "> so %s x\n", "│ so %s x"},
	{"in a heading", "## so %s x\n", "## so %s x"},
	{"after code", "`a_b` %s x\n", "a_b %s x"},
	{"before emphasis", "so %s x *and* more\n", "so %s x and more"},
}

func drawn(t *testing.T, source string, width int) string {
	t.Helper()
	return strings.Join(Render(source, width, Style{}), "\n")
}

func TestFormulasKeepTheirCharacters(t *testing.T) {
	for _, formula := range formulas {
		for _, a := range around {
			source, want := strings.Replace(a.source, "%s", formula, 1), strings.Replace(a.want, "%s", formula, 1)
			if got := drawn(t, source, 200); got != want {
				t.Errorf("%s: %q is shown as %q, want %q", a.name, source, got, want)
			}
			equalAt(t, source, 40, everyRune(source))
		}
		if strings.ContainsAny(formula, "|") {
			continue
		}
		source := "| a | b |\n|---|---|\n| " + formula + " | x |\n"
		if got := drawn(t, source, 200); !strings.Contains(got, formula) {
			t.Errorf("in a table: %q is shown as %q", formula, got)
		}
		equalAt(t, source, 40, everyRune(source))
	}
}

func TestOtherTextKeepsItsCharacters(t *testing.T) {
	for _, text := range plainTexts {
		for _, a := range around[1:] {
			source, want := strings.Replace(a.source, "%s", text, 1), strings.Replace(a.want, "%s", text, 1)
			if got := drawn(t, source, 200); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
				t.Errorf("%s: %q is shown as %q, want %q", a.name, source, got, want)
			}
			equalAt(t, source, 40, everyRune(source))
		}
	}
}

// displays are formulas on lines of their own, and how each is shown.
var displays = []struct{ source, want string }{
	{"\\[\nx \\; y\n\\]\n", "\\[\nx \\; y\n\\]"},
	{"so:\n\\[\na_1\n= b\n+ c\n- d\n> e\n# f\n\\]\nwhere *x* is\n", "so:\n\n\\[\na_1\n= b\n+ c\n- d\n> e\n# f\n\\]\n\nwhere x is"},
	{"$$\nE = mc^2\n$$\n", "$$\nE = mc^2\n$$"},
	{"$$\\begin{aligned}\na &= b \\\\\nc &= d\n\\end{aligned}$$\n", "$$\\begin{aligned}\na &= b \\\\\nc &= d\n\\end{aligned}$$"},
	{"\\begin{align*}\na_1 &= b_1 \\\\\n    c &= *d*\n\\end{align*}\nand *so*\n", "\\begin{align*}\na_1 &= b_1 \\\\\n    c &= *d*\n\\end{align*}\n\nand so"},
	{"so \\[\na_1\n\\; b\n\\] and *more*\n", "so \\[\na_1\n\\; b\n\\] and more"},
	{"- so\n  \\[\n  a_1 * b * c\n  - d\n  \\]\n- next\n", "• so\n  \\[\n  a_1 * b * c\n  - d\n  \\]\n• next"},
	{"1. so\n\n   $$\n   a\\,b\n   $$\n\n2. next\n", "1. so\n\n   $$\n   a\\,b\n   $$\n\n2. next"},
	{"> \\[\n> a\\;b\n> \\]\n", "│ \\[\n│ a\\;b\n│ \\]"},
	{"\\[x \\; y\\]\n", "\\[x \\; y\\]"},
	{"\\[x\\].\nand *so*\n", "\\[x\\].\n\nand so"},
	{"\\[ x = y\n\nno *end*\n", "\\[ x = y\n\nno end"},
	{"$$\nx\n\nno *end*\n", "$$\nx\n\nno end"},
	{"\\begin{align}\nx\n\nno *end*\n", "\\begin{align}\nx\n\nno end"},
	{"\\[\n\nx\n\n\\]\n", "\\[\n\nx\n\n\\]"},
	{"\\[\na_1 * b * c\n\n= d\n\\]\nand *so*\n", "\\[\na_1 * b * c\n\n= d\n\\]\n\nand so"},
	{"$$\n\na_1\n\n$$\n", "$$\n\na_1\n\n$$"},
	{"\\begin{align}\na_1 &= b\n\n- c\n\\end{align}\nand *so*\n", "\\begin{align}\na_1 &= b\n\n- c\n\\end{align}\n\nand so"},
	{"\\(\n\nx\n\n\\)\n", "\\(\n\nx\n\n\\)"},
	{"\\[\n\n*x*\n\n\\[\ny\n\\]\n", "\\[\n\nx\n\n\\[\ny\n\\]"},
	{"\\[\n\n```\n\\]\n```\n", "\\[\n\n────────────────────────────────────────────────────────────\n  \\]"},
	{"so b\\,c and \\{1\\} at 5\\% \\; x\n", "so b\\,c and \\{1\\} at 5\\% \\; x"},
	{"$$ is the *id* of a shell\n", "$$ is the id of a shell"},
	{"so it is \\(x and *more*\n\nand *so*\n", "so it is (x and more\n\nand so"},
	{"\\[1\\] Smith, *Title*\n", "[1] Smith, Title"},
	{"- \\[ \\] to do\n- \\[x\\] done\n", "• [ ] to do\n• [x] done"},
	{"write \\[text\\](url) or \\[not a link] or \\*this\\*\n", "write [text](url) or [not a link] or *this*"},
	{"\\[not a link] at *all*\n", "[not a link] at all"},
	{"`\\(a\\)` and `$x_1$` and\n```\n\\[\n$$\n```\n", "\\(a\\) and $x_1$ and\n\n────────────────────────────────────────────────────────────\n  \\[\n  $$"},
	{"    \\[\n    a_1\n    \\]\n", "  \\[\n  a_1\n  \\]"},
}

func TestFormulasOnLinesOfTheirOwn(t *testing.T) {
	for _, d := range displays {
		if got := drawn(t, d.source, 60); got != d.want {
			t.Errorf("%q is shown as\n%s\nwant\n%s", d.source, got, d.want)
		}
		for _, source := range []string{d.source, strings.ReplaceAll(d.source, "\n", "\r\n"), "text\n" + d.source, "text\n\n" + d.source + "\ntext", "- item\n" + d.source + "- item\n"} {
			equalAt(t, source, 40, everyRune(source))
		}
	}
}

// Other elements of answers that must neither get lost nor run together.
func TestOtherDialectsAreReadable(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"**注意：**这是\n", "注意：这是"},
		{"中文**“强调”**文字，*「x」*は\n", "中文“强调”文字，「x」は"},
		{"これは**「強調」**です\n", "これは「強調」です"},
		{"**한국어(Korean)**는\n", "한국어(Korean)는"},
		{"**bold**text and **S**tructured *Q*uery\n", "boldtext and Structured Query"},
		{"a ~~gone~~ b ~~~x~~~ ~y~\n", "a gone b ~~~x~~~ ~y~"},
		{"so[^1] and[^note]\n\n[^1]: https://a.example\n[^note]: Smith, *Title*\n", "so[^1] and[^note]\n\n[^1]: https://a.example\n[^note]: Smith, Title"},
		{"so [1] and [2].\n\n[1]: https://a.example\n[2]: https://b.example \"B\"\n", "so [1] and [2].\n\n[1]: https://a.example\n[2]: https://b.example \"B\""},
		{"[a]: https://a.example\n\nsee [a]\n", "see a (https://a.example)"},
		{"Term\n: its meaning\n: another\n", "Term\n: its meaning\n: another"},
		{"so:\n• one\n• two *x*\n", "so:\n• one\n• two x"},
		{"- so[^1]\n\n  [^1]: x\n  [^2]: y\n", "• so[^1]\n\n  [^1]: x\n  [^2]: y"},
		{"| a | b |\n|---|---|\n| $|x|$ | y |\n", "a │ b\n──┼────────\n$ │ x $ | y"},
		{"a | b\n-|-\n1 | 2 | 3\n", "a │ b\n──┼────\n1 │ 2 3"},
		{"5. five\n6. six\n", "5. five\n6. six"},
		{"5. five\n7. seven\n7. more\n\n12. twelve\n", "5. five\n7. seven\n8. more\n\n12. twelve"},
		{"1. one\n1. two\n1. three\n", "1. one\n2. two\n3. three"},
		{"a<br>b <sub>2</sub> <kbd>x</kbd>\n", "a\nb <sub>2</sub> <kbd>x</kbd>"},
		{"<details>\n<summary>More</summary>\n\n*text*\n\n</details>\n", "<details>\n<summary>More</summary>\n\ntext\n\n</details>"},
		{"<think>\nhm\n</think>\n\nSo.\n", "<think>\nhm\n</think>\n\nSo."},
		{"a&lt;b &amp;&amp; c &#36; `&lt;`\n", "a<b && c $ &lt;"},
		{"one\\\ntwo  \nthree\n", "one\ntwo\nthree"},
		{"````md\n```go\nx\n```\n````\n", "md ─────────────────────────\n  ```go\n  x\n  ```"},
		{"1986\\. A \\*year\\* and snake\\_case \\#1\n", "1986. A *year* and snake_case #1"},
	} {
		width := 60
		if strings.HasPrefix(c.source, "````") {
			width = 28
		}
		if got := drawn(t, c.source, width); got != c.want {
			t.Errorf("%q is shown as\n%s\nwant\n%s", c.source, got, c.want)
		}
		equalAt(t, c.source, 40, everyRune(c.source))
	}
}
