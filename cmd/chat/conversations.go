package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/arguments"
	"chat/internal/cli/ids"
	"chat/internal/cli/listing"
	"chat/internal/cli/output"
	"chat/internal/cli/printing"
	"chat/internal/cli/prompt"
	"chat/internal/cli/settings"
	"chat/internal/report"
	"chat/internal/transcript"
)

func (p *program) lsCommand() *cli.Command {
	return &cli.Command{
		Name: "ls", Usage: "list conversations, newest first", ArgsUsage: "[WORDS…]",
		Description: `With words, lists only the conversations that contain all of them in the title or in a message.`,
		Flags: []cli.Flag{
			arguments.LimitFlag(),
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "list all, without a limit", DisableDefaultText: true},
			&cli.BoolFlag{Name: "temporary", Usage: "include temporary conversations, such as those of OpenAI clients", DisableDefaultText: true},
			arguments.JSONFlag("the conversations"),
		},
		Action: p.ls,
	}
}

func (p *program) ls(c *cli.Context) error {
	limit, err := arguments.IntInRange(c, "limit", 1, ids.MaxListed)
	if err != nil {
		return err
	}
	if p.storeIsEmpty(c) {
		return listing.PrintConversations(p.Console, nil, c.Args().Slice(), c.Bool("json"))
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		q := chat.ConversationQuery{Search: strings.Join(c.Args().Slice(), " "), Limit: limit, Temporary: c.Bool("temporary")}
		if c.Bool("all") {
			q.Limit = ids.MaxListed
		}
		var all []chat.Conversation
		for {
			list, next, err := cl.Conversations(ctx, q)
			if err != nil {
				return err
			}
			all = append(all, list...)
			if next == "" || !c.Bool("all") {
				err := listing.PrintConversations(p.Console, listing.WithDefaults(ctx, cl, all), c.Args().Slice(), c.Bool("json"))
				if next != "" {
					p.Infof("there are more conversations: use -n (up to %d) or --all", ids.MaxListed)
				}
				return err
			}
			q.Cursor = next
		}
	})
}

func (p *program) showCommand() *cli.Command {
	return &cli.Command{
		Name: "show", Usage: "print a conversation", ArgsUsage: "CONVERSATION|TASK|last",
		Description: `Prints the newest branch, as the screen shows it. ‹2/3› marks the second of three siblings.
The id at the end of a heading is the message id, which edit and fork accept after an @.
--sent prints what the model received for an answer: the system prompt, a summary, and messages.

Examples:
  chat show last
  chat show --sent 3f9a1c22
  chat show 3f9a1c22 --all | less`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "print the messages of all branches, oldest first", DisableDefaultText: true},
			&cli.BoolFlag{Name: "raw", Usage: "on a terminal: print the texts as written, without formatting", DisableDefaultText: true},
			&cli.BoolFlag{Name: "usage", Usage: "also print the number of tokens of each answer", DisableDefaultText: true},
			&cli.BoolFlag{Name: "sent", Usage: "print what the model received for an answer: a TASK, or the newest of a conversation", DisableDefaultText: true},
			arguments.JSONFlag("the conversation and its messages"),
		},
		Action: p.show,
	}
}

func (p *program) show(c *cli.Context) error {
	if c.NArg() != 1 {
		return chat.Errorf(chat.CodeInvalid, "show takes one conversation, or last (`chat ls` lists them)")
	}
	if err := ids.CheckConversations(p.emptyCheck(c), c.Args().First()); err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		if c.Bool("sent") {
			return p.showSent(ctx, c, cl)
		}
		conv, err := ids.FindConversationOf(ctx, cl, c.Args().First())
		if err != nil {
			return err
		}
		use, err := cl.ContextUse(ctx, conv.ID)
		if err != nil {
			return err
		}
		messages, err := cl.Messages(ctx, conv.ID)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return output.WriteJSON(p.Out, struct {
				transcript.Transcript
				Use report.ContextUse `json:"context"`
			}{transcript.Transcript{Conversation: conv, Messages: messages}, use})
		}
		o := printing.Options{Raw: c.Bool("raw"), All: c.Bool("all"), IDs: true, Tokens: c.Bool("usage"), Use: &use}
		if ref := c.Args().First(); !ids.Matches(conv.ID, ref) { // it is a task
			o.Task = ref
		}
		o.DefaultModel = listing.DefaultFor(ctx, cl, messages)
		left, err := printing.Conversation(p.Console, conv, messages, o)
		if left > 0 {
			p.Infof("%s on other branches not shown: use --all", output.Plural(left, "message"))
		}
		return err
	})
}

func (p *program) rmCommand() *cli.Command {
	return &cli.Command{
		Name: "rm", Usage: "delete conversations and stop their answers", ArgsUsage: "CONVERSATION…|last",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask for confirmation", DisableDefaultText: true}},
		Action: p.rm,
	}
}

func (p *program) rm(c *cli.Context) error {
	if !c.Args().Present() {
		return chat.Errorf(chat.CodeInvalid, "rm takes conversations (`chat ls` lists them)")
	}
	if err := ids.CheckConversations(p.emptyCheck(c), c.Args().Slice()...); err != nil {
		return err
	}
	if !c.Bool("yes") && !term.IsTerminal(p.In.Fd()) {
		return chat.Errorf(chat.CodeInvalid, "stdin is not a terminal: use chat rm --yes to delete without confirmation")
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		// Look up all of them first, so that a wrong id deletes nothing.
		var list []chat.Conversation
		for _, ref := range c.Args().Slice() {
			conv, err := ids.FindConversation(ctx, cl, ref)
			if err != nil {
				return err
			}
			list = append(list, conv)
		}
		for _, conv := range list {
			if !c.Bool("yes") && !prompt.Confirm(p.Console, fmt.Sprintf("delete %s %q?", ids.Short(conv.ID), conv.Title)) {
				p.Infof("kept %s", ids.Short(conv.ID))
				continue
			}
			if err := cl.DeleteConversation(ctx, conv.ID); err != nil {
				return err
			}
			p.Infof("deleted %s", ids.Short(conv.ID))
		}
		return nil
	})
}

func (p *program) modelsCommand() *cli.Command {
	return &cli.Command{
		Name: "models", Usage: "list the available models", ArgsUsage: arguments.NoArguments,
		Flags: []cli.Flag{arguments.JSONFlag("the models")}, Action: p.models,
	}
}

func (p *program) models(c *cli.Context) error {
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		models, notice, err := cl.ModelsWithNotice(ctx)
		if err != nil {
			return err
		}
		if notice != nil {
			p.Infof("%s", p.server.Explain(notice))
		}
		config, err := settings.ReadScreen(p.Lookup)
		if err != nil {
			return err
		}
		for i := range models {
			models[i].ModelInfo = config.Models.Info(models[i].ID).Or(models[i].ModelInfo)
		}
		if c.Bool("json") {
			return output.WriteJSON(p.Out, models)
		}
		for _, m := range models {
			if m.Unlisted {
				p.Infof("%s", listing.UnlistedDefault(m.ID))
			}
		}
		columns, rows := listing.Models(models)
		return output.WriteTable(p.Out, columns, rows)
	})
}
