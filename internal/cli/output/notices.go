package output

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"

	"chat/internal/lazyregexp"
	"chat/internal/term/sanitize"
)

// lines records whether stdout and stderr are in the middle of a line, so that a notice
// starts on a line of its own.
type lines struct {
	mu       sync.Mutex
	out, err bool // in the middle of one
}

// lineWriter writes to stdout or stderr and updates lines.
type lineWriter struct {
	p *Console
	f *os.File
}

func (t lineWriter) Write(b []byte) (int, error) {
	t.p.lines.mu.Lock()
	defer t.p.lines.mu.Unlock()
	n, err := t.f.Write(b)
	if shown := withoutStyleAtEnd(b[:n]); len(shown) > 0 {
		inside := shown[len(shown)-1] != '\n'
		if t.f == t.p.Err {
			t.p.lines.err = inside
		} else {
			t.p.lines.out = inside
		}
	}
	return n, err
}

// OutWriter returns stdout for text that may end in the middle of a line.
func (p *Console) OutWriter() io.Writer { return lineWriter{p, p.Out} }

// errWriter returns stderr for text that may end in the middle of a line.
func (p *Console) errWriter() io.Writer { return lineWriter{p, p.Err} }

// withoutStyleAtEnd removes SGR sequences from the end of a text.
func withoutStyleAtEnd(b []byte) []byte {
	for {
		at := bytes.LastIndex(b, []byte("\x1b["))
		if at < 0 || len(bytes.Trim(b[at+2:], "0123456789;")) != 1 || b[len(b)-1] != 'm' {
			return b
		}
		b = b[:at]
	}
}

// writeNotice writes a notice to stderr on a line of its own.
func (p *Console) writeNotice(text string) {
	p.lines.mu.Lock()
	defer p.lines.mu.Unlock()
	if p.lines.err || p.lines.out && term.IsTerminal(p.Out.Fd()) && term.IsTerminal(p.Err.Fd()) {
		fmt.Fprintln(p.Err)
	}
	p.lines.err, p.lines.out = false, false
	text = sanitize.String(text)
	if width, _, err := term.GetSize(p.Err.Fd()); err == nil && width > 0 && term.IsTerminal(p.Err.Fd()) {
		text = wrap(text, width, 0)
	}
	fmt.Fprintln(p.Err, text)
}

// Infof writes a line to stderr, unless --quiet is given.
func (p *Console) Infof(format string, args ...any) {
	if !p.Quiet {
		p.Warnf(format, args...)
	}
}

// Debugf writes a line to stderr if --verbose is given.
func (p *Console) Debugf(format string, args ...any) {
	if p.Verbose {
		p.Infof(format, args...)
	}
}

// Warnf writes a line to stderr, even if --quiet is given.
func (p *Console) Warnf(format string, args ...any) {
	p.writeNotice("chat: " + fmt.Sprintf(format, args...))
}

// commandPattern matches a command in a text. Commands are not wrapped, so that they can be copied.
var commandPattern = lazyregexp.New("\\(chat [^()\n]{1,30}\\)|`[^`\n]{1,30}`")

// unbroken replaces a space at which a line must not break.
const unbroken = "\x00"

// wrap breaks lines that are wider than width between words, and indents the rest.
// The terminal wraps a word that is wider.
func wrap(text string, width, indent int) string {
	text = commandPattern.ReplaceAllStringFunc(text, func(s string) string { return strings.ReplaceAll(s, " ", unbroken) })
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

// cells returns the width of a text with unbroken spaces.
func cells(text string) int { return ansi.StringWidth(strings.ReplaceAll(text, unbroken, " ")) }
