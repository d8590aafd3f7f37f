package main

import (
	"context"
	"errors"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/tui"
)

func (p *program) attachCommand() *cli.Command {
	flags := append(outputFlags(),
		&cli.BoolFlag{Name: "tui", Usage: "open the screen there", DisableDefaultText: true},
		&cli.StringFlag{Name: "from", Usage: "only what comes after `POSITION`, as in the events of --jsonl"},
		&cli.BoolFlag{Name: "no-follow", Usage: "what there is so far, and leave", DisableDefaultText: true},
		timeoutFlag("leave after `DURATION` with exit code 124; the answer goes on"),
	)
	return &cli.Command{
		Name: "attach", Usage: "show an answer from its beginning, then live", ArgsUsage: "TASK|CONVERSATION|last",
		Description: attachDescription, Flags: flags, Action: p.attach,
	}
}

// errTimeout is the cause of a context that --timeout ended.
var errTimeout = chat.Errorf(chat.CodeClientTimeout, "--timeout has passed")

// errEnough is the cause of a context that --no-follow ended.
var errEnough = errors.New("that is all so far")

func (p *program) attach(c *cli.Context) error {
	if c.NArg() != 1 {
		return chat.Errorf(chat.CodeInvalid, "attach takes one task or conversation, or last (`chat ps` lists what is running)")
	}
	from, err := chat.ParsePosition(c.String("from"))
	if err != nil {
		return err
	}
	show, err := p.presenter(c)
	if err != nil {
		return err
	}
	if c.Bool("tui") {
		if err := p.fitForScreen(c); err != nil {
			return err
		}
	}
	if err := p.knownRefs(c); err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		t, err := findTaskOf(ctx, cl, c.Args().First())
		if err != nil {
			return err
		}
		if c.Bool("tui") {
			return p.openScreen(ctx, c, cl, tui.Options{Backend: &backend{cl: cl}, ConversationID: t.ConversationID, MessageID: t.MessageID, Plain: p.plainUI()})
		}
		p.debugf("task %s in conversation %s", t.ID, t.ConversationID)
		a := &answer{task: t.ID, conversation: t.ConversationID, message: t.MessageID}
		if c.Bool("no-follow") && !t.State.Terminal() {
			return p.glance(ctx, cl, a, from, show)
		}
		ctx, cancel := withTimeout(ctx, c.Duration("timeout"))
		defer cancel()
		return p.exitSummary(ctx, cl, follow(ctx, cl, a, from, show), a, 0)
	})
}

// fitForScreen refuses what the screen has no use for.
func (p *program) fitForScreen(c *cli.Context) error {
	for _, name := range []string{"json", "jsonl", "raw", "extract", "no-stream", "reasoning", "output", "usage", "from", "no-follow", "timeout"} {
		if c.IsSet(name) {
			return chat.Errorf(chat.CodeInvalid, "--tui opens the screen, to which --%s means nothing: leave one of them out", name)
		}
	}
	if !term.IsTerminal(p.out.Fd()) {
		return chat.Errorf(chat.CodeInvalid, "--tui needs a terminal: chat attach without it writes the answer to stdout")
	}
	return nil
}

// withTimeout ends ctx with errTimeout after d, unless that is 0.
func withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, d, errTimeout)
}

// What counts as "so far": a stream that has been silent this long has caught
// up, and one that is never silent is cut off.
const (
	glanceSilence = 300 * time.Millisecond
	glanceLimit   = 2 * time.Second
)

// glance shows what there is of a running answer.
func (p *program) glance(parent context.Context, cl *client.Client, a *answer, from chat.Position, show presenter) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	limit := time.AfterFunc(glanceLimit, func() { cancel(errEnough) })
	defer limit.Stop()
	err := follow(ctx, cl, a, from, &idleCutoff{presenter: show, silence: time.AfterFunc(glanceLimit, func() { cancel(errEnough) })})
	if !errors.Is(err, errEnough) {
		return p.exitSummary(parent, cl, err, a, 0)
	}
	t, err := cl.Task(parent, a.task)
	if err != nil {
		return err
	}
	a.state = t.State
	if err := show.end(a); err != nil {
		return p.exitSummary(parent, cl, err, a, 0)
	}
	p.infof("still %s: chat attach %s", t.State, short(a.task))
	return nil
}

// idleCutoff ends the output when nothing more arrives in time.
type idleCutoff struct {
	presenter
	silence *time.Timer
}

func (g *idleCutoff) chunk(a *answer, c chat.Chunk) error {
	g.silence.Reset(glanceSilence)
	return g.presenter.chunk(a, c)
}

func (g *idleCutoff) link(a *answer, l chat.ConnState) error {
	g.silence.Reset(glanceSilence)
	return g.presenter.link(a, l)
}
