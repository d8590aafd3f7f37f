package answer

import (
	"bytes"
	"io"

	"github.com/charmbracelet/x/term"

	"chat"
	"chat/internal/cli/codeblock"
	"chat/internal/cli/output"
)

// Format has the flags that select how an answer is written.
type Format struct {
	JSON, JSONLines, Raw, NoStream, Usage, Detach bool

	Reasoning string // hide, show or only
	Extract   string // a codeblock.Choice; "" is the whole answer
	Output    string // a file; "" or - is stdout
}

// NewPresenter returns the presenter that f selects.
func (w *Watcher) NewPresenter(f Format) (Presenter, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	var show Presenter
	if f.Output == "" || f.Output == "-" {
		show = w.presenterFor(f, w.Out, nil)
	} else {
		file, err := output.FindTarget(f.Output)
		if err != nil {
			return nil, err
		}
		text := &bytes.Buffer{}
		show = &filePrinter{w.presenterFor(f, text, text), w.Console, text, file}
	}
	if f.Usage {
		show = &usagePrinter{show, w.Console}
	}
	return show, nil
}

// check refuses flags that exclude each other.
func (f Format) check() error {
	mode, block := f.Reasoning, codeblock.Choice(f.Extract)
	switch {
	case mode != "hide" && mode != "show" && mode != "only":
		return chat.Errorf(chat.CodeInvalid, "--reasoning must be hide, show or only, not %q", mode)
	case f.JSON && f.JSONLines:
		return chat.Errorf(chat.CodeInvalid, "--json and --jsonl exclude each other")
	case f.Detach && (f.Output != "" || f.Usage):
		return chat.Errorf(chat.CodeInvalid, "--detach exits before the answer is complete: leave out --output and --usage, and pass them to chat attach")
	}
	if err := block.Check(); err != nil {
		return err
	}
	if block != "" && (f.JSON || f.JSONLines || f.Detach || mode == "only") {
		return chat.Errorf(chat.CodeInvalid, "--extract writes only a code block: leave out --json, --jsonl, --detach and --reasoning only")
	}
	return nil
}

// presenterFor returns a presenter that writes to to: memory if it is not nil, else stdout.
func (w *Watcher) presenterFor(f Format, to io.Writer, memory *bytes.Buffer) Presenter {
	links := connNotices{p: w.Console}
	switch {
	case f.JSONLines:
		return &jsonLines{out: to}
	case f.JSON:
		return &jsonObject{out: to, connNotices: links}
	}
	mode, block := f.Reasoning, codeblock.Choice(f.Extract)
	tty := memory == nil && term.IsTerminal(w.Out.Fd())
	var out output.Sink
	switch {
	case memory != nil:
		out = output.NewMemorySink(memory)
	case tty && !f.Raw && block == "":
		out = w.MarkdownSink()
	case tty:
		out = output.NewTerminalSink(w.OutWriter())
	default:
		out = output.NewReplaySafeSink(w.Out)
	}
	if f.NoStream {
		out = output.NewBufferedSink(out)
	}
	t := &textPrinter{connNotices: links, out: out, mode: mode, block: block, pretty: tty && !f.Raw}
	if mode == "show" {
		t.reasoning = w.NewReasoningSink(tty && term.IsTerminal(w.Err.Fd()))
	}
	return t
}

// connNotices reports on stderr a connection that is still lost after the first retry.
type connNotices struct {
	p     *output.Console
	tries int
}

// showNotices writes the notices of an ended answer to stderr.
func (n *connNotices) showNotices(a *answer) {
	for _, notice := range a.notices {
		n.p.Infof("%s", notice)
	}
}

func (n *connNotices) link(_ *answer, l chat.ConnState) error { //nolint:unparam // a method of Presenter
	switch {
	case l.State == chat.ConnReconnecting:
		n.tries++
		if n.tries == 2 || n.p.Verbose {
			n.p.Infof("reconnecting: %s", l.Reason)
		}
	case n.tries > 1:
		n.p.Infof("reconnected")
		n.tries = 0
	default:
		n.tries = 0
	}
	return nil
}
