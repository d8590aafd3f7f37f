package markdown

import (
	"strings"

	"github.com/yuin/goldmark/ast"

	"chat/tui/sanitize"
)

// codeIndent sets code apart from the text around it, in cells.
const codeIndent = "  "

// fenceHead is the row above a code block: its language and a rule.
func (l *layout) fenceHead(language string, width int) string {
	language = sanitize.Line(language)
	if language == "" {
		return paint(strings.Repeat("─", width), l.style.Rule)
	}
	label := cut(language, width/2)
	rest := width - rowWidth(label) - 1
	return paint(label, l.style.Label) + " " + paint(strings.Repeat("─", rest), l.style.Rule)
}

// codeLine lays out one line of code, without its newline. Highlighting, when it
// comes, belongs here: a line in, its rows out, with the language at hand.
func (l *layout) codeLine(out []string, _ string, line string, width int) []string {
	line = untab(strings.TrimRight(line, "\r\n"))
	if strings.TrimSpace(line) == "" {
		return append(out, "")
	}
	for _, r := range hardwrap(line, max(width-len(codeIndent), MinWidth-len(codeIndent))) {
		out = append(out, codeIndent+paint(r.text, l.style.Fence))
	}
	return out
}

func (l *layout) fence(n *ast.FencedCodeBlock, width int) []string {
	language := string(n.Language(l.src))
	return l.codeLines([]string{l.fenceHead(language, width)}, n, language, width)
}

func (l *layout) codeLines(out []string, n ast.Node, language string, width int) []string {
	lines := n.Lines()
	for i := range lines.Len() {
		segment := lines.At(i)
		out = l.codeLine(out, language, string(segment.Value(l.src)), width)
	}
	return out
}

// raw shows a block of HTML as it is written.
func (l *layout) raw(n *ast.HTMLBlock, width int) []string {
	var out []string
	add := func(text []byte) {
		for _, r := range hardwrap(untab(strings.TrimRight(string(text), "\r\n")), width) {
			out = append(out, paint(r.text, l.style.Raw))
		}
	}
	lines := n.Lines()
	for i := range lines.Len() {
		segment := lines.At(i)
		add(segment.Value(l.src))
	}
	if n.HasClosure() {
		add(n.ClosureLine.Value(l.src))
	}
	for len(out) > 0 && strings.TrimSpace(out[len(out)-1]) == "" {
		out = out[:len(out)-1]
	}
	return out
}
