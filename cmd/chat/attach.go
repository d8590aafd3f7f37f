package main

import (
	"context"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/answer"
	"chat/internal/cli/arguments"
	"chat/internal/cli/ids"
	"chat/tui"
)

func (p *program) attachCommand() *cli.Command {
	flags := append(arguments.OutputFlags(),
		&cli.BoolFlag{Name: "tui", Usage: "open the conversation on the screen", DisableDefaultText: true},
		&cli.StringFlag{Name: "from", Usage: "start after `POSITION`, as given in the events of --jsonl"},
		&cli.BoolFlag{Name: "no-follow", Usage: "print the answer so far and exit", DisableDefaultText: true},
		arguments.TimeoutFlag("exit after `DURATION` with exit code 124; the answer continues"),
	)
	return &cli.Command{
		Name: "attach", Usage: "show an answer from its beginning, then live", ArgsUsage: "TASK|CONVERSATION|last",
		Description: attachDescription, Flags: flags, Action: p.attach,
	}
}

func (p *program) attach(c *cli.Context) error {
	if c.NArg() != 1 {
		return chat.Errorf(chat.CodeInvalid, "attach takes one task or conversation, or last (`chat ps` lists what is running)")
	}
	from, err := chat.ParsePosition(c.String("from"))
	if err != nil {
		return err
	}
	show, err := p.watcher.NewPresenter(formatOf(c))
	if err != nil {
		return err
	}
	if c.Bool("tui") {
		if err := p.checkScreenFlags(c); err != nil {
			return err
		}
	}
	if err := ids.CheckRefs(p.emptyCheck(c), c.Args().Slice()...); err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		t, err := ids.FindTaskOf(ctx, cl, c.Args().First())
		if err != nil {
			return err
		}
		if c.Bool("tui") {
			return p.screen.Open(ctx, cl, answer.Submission{}, tui.Options{ConversationID: t.ConversationID, MessageID: t.MessageID, Plain: p.screen.PlainUI()})
		}
		p.Debugf("task %s in conversation %s", t.ID, t.ConversationID)
		a, err := answer.OfTask(ctx, cl, t.ID)
		if err != nil {
			return err
		}
		if c.Bool("no-follow") && !t.State.Terminal() {
			return p.watcher.ShowSoFar(ctx, cl, a, from, show)
		}
		ctx, cancel := answer.WithTimeout(ctx, c.Duration("timeout"))
		defer cancel()
		return p.watcher.ExitSummary(ctx, cl, answer.Follow(ctx, cl, a, from, show), a, 0)
	})
}

// checkScreenFlags refuses flags that do not apply to the screen.
func (p *program) checkScreenFlags(c *cli.Context) error {
	for _, name := range []string{"json", "jsonl", "raw", "extract", "no-stream", "reasoning", "output", "usage", "from", "no-follow", "timeout"} {
		if c.IsSet(name) {
			return chat.Errorf(chat.CodeInvalid, "--tui opens the screen, to which --%s does not apply: leave one of them out", name)
		}
	}
	if !term.IsTerminal(p.Out.Fd()) {
		return chat.Errorf(chat.CodeInvalid, "--tui needs a terminal: leave it out to write the answer to stdout")
	}
	return nil
}
