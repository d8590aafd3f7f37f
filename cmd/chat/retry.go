package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/arguments"
	"chat/internal/cli/ids"
)

func (p *program) retryCommand() *cli.Command {
	flags := append(arguments.OutputFlags(),
		&cli.StringFlag{Name: "model", Aliases: []string{"m"}, Usage: "the `MODEL` to ask this time"},
		&cli.StringFlag{Name: "priority", Usage: "`LEVEL`: urgent, normal or background"},
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "print the task's id and exit; the answer continues in the background", DisableDefaultText: true},
		arguments.TimeoutFlag("stop the answer after `DURATION` (90s, 5m) and exit with 124"),
		&cli.StringFlag{Name: "idempotency-key", Usage: "repeating the command with the same `KEY` returns the same answer, not another one"},
	)
	return &cli.Command{
		Name: "retry", Usage: "regenerate an answer as a sibling", ArgsUsage: "TASK|CONVERSATION|last",
		Description: `The old answer stays: both are siblings, and the screen can switch between them. For a
conversation, regenerates its newest answer. --timeout and --detach exclude each other.

Examples:
  chat retry last
  chat retry last -m gpt-4o -d`,
		Flags: flags, Action: p.retry,
	}
}

func (p *program) retry(c *cli.Context) error {
	if c.NArg() != 1 {
		return chat.Errorf(chat.CodeInvalid, "retry takes one task or conversation, or last (`chat ps --all` lists tasks)")
	}
	options := client.Regeneration{Model: c.String("model")}
	var err error
	if options.Priority, err = chat.ParsePriority(c.String("priority")); err != nil {
		return err
	}
	if c.Bool("detach") && c.IsSet("timeout") {
		return chat.Errorf(chat.CodeInvalid, "--timeout and --detach exclude each other here: wait for the answer with chat wait --timeout, or leave out --detach")
	}
	if err := p.checkDetach(c); err != nil {
		return err
	}
	show, err := p.watcher.NewPresenter(formatOf(c))
	if err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		task, err := ids.FindTaskOf(ctx, cl, c.Args().First())
		if err != nil {
			return err
		}
		acc, err := cl.Regenerate(ctx, task.MessageID, options, c.String("idempotency-key"))
		if err != nil {
			return err
		}
		again, err := cl.Task(ctx, acc.TaskID)
		if err != nil {
			return err
		}
		return p.followAccepted(ctx, c, cl, acc, again.Parameters, show)
	})
}
