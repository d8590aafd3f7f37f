package provider

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// place is where in a Markdown text we are: what a tag means depends on it.
type place struct {
	fence string // what the code block that is open was opened with, "" outside
	line  []byte // the beginning of the current line
	ticks int    // the backticks on it
	last  rune   // the last character on it
}

// maxLine is how much of a line shows whether it is a fence.
const maxLine = 64

// walk goes on behind s.
func (p *place) walk(s string) {
	for s != "" {
		line, rest, ended := strings.Cut(s, "\n")
		p.line = append(p.line, line[:min(len(line), max(0, maxLine-len(p.line)))]...)
		p.ticks += strings.Count(line, "`")
		if line != "" {
			p.last, _ = utf8.DecodeLastRuneInString(line)
		}
		if ended {
			p.endLine()
		}
		s = rest
	}
}

func (p *place) endLine() {
	line := strings.TrimSpace(string(p.line))
	mark := line[:len(line)-len(strings.TrimLeft(line, line[:min(1, len(line))]))]
	isFence := len(mark) >= 3 && (mark[0] == '`' || mark[0] == '~')
	switch {
	case !isFence:
	case p.fence == "":
		if mark[0] == '~' || !strings.Contains(line[len(mark):], "`") {
			p.fence = mark
		}
	case strings.HasPrefix(mark, p.fence) && mark == line:
		p.fence = ""
	}
	p.line, p.ticks, p.last = p.line[:0], 0, 0
}

// closes reports whether a closing tag here ends reasoning that had no opening one:
// it stands at the beginning of a line, or right behind the last word. One that is
// spoken of stands in code, in quotation marks or behind a space.
func (p *place) closes() bool {
	switch {
	case p.fence != "" || p.ticks%2 == 1 || bytes.HasPrefix(p.line, []byte("    ")) || bytes.HasPrefix(p.line, []byte("\t")):
		return false
	case len(bytes.TrimSpace(p.line)) == 0:
		return true
	case unicode.IsSpace(p.last) || unicode.Is(unicode.Ps, p.last) || unicode.Is(unicode.Pi, p.last):
		return false
	}
	return !strings.ContainsRune(`"'<>/\|=`, p.last)
}
