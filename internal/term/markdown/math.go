package markdown

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Formulas are shown as LaTeX source. The grammar recognizes them so that nothing
// in them is parsed as Markdown: \(…\), \[…\], $…$ and $$…$$ in a line, and \[, $$
// and \begin{…} at the beginning of one.

var (
	mathKind      = ast.NewNodeKind("Math")      //nolint:gochecknoglobals // constant
	mathBlockKind = ast.NewNodeKind("MathBlock") //nolint:gochecknoglobals // constant
)

// mathSpan is a formula in a line: its children are the lines of its source.
type mathSpan struct {
	ast.BaseInline
	display bool // each of its lines stays one
}

func (*mathSpan) Kind() ast.NodeKind              { return mathKind }
func (n *mathSpan) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// mathBlock is a formula on lines of its own.
type mathBlock struct {
	ast.BaseBlock
	end    string // what ends it
	closed bool
	alone  bool // the first line has nothing but the delimiter: empty lines may be part of the formula
	blanks bool // the closing delimiter comes after empty lines
}

// mathReach is the maximum length of a formula with empty lines, in bytes.
const mathReach = 4 << 10

func (*mathBlock) Kind() ast.NodeKind              { return mathBlockKind }
func (*mathBlock) IsRaw() bool                     { return true }
func (n *mathBlock) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// mathSpans finds formulas in a line.
type mathSpans struct{}

func (mathSpans) Trigger() []byte { return []byte{'\\', '$'} }

func (mathSpans) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, segment := block.PeekLine()
	switch {
	case bytes.HasPrefix(line, []byte(`\(`)):
		return delimited(block, `\)`, false)
	case bytes.HasPrefix(line, []byte(`\[`)):
		if rest := line[2:]; util.IsBlank(rest) || !escapedBracket(rest) {
			return delimited(block, `\]`, true)
		}
	case bytes.HasPrefix(line, []byte("$$")):
		return delimited(block, "$$", true)
	case line[0] == '$':
		if n := dollarSpan(line, block.PrecendingCharacter()); n > 0 {
			block.Advance(n)
			span := &mathSpan{}
			span.AppendChild(span, ast.NewRawTextSegment(segment.WithStop(segment.Start+n)))
			return span
		}
	}
	return nil
}

// delimited parses the formula that begins here and ends with end, possibly some
// lines below. It returns nil if the formula does not end in its paragraph.
func delimited(block text.Reader, end string, display bool) ast.Node {
	span := &mathSpan{display: display}
	for from := len(end); ; from = 0 {
		line, segment := block.PeekLine()
		if line == nil {
			return nil
		}
		if i := closing(line, from, end); i >= 0 {
			span.AppendChild(span, ast.NewRawTextSegment(segment.WithStop(segment.Start+i)))
			block.Advance(i)
			return span
		}
		span.AppendChild(span, ast.NewRawTextSegment(segment))
		block.AdvanceLine()
	}
}

// closing returns the position after from where end ends in the line, or -1.
func closing(line []byte, from int, end string) int {
	for i := from; i < len(line); i++ {
		if bytes.HasPrefix(line[i:], []byte(end)) {
			return i + len(end)
		}
		if line[i] == '\\' {
			i++ // as in \\ and \$
		}
	}
	return -1
}

// escapedBracket reports whether the \[ before rest is an escaped bracket, such as
// that of a link or a number, and not a formula.
func escapedBracket(rest []byte) bool {
	end := closing(rest, 0, `\]`)
	if end < 0 {
		return true
	}
	inner := strings.TrimSpace(string(rest[:end-2]))
	return strings.Trim(inner, "0123456789^, ") == "" || bytes.HasPrefix(rest[end:], []byte("(")) ||
		inner == "x" && bytes.HasPrefix(rest[end:], []byte(" "))
}

// dollarSpan returns the length of the formula in single dollars at the beginning
// of a line, or 0. Amounts of money and shell variables are not formulas.
func dollarSpan(line []byte, before rune) int {
	end := closing(line, 1, "$")
	if end < 0 || unicode.IsLetter(before) || unicode.IsDigit(before) {
		return 0
	}
	inner := string(line[1 : end-1])
	after := runeAt(line, end)
	opens, closes := inner != "" && !util.IsSpace(inner[0]), inner != "" && !util.IsSpace(inner[len(inner)-1])
	switch {
	case strings.TrimSpace(inner) == "", unicode.IsDigit(after), unicode.IsLetter(after), after == '$':
		return 0
	case opens != closes, !opens && !strings.ContainsAny(inner, `\^_{}`):
		return 0
	case unicode.IsDigit(rune(inner[0])) && wordy(inner):
		return 0
	}
	return end
}

// runeAt returns the character at an offset of a line, or a space at the end.
func runeAt(line []byte, at int) rune {
	if at >= len(line) {
		return ' '
	}
	r, _ := utf8.DecodeRune(line[at:])
	return r
}

// wordy reports whether a text has words that are not LaTeX commands.
func wordy(s string) bool {
	letters := 0
	command := false
	for _, r := range s {
		switch {
		case r == '\\':
			letters, command = 0, true
		case !unicode.IsLetter(r):
			letters, command = 0, false
		case !command:
			letters++
		}
		if letters > 1 {
			return true
		}
	}
	return false
}

// mathBlocks parses formulas on lines of their own. A formula ends with its closing
// delimiter or, like a paragraph, at an empty line, so that one without an end does
// not swallow the text after it.
type mathBlocks struct{}

func (mathBlocks) Trigger() []byte { return []byte{'\\', '$'} }

func (mathBlocks) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	line, segment := reader.PeekLine()
	pos := pc.BlockOffset()
	if pos < 0 {
		return nil, parser.NoChildren
	}
	begin, end := mathBegin(line[pos:])
	node := &mathBlock{end: end, closed: closing(line[pos:], begin, end) >= 0}
	rest := bytes.TrimSpace(line[pos:])
	switch {
	case end == "" && isDelimiter(rest) && !inParagraph(pc):
		node.closed = true // the other delimiter is elsewhere
	case end == "":
		return nil, parser.NoChildren
	case len(rest) == begin && !node.closed && parent.Kind() == ast.KindDocument:
		node.alone = true
		node.blanks, _ = endsBelow(reader.Source()[min(segment.Stop, len(reader.Source())):], end)
	}
	node.Lines().Append(segment.WithStart(segment.Start + pos - segment.Padding))
	reader.AdvanceToEOL()
	return node, parser.NoChildren
}

// isDelimiter reports whether a line consists of one delimiter of a formula.
func isDelimiter(line []byte) bool {
	return len(line) == 2 && line[0] == '\\' && bytes.IndexByte([]byte("()[]"), line[1]) >= 0
}

func inParagraph(pc parser.Context) bool {
	blocks := pc.OpenedBlocks()
	return len(blocks) > 0 && blocks[len(blocks)-1].Node.Kind() == ast.KindParagraph
}

// endsBelow reports whether a formula ends on a later line of the text: within
// mathReach, and before any other formula or code. barred reports that no text to
// come can end it.
func endsBelow(below []byte, end string) (ends, barred bool) {
	for line := range bytes.Lines(below[:min(len(below), mathReach)]) {
		switch line = bytes.TrimSpace(line); {
		case bytes.HasPrefix(line, []byte("```")), bytes.HasPrefix(line, []byte("~~~")), end == `\]` && bytes.HasPrefix(line, []byte(`\[`)):
			return false, true
		case closing(line, 0, end) >= 0:
			return true, false
		}
	}
	return false, len(below) > mathReach
}

// awaitsEnd reports whether text to come can still end n, after empty lines.
func awaitsEnd(src []byte, n ast.Node) bool {
	m, ok := n.(*mathBlock)
	if !ok || !m.alone || m.closed || m.blanks {
		return false
	}
	_, barred := endsBelow(src[m.Lines().At(0).Stop:], m.end)
	return !barred
}

// mathBegin returns the length of the opening delimiter at the beginning of a line
// and its closing delimiter; "" if the line does not begin with one, or continues
// after the closing delimiter.
func mathBegin(line []byte) (begin int, end string) {
	rest := bytes.TrimRight(line, " \t\r\n")
	switch {
	case bytes.HasPrefix(rest, []byte(`\[`)):
		if begin, end = 2, `\]`; len(rest) > 2 && closing(rest, 2, end) < 0 && unbalanced(rest[2:]) ||
			closing(rest, 2, end) >= 0 && escapedBracket(rest[2:]) {
			return 0, ""
		}
	case bytes.HasPrefix(rest, []byte("$$")):
		if begin, end = 2, "$$"; len(rest) > 2 && closing(rest, 2, end) < 0 && !bytes.ContainsAny(rest, `\^_={}`) {
			return 0, ""
		}
	case bytes.HasPrefix(rest, []byte(`\begin{`)):
		if i := bytes.IndexByte(rest, '}'); i > 0 {
			begin, end = i+1, `\end{`+string(rest[len(`\begin{`):i+1])
		}
	}
	if i := closing(rest, begin, end); end != "" && i >= 0 && len(bytes.Trim(rest[i:], ".,;:")) > 0 {
		return 0, ""
	}
	return begin, end
}

// unbalanced reports whether a bracket is closed that was not opened.
func unbalanced(text []byte) bool {
	depth := 0
	for _, b := range text {
		switch b {
		case '[':
			depth++
		case ']':
			depth--
		}
		if depth < 0 {
			return true
		}
	}
	return false
}

func (mathBlocks) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	line, segment := reader.PeekLine()
	n, ok := node.(*mathBlock)
	if !ok || n.closed || util.IsBlank(line) && !n.blanks {
		return parser.Close
	}
	n.closed = closing(line, 0, n.end) >= 0
	n.Lines().Append(segment)
	reader.AdvanceToEOL()
	return parser.Continue | parser.NoChildren
}

func (mathBlocks) Close(ast.Node, text.Reader, parser.Context) {}
func (mathBlocks) CanInterruptParagraph() bool                 { return true }
func (mathBlocks) CanAcceptIndentedLine() bool                 { return false }

// math lays out a formula on lines of its own.
func (l *layout) math(n *mathBlock, width int) []string {
	lines := n.Lines()
	var out []string
	for i := range lines.Len() {
		segment := lines.At(i)
		line := strings.TrimRight(string(segment.Value(l.src)), " \t\r\n")
		for _, r := range wrap([]span{{untab(line), l.style.Body}}, width, true) {
			out = append(out, r.text)
		}
	}
	return out
}

// mathSpan lays out a formula in a line.
func (l *layout) mathSpan(out []span, n *mathSpan, sgr string) []span {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		t, ok := c.(*ast.Text)
		if !ok {
			continue
		}
		value := string(t.Segment.Value(l.src))
		line := strings.TrimRight(value, "\r\n")
		out = append(out, span{line, sgr})
		switch {
		case line == value:
		case n.display:
			out = append(out, span{"\n", sgr})
		default:
			out = append(out, span{" ", sgr})
		}
	}
	return out
}
