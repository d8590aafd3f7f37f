package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"

	"chat/internal/term/sanitize"
)

// lines knows whether stdout and stderr stand in the middle of a line, so that no
// notice is glued to a text.
type lines struct {
	mu       sync.Mutex
	out, err bool // in the middle of one
}

// tracked is stdout or stderr for a text that need not end with a line.
type tracked struct {
	p *program
	f *os.File
}

func (t tracked) Write(b []byte) (int, error) {
	t.p.lines.mu.Lock()
	defer t.p.lines.mu.Unlock()
	n, err := t.f.Write(b)
	if shown := withoutStyleAtEnd(b[:n]); len(shown) > 0 {
		inside := shown[len(shown)-1] != '\n'
		if t.f == t.p.err {
			t.p.lines.err = inside
		} else {
			t.p.lines.out = inside
		}
	}
	return n, err
}

// withoutStyleAtEnd takes SGR sequences off the end of a text.
func withoutStyleAtEnd(b []byte) []byte {
	for {
		at := bytes.LastIndex(b, []byte("\x1b["))
		if at < 0 || len(bytes.Trim(b[at+2:], "0123456789;")) != 1 || b[len(b)-1] != 'm' {
			return b
		}
		b = b[:at]
	}
}

// say writes a line for the user to stderr, on lines of its own.
func (p *program) say(text string) {
	p.lines.mu.Lock()
	defer p.lines.mu.Unlock()
	if p.lines.err || p.lines.out && term.IsTerminal(p.out.Fd()) && term.IsTerminal(p.err.Fd()) {
		fmt.Fprintln(p.err)
	}
	p.lines.err, p.lines.out = false, false
	text = sanitize.String(text)
	if width, _, err := term.GetSize(p.err.Fd()); err == nil && width > 0 && term.IsTerminal(p.err.Fd()) {
		text = wrapped(text, width, 0)
	}
	fmt.Fprintln(p.err, text)
}

// infof writes a line to stderr, unless --quiet is given.
func (p *program) infof(format string, args ...any) {
	if !p.quiet {
		p.warnf(format, args...)
	}
}

// debugf writes a line to stderr if --verbose is given.
func (p *program) debugf(format string, args ...any) {
	if p.verbose {
		p.infof(format, args...)
	}
}

// warnf writes a line to stderr, even if --quiet is given.
func (p *program) warnf(format string, args ...any) {
	p.say("chat: " + fmt.Sprintf(format, args...))
}

// commandIn is a command in a text, which is not broken: it is there to be copied.
var commandIn = regexp.MustCompile("\\(chat [^()\n]{1,30}\\)|`[^`\n]{1,30}`")

// unbroken stands for a space that is none to break a line at.
const unbroken = "\x00"

// wrapped breaks lines between words where they are wider than a terminal; what
// follows a break is indented. A word that is wider is left to the terminal.
func wrapped(text string, width, indent int) string {
	text = commandIn.ReplaceAllStringFunc(text, func(s string) string { return strings.ReplaceAll(s, " ", unbroken) })
	var b strings.Builder
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		if cells(line) <= width-map[bool]int{true: indent}[i == 0] {
			b.WriteString(line)
			continue
		}
		at := 0
		if i == 0 {
			at = indent
		}
		for j, word := range strings.Split(line, " ") {
			n := cells(word)
			switch {
			case j == 0:
			case at+1+n > width && at > indent:
				b.WriteString("\n" + strings.Repeat(" ", indent))
				at = indent
			default:
				b.WriteByte(' ')
				at++
			}
			b.WriteString(word)
			at += n
		}
	}
	return strings.ReplaceAll(b.String(), unbroken, " ")
}

// cells is the width of a text with unbroken spaces.
func cells(text string) int { return ansi.StringWidth(strings.ReplaceAll(text, unbroken, " ")) }
