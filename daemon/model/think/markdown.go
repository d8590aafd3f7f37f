package think

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// markdownContext is the context of a position in a Markdown text: whether a tag there is
// quoted depends on it.
type markdownContext struct {
	fence string // what the code block that is open was opened with, "" outside
	line  []byte // the beginning of the current line
	ticks int    // the backticks on it
	last  rune   // the last character on it
}

// maxLine is how much of a line shows whether it is a fence.
const maxLine = 64

// advance moves the position past s.
func (c *markdownContext) advance(s string) {
	for s != "" {
		line, rest, ended := strings.Cut(s, "\n")
		c.line = append(c.line, line[:min(len(line), max(0, maxLine-len(c.line)))]...)
		c.ticks += strings.Count(line, "`")
		if line != "" {
			c.last, _ = utf8.DecodeLastRuneInString(line)
		}
		if ended {
			c.endLine()
		}
		s = rest
	}
}

func (c *markdownContext) endLine() {
	line := strings.TrimSpace(string(c.line))
	mark := line[:len(line)-len(strings.TrimLeft(line, line[:min(1, len(line))]))]
	isFence := len(mark) >= 3 && (mark[0] == '`' || mark[0] == '~')
	switch {
	case !isFence:
	case c.fence == "":
		if mark[0] == '~' || !strings.Contains(line[len(mark):], "`") {
			c.fence = mark
		}
	case strings.HasPrefix(mark, c.fence) && mark == line:
		c.fence = ""
	}
	c.line, c.ticks, c.last = c.line[:0], 0, 0
}

// closes reports whether a closing tag at the position ends reasoning without an opening
// one. Such a tag is at the beginning of a line, or directly after a word. A quoted tag is
// in code, in quotation marks, or after a space.
func (c *markdownContext) closes() bool {
	switch {
	case c.fence != "" || c.ticks%2 == 1 || bytes.HasPrefix(c.line, []byte("    ")) || bytes.HasPrefix(c.line, []byte("\t")):
		return false
	case len(bytes.TrimSpace(c.line)) == 0:
		return true
	case unicode.IsSpace(c.last) || unicode.Is(unicode.Ps, c.last) || unicode.Is(unicode.Pi, c.last):
		return false
	}
	return !strings.ContainsRune(`"'<>/\|=`, c.last)
}
