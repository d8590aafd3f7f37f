package main

import (
	"context"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat/daemon/client"
	"chat/internal/cli/answer"
	"chat/internal/cli/arguments"
	"chat/internal/cli/fullscreen"
	"chat/tui"
)

func (p *program) topCommand() *cli.Command {
	return &cli.Command{
		Name: "top", Usage: "watch the queue, the workers and the running answers", ArgsUsage: arguments.NoArguments,
		Description: `A live view of the queue, the running answers and their speed, recent failures, the workers
and Redis. j and k select, enter opens the conversation, s stops an answer, q quits, ? lists the
keys. Without a terminal, or with --once or --json, prints one snapshot.

tok/s counts the chunks that the provider sends; most providers send one token per chunk.
A snapshot takes one second while answers are running, because a rate needs two samples.

Examples:
  chat top
  chat top --json | jq '.answers[] | {title, tokens_per_second}'`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "once", Usage: "print one snapshot and exit", DisableDefaultText: true},
			arguments.JSONFlag("one snapshot"),
		},
		Action: p.top,
	}
}

func (p *program) top(c *cli.Context) error {
	if c.Bool("json") || c.Bool("once") || p.screen.PlainUI() || !term.IsTerminal(p.Out.Fd()) {
		return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
			return fullscreen.PrintSnapshot(ctx, p.Console, cl, c.Bool("json"))
		})
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		conversation, err := p.screen.OpenTop(ctx, cl)
		if err != nil || conversation == "" {
			return err
		}
		return p.screen.Open(ctx, cl, answer.Submission{}, tui.Options{ConversationID: conversation})
	})
}
