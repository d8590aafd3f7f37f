package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/arguments"
	"chat/internal/cli/ids"
	"chat/internal/cli/output"
	"chat/internal/cli/prompt"
)

func (p *program) forkCommand() *cli.Command {
	return &cli.Command{
		Name: "fork", Usage: "copy a conversation, or its path to a message", ArgsUsage: "CONVERSATION[@MESSAGE]|last",
		Description: `Copies the messages from the first one to MESSAGE, or to the newest one, into a new
conversation, and prints its id. The original does not change. To rephrase a message in the
same conversation, use chat edit, which adds a sibling. ` + "`chat export`" + ` and ` + "`chat show --json`" + `
list the ids of messages.

Examples:
  chat fork last
  chat fork 3f9a1c22@b2b66697 --title "the other way"
  chat send -C $(chat fork last) "What if not?"`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "title", Usage: "the `TITLE` of the copy; by default the original's, followed by (fork)"},
			arguments.JSONFlag("the new conversation"),
		},
		Action: p.fork,
	}
}

func (p *program) fork(c *cli.Context) error {
	if c.NArg() != 1 {
		return chat.Errorf(chat.CodeInvalid, "fork takes one conversation, or last (`chat ls` lists them)")
	}
	ref, message, marked := strings.Cut(c.Args().First(), "@")
	if marked && message == "" {
		return chat.Errorf(chat.CodeInvalid, "there is no message id after the @: chat fork %s copies the whole conversation", ref)
	}
	if err := prompt.CheckUTF8("the title", c.String("title")); err != nil {
		return err
	}
	if err := ids.CheckConversations(p.emptyCheck(c), ref); err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		conv, err := ids.FindConversationOf(ctx, cl, ref)
		if err != nil {
			return err
		}
		f := client.Fork{Title: strings.TrimSpace(c.String("title"))}
		if message != "" {
			m, err := ids.FindMessage(ctx, cl, conv, message)
			if err != nil {
				return err
			}
			f.MessageID = m.ID
		}
		made, err := cl.Fork(ctx, conv.ID, f, "")
		if err != nil {
			return err
		}
		p.Debugf("forked %s as %s, %q", ids.Short(conv.ID), ids.Short(made.ID), made.Title)
		if c.Bool("json") {
			return output.WriteJSON(p.Out, made)
		}
		_, err = fmt.Fprintln(p.Out, made.ID)
		return err
	})
}
