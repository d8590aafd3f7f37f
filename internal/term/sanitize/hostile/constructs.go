package hostile

import (
	"fmt"
	"strings"
)

// Construct is a position in a Markdown text where a payload can be inserted.
type Construct struct {
	Name string
	// With is the text with a payload in it.
	With func(payload string) string
}

// Constructs returns all positions where Markdown takes text, and the constructs
// that could assemble a sequence from harmless parts.
func Constructs() []Construct {
	all := []Construct{
		within("paragraph", "before %s after\n"),
		within("beginning", "%s"),
		within("strong", "**%s** and _%[1]s_ and ~~%[1]s~~\n"),
		within("link text", "[%s](https://example.org)\n"),
		within("link target", "[text](<https://example.org/%s>) [text](%[1]s)\n"),
		within("link title", "[text](https://example.org \"%s\")\n"),
		within("reference", "[text][a] [%s]\n\n[a]: <%[1]s>\n[%[1]s]: https://example.org\n"),
		within("image", "![%s](https://example.org/%[1]s.png)\n"),
		within("autolink", "<https://example.org/%s> https://example.org/%[1]s <a%[1]s@example.org>\n"),
		within("code span", "`%s` ``a`%[1]s``\n"),
		within("info string", "```go%s\nx := 1\n```\n"),
		within("fence", "```go\nx := \"%s\" // %[1]s\n```\n"),
		within("open fence", "~~~\n%s"),
		within("indented code", "text\n\n    code %s\n"),
		within("table", "| a %s | b |\n|---|:-:|\n| %[1]s | c |\n"),
		within("heading", "# %s\n\n%[1]s\n===\n"),
		within("list", "- %s\n  - [ ] %[1]s\n1. %[1]s\n"),
		within("quote", "> %s\n> > %[1]s\n"),
		within("HTML block", "<div title=\"%s\">\n%[1]s\n</div>\n"),
		within("HTML in a line", "a <b title=\"%s\">%[1]s</b><br/><!-- %[1]s -->\n"),
		within("footnote", "text[^1]\n\n[^1]: %s\n"),
		within("rule", "***%s\n---%[1]s\n"),
		within("entity", "&%s; &#%[1]s; &#x%[1]s;\n"),
	}
	for _, marks := range [][2]string{{"*", "*"}, {"`", "`"}, {"\\", "\\"}, {"[", "](x)"}, {"<!--", "-->"}, {"\n", "\n"}} {
		all = append(all, Construct{"escape between " + marks[0] + " and " + marks[1], func(payload string) string {
			return strings.ReplaceAll(payload, "\x1b", marks[0]+"\x1b"+marks[1]) + "\n"
		}})
	}
	return append(all, Construct{"controls as entities", entities})
}

func within(name, format string) Construct {
	return Construct{name, func(payload string) string { return fmt.Sprintf(format, payload) }}
}

// entities writes everything except ASCII text as entities.
func entities(payload string) string {
	var b strings.Builder
	for _, r := range payload {
		if r < ' ' || r > '~' {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String() + "\n"
}
