package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/tui/sanitize"
)

func (p *program) lsCommand() *cli.Command {
	return &cli.Command{
		Name: "ls", Usage: "list conversations, newest first", ArgsUsage: "[WORDS…]",
		Description: `With words: only the conversations that have all of them, in the title or in a message.`,
		Flags: []cli.Flag{
			limitFlag(),
			jsonFlag("the conversations"),
		},
		Action: p.ls,
	}
}

func (p *program) ls(c *cli.Context) error {
	limit, err := numberIn(c, "limit", 1, maxListed)
	if err != nil {
		return err
	}
	if p.nothingYet(c) {
		return p.printConversations(c, nil)
	}
	return p.with(c, func(ctx context.Context, cl *client.Client) error {
		list, _, err := cl.Conversations(ctx, chat.ConversationQuery{Search: strings.Join(c.Args().Slice(), " "), Limit: limit})
		if err != nil {
			return err
		}
		return p.printConversations(c, list)
	})
}

func (p *program) printConversations(c *cli.Context, list []chat.Conversation) error {
	switch {
	case c.Bool("json"):
		if list == nil {
			list = []chat.Conversation{}
		}
		return writeJSON(p.out, list)
	case p.quiet:
		for _, conv := range list {
			if _, err := fmt.Fprintln(p.out, conv.ID); err != nil {
				return err
			}
		}
		return nil
	case len(list) == 0:
		p.note("no conversations")
		return nil
	}
	columns := []column{{head: "ID"}, {head: "UPDATED", drop: 2}, {head: "MODEL", least: 6, drop: 1}, {head: "TITLE", least: 16}}
	var rows [][]string
	for _, conv := range list {
		rows = append(rows, []string{short(conv.ID), age(conv.UpdatedAt), conv.Model, conv.Title})
	}
	return table(p.out, columns, rows)
}

func (p *program) showCommand() *cli.Command {
	return &cli.Command{
		Name: "show", Usage: "print a conversation", ArgsUsage: "CONVERSATION|TASK|last",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "raw", Usage: "on a terminal: the texts as they were written, without layout", DisableDefaultText: true},
			jsonFlag("the conversation and its messages"),
		},
		Action: p.show,
	}
}

func (p *program) show(c *cli.Context) error {
	if c.NArg() != 1 {
		return chat.Errorf(chat.CodeInvalid, "show takes one conversation, or last (`chat ls` lists them)")
	}
	if err := p.knownConversations(c, c.Args().First()); err != nil {
		return err
	}
	return p.with(c, func(ctx context.Context, cl *client.Client) error {
		conv, err := findConversationOf(ctx, cl, c.Args().First())
		if err != nil {
			return err
		}
		messages, err := cl.Messages(ctx, conv.ID)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return writeJSON(p.out, chat.Transcript{Conversation: conv, Messages: messages})
		}
		if err := p.printTitle(conv); err != nil {
			return err
		}
		return p.printMessages(messages, c.Bool("raw"))
	})
}

func (p *program) printTitle(conv chat.Conversation) error {
	if conv.Title == "" {
		return nil
	}
	_, err := fmt.Fprintf(p.out, "# %s\n", sanitize.Line(conv.Title))
	return err
}

func (p *program) printMessages(messages []chat.Message, raw bool) error {
	for _, m := range messages {
		head := string(m.Role)
		if m.Model != "" {
			head += " · " + m.Model
		}
		head += " · " + m.CreatedAt.Local().Format("2006-01-02 15:04")
		if m.State != "" && m.State != chat.TaskDone {
			head += fmt.Sprintf(" · %s (chat attach %s)", m.State, short(m.TaskID))
		}
		if _, err := fmt.Fprintf(p.out, "\n## %s\n\n", sanitize.Line(head)); err != nil {
			return err
		}
		if err := p.printText(chat.WithoutImages(m.Content), raw); err != nil {
			return err
		}
		if m.Error != nil {
			if _, err := fmt.Fprintf(p.out, "[%s]\n", sanitize.Line(m.Error.Message)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *program) printText(text string, raw bool) error {
	var out sink
	switch {
	case !term.IsTerminal(p.out.Fd()):
		out = &exact{w: p.out}
	case raw:
		out = &cleaned{w: p.out}
	default:
		out = p.rendered()
	}
	if err := out.Write(text); err != nil {
		return err
	}
	return out.Close()
}

func (p *program) rmCommand() *cli.Command {
	return &cli.Command{
		Name: "rm", Usage: "delete conversations, and stop their answers", ArgsUsage: "CONVERSATION…|last",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask", DisableDefaultText: true}},
		Action: p.rm,
	}
}

func (p *program) rm(c *cli.Context) error {
	if !c.Args().Present() {
		return chat.Errorf(chat.CodeInvalid, "rm takes conversations (`chat ls` lists them)")
	}
	if err := p.knownConversations(c, c.Args().Slice()...); err != nil {
		return err
	}
	if !c.Bool("yes") && !term.IsTerminal(p.in.Fd()) {
		return chat.Errorf(chat.CodeInvalid, "nobody is here to be asked: rm --yes deletes without a question")
	}
	return p.with(c, func(ctx context.Context, cl *client.Client) error {
		// All of them are looked up first: a wrong id deletes nothing.
		var list []chat.Conversation
		for _, ref := range c.Args().Slice() {
			conv, err := findConversation(ctx, cl, ref)
			if err != nil {
				return err
			}
			list = append(list, conv)
		}
		for _, conv := range list {
			if !c.Bool("yes") && !p.confirm(fmt.Sprintf("delete %s %q?", short(conv.ID), conv.Title)) {
				p.note("kept %s", short(conv.ID))
				continue
			}
			if err := cl.DeleteConversation(ctx, conv.ID); err != nil {
				return err
			}
			p.note("deleted %s", short(conv.ID))
		}
		return nil
	})
}

// confirm asks on the terminal; only y and yes mean yes.
func (p *program) confirm(question string) bool {
	fmt.Fprint(p.err, sanitize.Line(question), " [y/N] ")
	line, err := bufio.NewReader(io.LimitReader(p.in, 64)).ReadString('\n')
	if err != nil {
		fmt.Fprintln(p.err) // nobody pressed enter
		return false
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true
	}
	return false
}

func (p *program) modelsCommand() *cli.Command {
	return &cli.Command{
		Name: "models", Usage: "list the models that can be asked", ArgsUsage: noArguments,
		Flags: []cli.Flag{jsonFlag("the models")}, Action: p.models,
	}
}

func (p *program) models(c *cli.Context) error {
	return p.with(c, func(ctx context.Context, cl *client.Client) error {
		models, err := cl.Models(ctx)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return writeJSON(p.out, models)
		}
		columns := []column{{head: "MODEL", least: 16}, {head: "PROVIDER", least: 6, drop: 1}, {head: "DEFAULT"}}
		var rows [][]string
		for _, m := range models {
			mark := ""
			if m.Default {
				mark = "*"
			}
			rows = append(rows, []string{m.ID, m.Provider, mark})
		}
		return table(p.out, columns, rows)
	})
}
