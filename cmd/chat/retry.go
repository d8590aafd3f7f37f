package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
)

func (p *program) retryCommand() *cli.Command {
	flags := append(outputFlags(),
		&cli.StringFlag{Name: "model", Aliases: []string{"m"}, Usage: "the `MODEL` to ask this time"},
		&cli.StringFlag{Name: "priority", Usage: "`LEVEL`: urgent, normal or background"},
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "print the task's id and leave; the answer is made without us", DisableDefaultText: true},
		timeoutFlag("stop the answer after `DURATION` (90s, 5m) and exit with 124"),
		&cli.StringFlag{Name: "idempotency-key", Usage: "asking again with the same `KEY` gives the same answer, not another one"},
	)
	return &cli.Command{
		Name: "retry", Usage: "regenerate an answer as a sibling", ArgsUsage: "TASK|CONVERSATION|last",
		Description: `The answer that was there stays: both are siblings, and the screen turns the pages.
Of a conversation it is the newest answer that is made again.

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
	again := client.Regeneration{Model: c.String("model")}
	var err error
	if again.Priority, err = chat.ParsePriority(c.String("priority")); err != nil {
		return err
	}
	show, err := p.presenter(c)
	if err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		task, err := findTaskOf(ctx, cl, c.Args().First())
		if err != nil {
			return err
		}
		acc, err := cl.Regenerate(ctx, task.MessageID, again, c.String("idempotency-key"))
		if err != nil {
			return err
		}
		p.debugf("task %s in conversation %s", acc.TaskID, acc.ConversationID)
		if c.Bool("detach") {
			return p.detached(c, acc)
		}
		a := &answer{task: acc.TaskID, conversation: acc.ConversationID, message: acc.MessageID}
		return p.watchOwn(ctx, cl, a, show, c.Duration("timeout"))
	})
}
