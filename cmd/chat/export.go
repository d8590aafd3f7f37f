package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/ids"
	"chat/internal/cli/transfer"
)

func (p *program) exportCommand() *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "write conversations as JSON or Markdown", ArgsUsage: "CONVERSATION…|last",
		Description: `JSON is complete: it has every message with its position in the tree, model, reasoning, usage
and times. Markdown is for reading, and has the newest branch only. In Markdown each message
has its own heading: headings in messages are moved down, unclosed code blocks are closed, and
unfinished HTML is shown as text.

Examples:
  chat export last -f md > answer.md
  chat export 3f9a1c22 b2b66697 > two.json
  chat export --all > backup.json`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "export all conversations, newest first", DisableDefaultText: true},
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "json", Usage: "`FORMAT`: json or md"},
		},
		Action: p.export,
	}
}

func (p *program) export(c *cli.Context) error {
	refs := c.Args().Slice()
	out, err := transfer.NewExporter(c.String("format"), p.Console)
	if err != nil {
		return err
	}
	switch {
	case c.Bool("all") == (len(refs) > 0):
		return chat.Errorf(chat.CodeInvalid, "export takes conversations, or --all (`chat ls` lists them)")
	case c.Bool("all") && p.storeIsEmpty(c):
		return out.End()
	}
	if err := ids.CheckConversations(p.emptyCheck(c), refs...); err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		// Look up all of them first, so that a wrong id writes nothing.
		var list []chat.Conversation
		for _, ref := range refs {
			conv, err := ids.FindConversationOf(ctx, cl, ref)
			if err != nil {
				return err
			}
			list = append(list, conv)
		}
		if c.Bool("all") {
			if err := transfer.ExportAll(ctx, p.Console, cl, out); err != nil {
				return err
			}
			return out.End()
		}
		if err := transfer.ExportList(ctx, p.Console, cl, out, list); err != nil {
			return err
		}
		return out.End()
	})
}
