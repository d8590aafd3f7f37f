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
	return &cli.Command{
		Name: "retry", Usage: "regenerate an answer as a sibling", ArgsUsage: "TASK|CONVERSATION|last",
		Description: `The old answer stays: both are siblings, and the screen can switch between them. For a
conversation, regenerates its newest answer. --timeout and --detach exclude each other.

The new answer has the parameters of the old one, except those that flags change.

Examples:
  chat retry last
  chat retry last -m gpt-4o -d
  chat retry last --temperature 1.2`,
		Flags: arguments.AnswerFlags(), Action: p.retry,
	}
}

func (p *program) retry(c *cli.Context) error {
	if c.NArg() != 1 {
		return chat.Errorf(chat.CodeInvalid, "retry takes one task or conversation, or last (`chat ps --all` lists tasks)")
	}
	o, err := p.answerOptions(c)
	if err != nil {
		return err
	}
	if c.Bool("detach") && c.IsSet("timeout") {
		return chat.Errorf(chat.CodeInvalid, "--timeout and --detach exclude each other here: wait for the answer with chat wait --timeout, or leave out --detach")
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
		if task.Kind != chat.KindAnswer {
			return chat.Errorf(chat.CodeInvalid, "the task %s is the %s of a conversation, and not an answer: retry makes answers again", ids.Short(task.ID), task.Kind)
		}
		changes := chat.Regeneration{Model: o.Model, Priority: o.Priority, Parameters: o.Parameters}
		acc, err := cl.Regenerate(ctx, task.MessageID, changes, o.Key)
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
