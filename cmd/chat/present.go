package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/internal/term/markdown"
)

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// presenter is the one that the flags ask for.
func (p *program) presenter(c *cli.Context) (presenter, error) {
	if err := checkOutput(c); err != nil {
		return nil, err
	}
	var show presenter
	if name := c.String("output"); name == "" || name == "-" {
		show = p.presenterOn(c, p.out, nil)
	} else {
		file, err := findTarget(name)
		if err != nil {
			return nil, err
		}
		text := &bytes.Buffer{}
		show = &filePrinter{p.presenterOn(c, text, text), p, text, file}
	}
	if c.Bool("usage") {
		show = &usagePrinter{show, p}
	}
	return show, nil
}

// checkOutput refuses flags that exclude each other.
func checkOutput(c *cli.Context) error {
	mode, block := c.String("reasoning"), extraction(c.String("extract"))
	switch {
	case mode != "hide" && mode != "show" && mode != "only":
		return chat.Errorf(chat.CodeInvalid, "--reasoning is hide, show or only, not %q", mode)
	case c.Bool("json") && c.Bool("jsonl"):
		return chat.Errorf(chat.CodeInvalid, "--json and --jsonl exclude each other")
	case c.Bool("detach") && (c.String("output") != "" || c.Bool("usage")):
		return chat.Errorf(chat.CodeInvalid, "--detach leaves before there is an answer: leave out --output and --usage, and give them to chat attach")
	}
	if err := block.check(); err != nil {
		return err
	}
	if block != "" && (c.Bool("json") || c.Bool("jsonl") || c.Bool("detach") || mode == "only") {
		return chat.Errorf(chat.CodeInvalid, "--extract writes a code block alone, which excludes --json, --jsonl, --detach and --reasoning only")
	}
	return nil
}

// presenterOn writes to w, which is stdout unless memory is given: then it is that.
func (p *program) presenterOn(c *cli.Context, w io.Writer, memory *bytes.Buffer) presenter {
	links := linkNotes{p: p}
	switch {
	case c.Bool("jsonl"):
		return &jsonLines{out: w}
	case c.Bool("json"):
		return &jsonObject{out: w, linkNotes: links}
	}
	mode, block := c.String("reasoning"), extraction(c.String("extract"))
	tty := memory == nil && term.IsTerminal(p.out.Fd())
	var out sink
	switch {
	case memory != nil:
		out = buffered(memory)
	case tty && !c.Bool("raw") && block == "":
		out = p.rendered()
	case tty:
		out = &terminalSink{w: tracked{p, p.out}}
	default:
		out = newExact(p.out)
	}
	if c.Bool("no-stream") {
		out = &bufferedSink{sink: out}
	}
	t := &textPrinter{linkNotes: links, out: out, mode: mode, block: block}
	if mode == "show" {
		t.aside = &reasoningSink{terminalSink: terminalSink{w: tracked{p, p.err}}, gap: tty && term.IsTerminal(p.err.Fd())}
		if p.colors(p.err.Fd()) != noColor {
			t.aside.sgr = "2"
		}
	}
	return t
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
	return markdown.NewWriter(tracked{p, p.out}, min(width, maxWidth), style)
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

// linkNotes tells on stderr about a connection that is not back at the first try.
type linkNotes struct {
	p     *program
	tries int
}

// showNotices says on stderr what an answer that has ended was made without.
func (n *linkNotes) showNotices(a *answer) {
	for _, notice := range a.notices {
		n.p.infof("%s", notice)
	}
}

func (n *linkNotes) link(_ *answer, l chat.ConnState) error { //nolint:unparam // it is the link of a presenter
	switch {
	case l.State == chat.ConnReconnecting:
		n.tries++
		if n.tries == 2 || n.p.verbose {
			n.p.infof("reconnecting: %s", l.Reason)
		}
	case n.tries > 1:
		n.p.infof("connected again")
		n.tries = 0
	default:
		n.tries = 0
	}
	return nil
}
