package main

import (
	"cmp"
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
	return p.remake(c, c.Args().First(), false)
}

func (p *program) continueCommand() *cli.Command {
	return &cli.Command{
		Name: "continue", Usage: "continue an answer that was cut", ArgsUsage: "[TASK|CONVERSATION|last]",
		Description: `An answer is cut if it reached a limit on its length, was stopped, or broke off. The old answer
stays, and its sibling begins with the same text and goes on where it ended. It is printed as a
whole. The default is the newest answer of all; for a conversation, its newest answer.

If the provider can go on with a text, it does; otherwise the model is asked to, and what it
repeats is removed. Reasoning about the continuation is not kept. A structured answer is checked
as a whole. Both answers are paid for. The new one has the parameters of the old one, except
those that flags change. --timeout and --detach exclude each other.

Examples:
  chat continue
  chat continue 3f9a1c22 --max-tokens 4000
  chat continue last -m gpt-4o -d`,
		Flags: arguments.AnswerFlags(), Action: p.continueAnswer,
	}
}

func (p *program) continueAnswer(c *cli.Context) error {
	if c.NArg() > 1 {
		return chat.Errorf(chat.CodeInvalid, "continue takes one task or conversation, and got %d: to send this as a message, use chat send", c.NArg())
	}
	return p.remake(c, cmp.Or(c.Args().First(), ids.Last), true)
}

// remake asks for another answer, or for the rest of one, and shows it.
func (p *program) remake(c *cli.Context, ref string, toContinue bool) error {
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
		task, err := ids.FindTaskOf(ctx, cl, ref)
		if err != nil {
			return err
		}
		if task.Kind != chat.KindAnswer {
			return chat.Errorf(chat.CodeInvalid, "the task %s is the %s of a conversation, and not an answer: name the conversation, or an answer", ids.Short(task.ID), task.Kind)
		}
		changes := chat.Regeneration{Continue: toContinue, Model: o.Model, Priority: o.Priority, Parameters: o.Parameters}
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
