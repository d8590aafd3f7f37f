package markdown

import (
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"

	"chat/internal/term/highlight"
	"chat/internal/term/sanitize"
)

// codeIndent separates code from the text around it, in cells.
const codeIndent = "  "

// fenceHead is the row above a code block: its language, a rule, and its number
// among all of them, if the style asks for it.
func (l *layout) fenceHead(language string, width int) string {
	number := ""
	if l.fences != nil {
		*l.fences++
		if l.style.Number != "" {
			number = " " + l.style.Number + strconv.Itoa(*l.fences)
		}
	}
	if rowWidth(number) > width/3 {
		number = ""
	}
	width -= rowWidth(number)
	row := ""
	if label := cut(sanitize.Line(language), width/2); label != "" {
		row = paint(label, l.style.Label) + " "
		width -= rowWidth(label) + 1
	}
	return row + paint(strings.Repeat("─", width), l.style.Rule) + paint(number, l.style.Label)
}

// CodeBlock is a fenced code block.
type CodeBlock struct{ Language, Text string }

// CodeBlocks are the fenced code blocks of a text, in the order of their numbers.
func CodeBlocks(source string) []CodeBlock {
	src := []byte(source)
	var blocks []CodeBlock
	_ = ast.Walk(parse(src, parser.NewContext()), func(n ast.Node, entering bool) (ast.WalkStatus, error) { // ends without an error
		fence, ok := n.(*ast.FencedCodeBlock)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		var text strings.Builder
		for i := range fence.Lines().Len() {
			segment := fence.Lines().At(i)
			text.Write(segment.Value(src))
		}
		blocks = append(blocks, CodeBlock{sanitize.Line(string(fence.Language(src))), text.String()})
		return ast.WalkSkipChildren, nil
	})
	return blocks
}

// code is the state of the highlighter: the language, and what the lines so far
// have left open.
type code struct {
	language *highlight.Language
	state    highlight.State
}

// maxColoured is the maximum length of a coloured line of code, in bytes. A longer
// line is data.
const maxColoured = 4 << 10

// codeLine lays out one line of code, without its newline.
func (l *layout) codeLine(out []string, c *code, line string, width int) []string {
	line = untab(strings.TrimRight(line, "\r\n"))
	spans := []span{{line, l.style.Fence}}
	if c.language != nil && len(line) <= maxColoured {
		spans = spans[:0]
		for _, s := range c.language.Line(line, &c.state) {
			spans = append(spans, span{s.Text, join(l.style.Fence, l.style.Syntax[s.Kind])})
		}
	}
	if strings.TrimSpace(line) == "" {
		return append(out, "")
	}
	for _, r := range hardwrapSpans(spans, max(width-len(codeIndent), MinWidth-len(codeIndent))) {
		out = append(out, codeIndent+r)
	}
	return out
}

func (l *layout) fence(n *ast.FencedCodeBlock, width int) []string {
	language := string(n.Language(l.src))
	return l.codeLines([]string{l.fenceHead(language, width)}, n, &code{language: highlight.For(language)}, width)
}

func (l *layout) codeLines(out []string, n ast.Node, c *code, width int) []string {
	lines := n.Lines()
	for i := range lines.Len() {
		segment := lines.At(i)
		out = l.codeLine(out, c, string(segment.Value(l.src)), width)
	}
	return out
}

// raw shows a block of HTML as source.
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
