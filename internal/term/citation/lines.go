package citation

import "strings"

// lines follows where in a Markdown text there is code, which stays as it is.
type lines struct {
	line  []byte // the one that is being written, its beginning
	fence string // the one that is open, "" if none
	span  int    // the backticks that have opened a code span on this line
	ticks int    // backticks that may go on
}

// longestLine is how much of a line is looked at for a fence.
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

// settle counts a run of backticks that has ended.
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

// end is the end of a line, which may have opened a fence, or closed it.
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

// code reports whether what comes next stands in code.
func (l *lines) code() bool {
	opens := l.ticks > 0 && (l.span == 0 || l.ticks != l.span) || l.ticks == 0 && l.span > 0
	return l.fence != "" || opens
}
