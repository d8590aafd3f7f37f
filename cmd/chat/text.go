package main

import (
	"io"
	"strings"

	"chat"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// sink takes the text of an answer. Close ends it, Reset drops it, for one of the
// reasons below.
type sink interface {
	Write(text string) error
	Reset(why string) error
	Close() error
}

// Why a text is dropped.
const (
	startsAgain  = "the answer starts again"
	wasReasoning = "that was the model's reasoning"
	wasAnswer    = "that was the answer"
)

// textPrinter writes the text of an answer and nothing else.
type textPrinter struct {
	linkNotes
	attempt int // of the last chunk
	out     sink
	aside   *reasoningSink // for the reasoning; nil drops it
	mode    string
	block   extraction // what of the text is wanted, "" for all of it
}

func (t *textPrinter) chunk(_ *answer, c chat.Chunk) error {
	answer, reasoning := startsAgain, startsAgain // why each is dropped
	if c.Resorts(t.attempt) {
		answer, reasoning = wasReasoning, wasAnswer
	}
	t.attempt = c.Attempt
	switch c.Type {
	case chat.ChunkContent:
		if t.mode == "only" {
			return nil
		}
		if t.aside != nil {
			if err := t.aside.pause(); err != nil {
				return err
			}
		}
		if t.block != "" {
			return nil // nobody knows yet which one it is
		}
		return t.out.Write(c.Content)
	case chat.ChunkReasoning:
		if t.mode == "only" {
			return t.out.Write(c.Content)
		}
		if t.aside != nil {
			return t.aside.Write(c.Content)
		}
	case chat.ChunkReset:
		if t.aside != nil {
			if err := t.aside.Reset(reasoning); err != nil {
				return err
			}
		}
		if t.mode == "only" {
			answer = reasoning
		}
		return t.out.Reset(answer)
	default: // the end, and what is no text
	}
	return nil
}

func (t *textPrinter) end(a *answer) error {
	if t.aside != nil {
		if err := t.aside.Close(); err != nil {
			return err
		}
	}
	if t.block != "" {
		code, err := t.block.from(a.parts.Text())
		if err != nil && a.code() != exitOK {
			return nil // how it ended says more
		}
		if err == nil {
			err = t.out.Write(code)
		}
		if err != nil {
			return err
		}
	}
	err := t.out.Close()
	if err == nil {
		t.showNotices(a)
	}
	return err
}

// reasoningSink writes the reasoning of an answer: faint, and where both are written to
// one terminal, with an empty line between them.
type reasoningSink struct {
	terminalSink
	gap    bool
	speaks bool // the last text was reasoning
	silent bool // the last text was the answer
}

func (a *reasoningSink) Write(text string) error {
	if a.silent && a.gap {
		if _, err := io.WriteString(a.w, "\n\n"); err != nil {
			return err
		}
	}
	a.speaks, a.silent = true, false
	return a.terminalSink.Write(text)
}

// pause is called when the answer's text goes on.
func (a *reasoningSink) pause() error {
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

// bufferedSink keeps a text until it is complete, and then writes it.
type bufferedSink struct {
	sink
	text strings.Builder
}

func (l *bufferedSink) Write(text string) error { l.text.WriteString(text); return nil }
func (l *bufferedSink) Reset(string) error      { l.text.Reset(); return nil }
func (l *bufferedSink) Close() error {
	if err := l.sink.Write(l.text.String()); err != nil {
		return err
	}
	return l.sink.Close()
}

// terminalSink writes the text as the model wrote it, for a terminal: without what would
// steer it.
type terminalSink struct {
	w     io.Writer
	sgr   string // how it is written, "" for the terminal's own way
	clean sanitize.Stream
	any   bool
	end   byte
}

func (c *terminalSink) Write(text string) error {
	text = c.clean.Append(text)
	if text == "" {
		return nil
	}
	c.any, c.end = true, text[len(text)-1]
	_, err := io.WriteString(c.w, theme.Paint(text, c.sgr))
	return err
}

func (c *terminalSink) Reset(why string) error {
	err := c.Close()
	if err == nil && c.any {
		_, err = io.WriteString(c.w, "\n-- "+why+" --\n\n")
	}
	*c = terminalSink{w: c.w, sgr: c.sgr}
	return err
}

func (c *terminalSink) Close() error {
	if !c.any || c.end == '\n' {
		return nil
	}
	c.end = '\n'
	_, err := io.WriteString(c.w, "\n")
	return err
}
