package output

import (
	"bytes"
	"io"
	"strings"

	"github.com/charmbracelet/x/term"

	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// NewMemorySink returns a sink that writes the exact text and a newline to b.
func NewMemorySink(b *bytes.Buffer) *replaySafeSink {
	return &replaySafeSink{w: b, rewind: func() error { b.Reset(); return nil }}
}

func (p *Console) PrintText(text string, raw bool) error {
	var out Sink
	switch {
	case !term.IsTerminal(p.Out.Fd()):
		out = &replaySafeSink{w: p.Out}
	case raw:
		out = &TerminalSink{w: p.Out}
	default:
		out = p.MarkdownSink()
	}
	if err := out.Write(text); err != nil {
		return err
	}
	return out.Close()
}

// Sink writes the text of an answer. Close ends the text. Reset discards it, for one of
// the reasons below.
type Sink interface {
	Write(text string) error
	Reset(why string) error
	Close() error
}

// The reasons for Reset.
const (
	Restarted    = "the answer restarts"
	WasReasoning = "that was the model's reasoning"
	WasAnswer    = "that was the answer"
)

// ReasoningSink writes the reasoning of an answer in faint text. If the answer is written
// to the same terminal, an empty line separates them.
type ReasoningSink struct {
	TerminalSink
	gap    bool
	speaks bool // the last text was reasoning
	silent bool // the last text was the answer
}

func (a *ReasoningSink) Write(text string) error {
	if a.silent && a.gap {
		if _, err := io.WriteString(a.w, "\n\n"); err != nil {
			return err
		}
	}
	a.speaks, a.silent = true, false
	return a.TerminalSink.Write(text)
}

// Pause is called before the answer's text continues.
func (a *ReasoningSink) Pause() error {
	spoke := a.speaks
	a.speaks, a.silent = false, a.any
	if !spoke {
		return nil
	}
	if err := a.Close(); err != nil || !a.gap {
		return err
	}
	_, err := io.WriteString(a.w, "\n")
	return err
}

// NewReasoningSink returns a sink that writes reasoning to stderr. Gap is true if the
// answer is written to the same terminal.
func (p *Console) NewReasoningSink(gap bool) *ReasoningSink {
	r := &ReasoningSink{TerminalSink: *NewTerminalSink(p.errWriter()), gap: gap}
	if p.Colors(p.Err.Fd()) != NoColor {
		r.sgr = "2"
	}
	return r
}

// NewBufferedSink returns a sink that keeps a text until it is complete.
func NewBufferedSink(to Sink) Sink { return &bufferedSink{Sink: to} }

// NewTerminalSink returns a sink that writes safe text to a terminal.
func NewTerminalSink(w io.Writer) *TerminalSink { return &TerminalSink{w: w} }

// bufferedSink writes a text when it is complete.
type bufferedSink struct {
	Sink
	text strings.Builder
}

func (l *bufferedSink) Write(text string) error { l.text.WriteString(text); return nil }

func (l *bufferedSink) Reset(string) error { l.text.Reset(); return nil }

func (l *bufferedSink) Close() error {
	if err := l.Sink.Write(l.text.String()); err != nil {
		return err
	}
	return l.Sink.Close()
}

// TerminalSink writes the unformatted text to a terminal, without control characters.
type TerminalSink struct {
	w     io.Writer
	sgr   string // the style, "" for none
	clean sanitize.Stream
	any   bool
	end   byte
}

func (c *TerminalSink) Write(text string) error {
	text = c.clean.Append(text)
	if text == "" {
		return nil
	}
	c.any, c.end = true, text[len(text)-1]
	_, err := io.WriteString(c.w, theme.Paint(text, c.sgr))
	return err
}

func (c *TerminalSink) Reset(why string) error {
	err := c.Close()
	if err == nil && c.any {
		_, err = io.WriteString(c.w, "\n-- "+why+" --\n\n")
	}
	*c = TerminalSink{w: c.w, sgr: c.sgr}
	return err
}

func (c *TerminalSink) Close() error {
	if !c.any || c.end == '\n' {
		return nil
	}
	c.end = '\n'
	_, err := io.WriteString(c.w, "\n")
	return err
}
