package markdown

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/util"

	"chat/internal/term/highlight"
)

// openFence is a fenced code block at the top level that has not been closed:
// each further line is code, or its end.
type openFence struct {
	char     byte
	length   int
	indent   int // cells before the opening fence, taken off each line
	language string
	code     code
}

// unclosedFence returns the fence of the last block of src and where its code
// begins, or nil if it is closed.
func unclosedFence(src []byte, n *ast.FencedCodeBlock) (*openFence, int) {
	start := startOf(src, n)
	line, rest, _ := bytes.Cut(src[start:], []byte{'\n'})
	mark := bytes.TrimLeft(line, " ")
	f := &openFence{indent: len(line) - len(mark), char: mark[0], language: string(n.Language(src))}
	f.code.language = highlight.For(f.language)
	f.length = len(mark) - len(bytes.TrimLeft(mark, string(f.char)))
	body := len(src) - len(rest)
	for line := range bytes.Lines(rest) {
		if f.closedBy(line) {
			return nil, 0
		}
	}
	return f, body
}

// closedBy reports whether line is the closing fence.
func (f *openFence) closedBy(line []byte) bool {
	mark := bytes.TrimLeft(line, " ")
	if len(line)-len(mark) > 3 {
		return false
	}
	tail := bytes.TrimLeft(mark, string(f.char))
	return len(mark)-len(tail) >= f.length && len(bytes.TrimSpace(tail)) == 0
}

// dedent removes the opening fence's indentation from a line of code, as far as the
// line has it. A tab that is wider leaves spaces.
func (f *openFence) dedent(line []byte) string {
	pos, padding := util.IndentPositionPadding(line, 0, 0, f.indent)
	if pos < 0 {
		pos, padding = max(0, util.FirstNonSpacePosition(line)), 0
	}
	return strings.Repeat(" ", padding) + string(line[pos:])
}

// advanceFence keeps the complete lines of the open fence; it reports whether
// the fence has been closed.
func (s *Stream) advanceFence() bool {
	l := layout{style: s.style}
	for {
		end := bytes.IndexByte(s.src[s.start:], '\n')
		if end < 0 {
			return false
		}
		line := s.src[s.start : s.start+end+1]
		s.start += len(line)
		if s.fence.closedBy(line) {
			s.fence = nil
			return true
		}
		s.rows = l.codeLine(s.rows, &s.fence.code, s.fence.dedent(line), s.width)
	}
}
