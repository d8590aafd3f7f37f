package markdown

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// layout turns the blocks of one parsed source into rows.
type layout struct {
	src   []byte
	style Style
	depth int // of nested lists
	// fences is the number of fenced code blocks so far; nil where they need no
	// numbers.
	fences *int
}

// narrowest is the width below which a container stops indenting its contents.
const narrowest = 10

func rowWidth(s string) int { return ansi.StringWidth(s) }

// document lays out the top level: one empty row between two blocks.
func (l *layout) document(doc ast.Node, width int) []string {
	var out []string
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		out = appendBlock(out, l.block(n, width))
	}
	return out
}

// appendBlock appends a top-level block's rows.
func appendBlock(out, rows []string) []string {
	if len(out) > 0 && len(rows) > 0 {
		out = append(out, "")
	}
	return append(out, rows...)
}

// block lays out one block. A link reference definition has no rows.
func (l *layout) block(n ast.Node, width int) []string {
	switch n := n.(type) {
	case *ast.Heading:
		return l.heading(n, width)
	case *ast.Paragraph, *ast.TextBlock:
		return l.flow(l.inline(n, l.style.Body), width)
	case *ast.ThematicBreak:
		return []string{paint(strings.Repeat("─", width), l.style.Rule)}
	case *ast.FencedCodeBlock:
		return l.fence(n, width)
	case *ast.CodeBlock:
		return l.codeLines(nil, n, &code{}, width)
	case *ast.Blockquote:
		return l.quote(n, width)
	case *ast.List:
		return l.items(nil, n, n.Start, width)
	case *mathBlock:
		return l.math(n, width)
	case *ast.HTMLBlock:
		return l.raw(n, width)
	case *extast.Table:
		return l.table(n, width)
	}
	return nil
}

func (l *layout) flow(spans []span, width int) []string {
	rows := wrap(spans, width, false)
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.text
	}
	return out
}

func (l *layout) heading(n *ast.Heading, width int) []string {
	sgr := join(l.style.Body, l.style.Heading)
	var spans []span
	if l.style.Heading == "" { // nothing else distinguishes it from a paragraph
		spans = append(spans, span{strings.Repeat("#", n.Level) + " ", ""})
	}
	return l.flow(append(spans, l.inline(n, sgr)...), width)
}

func (l *layout) quote(n ast.Node, width int) []string {
	const bar = "│ "
	if width-len([]rune(bar)) < narrowest {
		return l.document(n, width)
	}
	rows := l.document(n, width-2)
	if len(rows) == 0 {
		rows = []string{""}
	}
	prefix := paint("│", l.style.Quote) + " "
	for i := range rows {
		rows[i] = prefix + rows[i]
	}
	return rows
}

// items lays out a list whose first item has the given number, or a greater one.
func (l *layout) items(out []string, list ast.Node, number, width int) []string {
	for item := list.FirstChild(); item != nil; item = item.NextSibling() {
		if item.PreviousSibling() != nil && item.HasBlankPreviousLines() {
			out = append(out, "")
		}
		number = numberOf(l.src, item, number)
		out = l.listItem(out, item, number, width)
		number++
	}
	return out
}

// numberOf returns the number of an item: the written one if it is greater than the
// previous ones, else next. Many people write 1 before each.
func numberOf(src []byte, item ast.Node, next int) int {
	from := min(max(item.Pos(), 0), len(src)) // after tabs the parser's position may be outside the source
	line := strings.TrimLeft(string(src[from:min(from+longestNumber, len(src))]), " \t")
	rest := strings.TrimLeft(line, "0123456789")
	written, err := strconv.Atoi(line[:len(line)-len(rest)])
	if err != nil || rest == "" || !strings.ContainsRune(".)", rune(rest[0])) {
		return next
	}
	return max(written, next)
}

// longestNumber is the length of the longest marker of an item, with the spaces before it.
const longestNumber = 16

// listItem lays out one item under its number (0 in bullet lists).
func (l *layout) listItem(out []string, item ast.Node, number, width int) []string {
	marker := l.marker(item, number)
	indent := rowWidth(marker)
	inner := width - indent
	if inner < narrowest {
		indent, inner = 0, width
		out = append(out, paint(cut(strings.TrimSpace(marker), width), l.style.Marker))
	}
	l.depth++
	rows := l.itemBody(item, inner)
	l.depth--
	if indent == 0 {
		return append(out, rows...)
	}
	if len(rows) == 0 {
		rows = []string{""}
	}
	space := strings.Repeat(" ", indent)
	for i, r := range rows {
		switch {
		case i == 0:
			r = paint(marker, l.style.Marker) + r
		case r != "":
			r = space + r
		}
		out = append(out, r)
	}
	return out
}

// itemBody lays out an item's blocks. It separates them only where the source does,
// and from tables. (After a table the parser does not know whether the source does:
// it depends on the text before the item.)
func (l *layout) itemBody(item ast.Node, width int) []string {
	var out []string
	behindTable := false
	for n := item.FirstChild(); n != nil; n = n.NextSibling() {
		rows := l.block(n, width)
		_, isTable := n.(*extast.Table)
		if len(out) > 0 && len(rows) > 0 && (n.HasBlankPreviousLines() || isTable || behindTable) {
			out = append(out, "")
		}
		out = append(out, rows...)
		behindTable = isTable
	}
	return out
}

func (l *layout) marker(item ast.Node, number int) string {
	if box := taskBox(item); box != nil {
		if box.IsChecked {
			return "[x] "
		}
		return "[ ] "
	}
	if list, ok := item.Parent().(*ast.List); ok && list.IsOrdered() {
		return strconv.Itoa(number) + string(list.Marker) + " "
	}
	bullets := [...]string{"• ", "◦ ", "▪ "}
	return bullets[min(l.depth, len(bullets)-1)]
}

// taskBox returns the check box at the beginning of an item, or nil.
func taskBox(item ast.Node) *extast.TaskCheckBox {
	first := item.FirstChild()
	if first == nil || first.FirstChild() == nil {
		return nil
	}
	box, _ := first.FirstChild().(*extast.TaskCheckBox)
	return box
}
