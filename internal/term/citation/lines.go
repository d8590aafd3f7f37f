package citation

import "strings"

// lines tracks which parts of a Markdown text are code. Code stays unchanged.
type lines struct {
	line  []byte // the beginning of the current line
	fence string // the open fence, "" for none
	span  int    // the backticks that opened a code span on this line
	ticks int    // the current run of backticks
}

// longestLine is the length of the part of a line that is checked for a fence.
const longestLine = 80

func (l *lines) add(text string) {
	for _, b := range []byte(text) {
		if b == '`' {
			l.ticks++
		} else {
			l.settle()
		}
		if b == '\n' {
			l.end()
		} else if len(l.line) < longestLine {
			l.line = append(l.line, b)
		}
	}
}

// settle ends a run of backticks.
func (l *lines) settle() {
	switch {
	case l.ticks == 0:
	case l.span == 0:
		l.span = l.ticks
	case l.span == l.ticks:
		l.span = 0
	}
	l.ticks = 0
}

// end ends a line, which may open or close a fence.
func (l *lines) end() {
	mark := strings.TrimLeft(string(l.line), " \t>")
	if l.fence == "" {
		mark = strings.TrimLeft(mark, " \t>-*+.)0123456789")
	}
	run := len(mark) - len(strings.TrimLeft(mark, "`"))
	if strings.HasPrefix(mark, "~") {
		run = len(mark) - len(strings.TrimLeft(mark, "~"))
	}
	switch {
	case run < len("```"):
	case l.fence == "" && !strings.Contains(mark[run:], "`"):
		l.fence = mark[:run]
	case l.fence != "" && strings.HasPrefix(mark[:run], l.fence) && strings.TrimSpace(mark[run:]) == "":
		l.fence = ""
	}
	l.line, l.span, l.ticks = l.line[:0], 0, 0
}

// code reports whether the next character is part of code.
func (l *lines) code() bool {
	opens := l.ticks > 0 && (l.span == 0 || l.ticks != l.span) || l.ticks == 0 && l.span > 0
	return l.fence != "" || opens
}
