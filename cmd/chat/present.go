package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/tui/markdown"
	"chat/tui/sanitize"
)

// complain writes a line that --quiet does not silence.
func (p *program) complain(format string, args ...any) {
	fmt.Fprintln(p.err, sanitize.String(fmt.Sprintf("chat: "+format, args...)))
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// presenter is the one that the flags ask for.
func (p *program) presenter(c *cli.Context) (presenter, error) {
	mode := c.String("reasoning")
	switch {
	case mode != "hide" && mode != "show" && mode != "only":
		return nil, chat.Errorf(chat.CodeInvalid, "--reasoning is hide, show or only, not %q", mode)
	case c.Bool("json") && c.Bool("jsonl"):
		return nil, chat.Errorf(chat.CodeInvalid, "--json and --jsonl exclude each other")
	}
	links := linkNotes{p: p}
	switch {
	case c.Bool("jsonl"):
		return &jsonLines{out: p.out}, nil
	case c.Bool("json"):
		return &jsonObject{out: p.out, linkNotes: links}, nil
	}
	tty := term.IsTerminal(p.out.Fd())
	var out sink
	switch {
	case tty && !c.Bool("raw"):
		out = p.rendered()
	case tty:
		out = &cleaned{w: p.out}
	default:
		out = newExact(p.out)
	}
	if c.Bool("no-stream") {
		out = &late{sink: out}
	}
	t := &textual{linkNotes: links, out: out, mode: mode}
	if mode == "show" {
		t.aside = &cleaned{w: p.err}
	}
	return t, nil
}

// maxWidth is the widest layout: longer lines are hard to read.
const maxWidth = 120

func (p *program) rendered() sink {
	width, _, err := term.GetSize(p.out.Fd())
	if err != nil || width <= 0 {
		width = 80
	}
	style := markdown.Style{}
	switch p.colors(p.out.Fd()) {
	case fullColor:
		style = markdown.ANSI16()
	case weightOnly:
		style = markdown.Monochrome()
	case noColor:
	}
	return markdown.NewWriter(p.out, min(width, maxWidth), style)
}

// palette is how much a terminal's text may be styled.
type palette int

const (
	noColor palette = iota
	weightOnly
	fullColor
)

// colors reads --color, NO_COLOR (no-color.org), CLICOLOR_FORCE (bixense.com/clicolors) and TERM.
func (p *program) colors(fd uintptr) palette {
	switch {
	case p.color == "never":
		return noColor
	case p.color == "always":
		return fullColor
	case p.env("NO_COLOR") != "":
		if p.env("TERM") == "dumb" {
			return noColor
		}
		return weightOnly
	case truthy(p.env("CLICOLOR_FORCE")):
		return fullColor
	case p.env("TERM") == "dumb", p.env("TERM") == "", !term.IsTerminal(fd):
		return noColor
	}
	return fullColor
}

// sink takes the text of an answer. Close ends it, Reset drops it: the answer
// begins again.
type sink interface {
	Write(text string) error
	Reset() error
	Close() error
}

// textual shows the text alone.
type textual struct {
	linkNotes
	out   sink
	aside sink // for the reasoning; nil drops it
	mode  string
}

func (t *textual) chunk(_ *answer, c chat.Chunk) error {
	switch c.Type {
	case chat.ChunkContent:
		if t.mode != "only" {
			return t.out.Write(c.Content)
		}
	case chat.ChunkReasoning:
		if t.mode == "only" {
			return t.out.Write(c.Content)
		}
		if t.aside != nil {
			return t.aside.Write(c.Content)
		}
	case chat.ChunkReset:
		if t.aside != nil {
			if err := t.aside.Reset(); err != nil {
				return err
			}
		}
		return t.out.Reset()
	case chat.ChunkDone, chat.ChunkError:
	}
	return nil
}

func (t *textual) end(*answer) error {
	if t.aside != nil {
		if err := t.aside.Close(); err != nil {
			return err
		}
	}
	return t.out.Close()
}

// late passes a text on when it is complete.
type late struct {
	sink
	text strings.Builder
}

func (l *late) Write(text string) error { l.text.WriteString(text); return nil }
func (l *late) Reset() error            { l.text.Reset(); return nil }
func (l *late) Close() error {
	if err := l.sink.Write(l.text.String()); err != nil {
		return err
	}
	return l.sink.Close()
}

// cleaned is the text as the model wrote it, for a terminal: without what would
// steer it.
type cleaned struct {
	w     io.Writer
	clean sanitize.Stream
	any   bool
	end   byte
}

func (c *cleaned) Write(text string) error {
	text = c.clean.Append(text)
	if text == "" {
		return nil
	}
	c.any, c.end = true, text[len(text)-1]
	_, err := io.WriteString(c.w, text)
	return err
}

func (c *cleaned) Reset() error {
	err := c.Close()
	if err == nil && c.any {
		_, err = io.WriteString(c.w, "\n-- the answer starts again --\n\n")
	}
	*c = cleaned{w: c.w}
	return err
}

func (c *cleaned) Close() error {
	if !c.any || c.end == '\n' {
		return nil
	}
	_, err := io.WriteString(c.w, "\n")
	return err
}

// linkNotes tells on stderr about a connection that is not back at the first try.
type linkNotes struct {
	p     *program
	tries int
}

func (n *linkNotes) link(_ *answer, l chat.Link) error { //nolint:unparam // it is the link of a presenter
	switch {
	case l.State == chat.LinkReconnecting:
		n.tries++
		if n.tries == 2 || n.p.verbose {
			n.p.note("reconnecting: %s", l.Reason)
		}
	case n.tries > 1:
		n.p.note("connected again")
		n.tries = 0
	default:
		n.tries = 0
	}
	return nil
}
