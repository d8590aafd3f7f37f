package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
)

func (p *program) forkCommand() *cli.Command {
	return &cli.Command{
		Name: "fork", Usage: "copy a conversation, or its way down to a message", ArgsUsage: "CONVERSATION[@MESSAGE]|last",
		Description: `The new conversation has copies of the messages from the first one down to MESSAGE; without
it, to the newest one. The original stays as it is. The new id goes to stdout. Where a
message is to be asked in another way, chat edit makes a sibling in the same conversation.
` + "`chat export`" + ` and ` + "`chat show --json`" + ` tell the ids of messages.

Examples:
  chat fork last
  chat fork 3f9a1c22@b2b66697 --title "the other way"
  chat send -C $(chat fork last) "What if not?"`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "title", Usage: "the `TITLE` of the copy; without one, the original's with (fork) behind it"},
			jsonFlag("the new conversation"),
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
		return chat.Errorf(chat.CodeInvalid, "there is no message behind the @: chat fork %s copies all of it", ref)
	}
	if err := checkUTF8("the title", c.String("title")); err != nil {
		return err
	}
	if err := p.knownConversations(c, ref); err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		conv, err := findConversationOf(ctx, cl, ref)
		if err != nil {
			return err
		}
		f := client.Fork{Title: strings.TrimSpace(c.String("title"))}
		if message != "" {
			m, err := findMessage(ctx, cl, conv, message)
			if err != nil {
				return err
			}
			f.MessageID = m.ID
		}
		made, err := cl.Fork(ctx, conv.ID, f, "")
		if err != nil {
			return err
		}
		p.debugf("forked %s as %s, %q", short(conv.ID), short(made.ID), made.Title)
		if c.Bool("json") {
			return writeJSON(p.out, made)
		}
		_, err = fmt.Fprintln(p.out, made.ID)
		return err
	})
}

// findMessage is the message of a conversation that ref means.
func findMessage(ctx context.Context, cl *client.Client, conv chat.Conversation, ref string) (chat.Message, error) {
	list, err := cl.Messages(ctx, conv.ID)
	if err != nil {
		return chat.Message{}, err
	}
	found := closest(list, func(m chat.Message) string { return m.ID }, strings.ToLower(ref))
	switch len(found) {
	case 0:
		return chat.Message{}, chat.Errorf(chat.CodeNotFound, "there is no message %q in the conversation %s: chat show --json %[2]s tells the ids", ref, short(conv.ID))
	case 1:
		return found[0], nil
	}
	return chat.Message{}, ambiguous("messages", ref, describeAll(found, func(m chat.Message) string {
		return short(m.ID) + "  " + string(m.Role) + "  " + chat.TitleFrom(m.Content)
	}))
}
