package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/arguments"
	"chat/internal/cli/ids"
	"chat/internal/cli/output"
	"chat/internal/cli/printing"
)

func (p *program) compactCommand() *cli.Command {
	return &cli.Command{
		Name: "compact", Usage: "summarize the beginning of a long conversation for its model", ArgsUsage: "CONVERSATION|TASK|last",
		Description: `A model writes a summary of everything before the last question. From then on the model of the conversation
gets the summary in place of those messages, which stay as they are. A summary that fails or is stopped
changes nothing. chat does this automatically when a conversation would exceed the context of its model,
unless compact = "ask" or "off" is set (chat config set compact ask).

Examples:
  chat compact last
  chat compact 3f9a1c22 -m gpt-4o-mini
  chat compact --undo last`,
		Flags:  append(arguments.SummaryFlags(), &cli.BoolFlag{Name: "undo", Usage: "stop the use of the newest summary", DisableDefaultText: true}),
		Action: p.compact,
	}
}

func (p *program) compact(c *cli.Context) error {
	if c.NArg() != 1 {
		return chat.Errorf(chat.CodeInvalid, "compact takes one conversation, or last (`chat ls` lists them)")
	}
	if err := ids.CheckConversations(p.emptyCheck(c), c.Args().First()); err != nil {
		return err
	}
	show, err := p.watcher.NewPresenter(formatOf(c))
	if err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		conv, err := ids.FindConversationOf(ctx, cl, c.Args().First())
		if err != nil {
			return err
		}
		if c.Bool("undo") {
			removed, err := cl.UndoCompact(ctx, conv.ID)
			if err == nil {
				p.Infof("removed the summary %s: the model gets the messages again", ids.Short(removed.ID))
			}
			return err
		}
		acc, err := cl.Compact(ctx, conv.ID, c.String("model"))
		if err != nil {
			return err
		}
		if err := p.followAccepted(ctx, c, cl, acc, nil, show); err != nil || c.Bool("detach") {
			return err
		}
		use, err := cl.ContextUse(ctx, conv.ID)
		if err == nil {
			p.Infof("the next request takes about %s", printing.Use(use))
		}
		return err
	})
}

// showSent prints what a model received for an answer.
func (p *program) showSent(ctx context.Context, c *cli.Context, cl *client.Client) error {
	task, err := ids.FindTaskOf(ctx, cl, c.Args().First())
	if err != nil {
		return err
	}
	sent, err := cl.Sent(ctx, task.ID)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return output.WriteJSON(p.Out, sent)
	}
	if !sent.Recorded {
		p.Infof("the answer has not ended: this is what would be sent now")
	}
	return printing.Sent(p.Console, sent, c.Bool("raw"))
}
