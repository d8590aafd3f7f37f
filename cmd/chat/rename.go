package main

import (
	"context"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/ids"
	"chat/internal/cli/prompt"
)

func (p *program) renameCommand() *cli.Command {
	return &cli.Command{
		Name: "rename", Usage: "give a conversation another title", ArgsUsage: "CONVERSATION|last TITLE…",
		Description: `Examples:
  chat rename last Why the sky is blue
  chat rename 3f9a1c22 "release notes, draft"`,
		Action: p.rename,
	}
}

func (p *program) rename(c *cli.Context) error {
	title := strings.TrimSpace(strings.Join(c.Args().Tail(), " "))
	if title == "" {
		return chat.Errorf(chat.CodeInvalid, "rename takes a conversation and its new title (`chat ls` lists conversations)")
	}
	if err := prompt.CheckUTF8("the title", title); err != nil {
		return err
	}
	ref := c.Args().First()
	if err := ids.CheckConversations(p.emptyCheck(c), ref); err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		conv, err := ids.FindConversationOf(ctx, cl, ref)
		if err != nil {
			return err
		}
		_, err = cl.UpdateConversation(ctx, conv.ID, chat.ConversationPatch{Title: &title})
		return err
	})
}
