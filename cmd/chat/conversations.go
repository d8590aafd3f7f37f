package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/term/markdown"
	"chat/internal/term/sanitize"
	"chat/internal/thread"
)

func (p *program) lsCommand() *cli.Command {
	return &cli.Command{
		Name: "ls", Usage: "list conversations, newest first", ArgsUsage: "[WORDS…]",
		Description: `With words: only the conversations that have all of them, in the title or in a message.`,
		Flags: []cli.Flag{
			limitFlag(),
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "all of them, however many", DisableDefaultText: true},
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
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		q := chat.ConversationQuery{Search: strings.Join(c.Args().Slice(), " "), Limit: limit}
		if c.Bool("all") {
			q.Limit = maxListed
		}
		var all []chat.Conversation
		for {
			list, next, err := cl.Conversations(ctx, q)
			if err != nil {
				return err
			}
			all = append(all, list...)
			if next == "" || !c.Bool("all") {
				err := p.printConversations(c, withDefaults(ctx, cl, all))
				if next != "" {
					p.infof("there are more: -n up to %d, or --all", maxListed)
				}
				return err
			}
			q.Cursor = next
		}
	})
}

func (p *program) printConversations(c *cli.Context, list []listedConversation) error {
	switch {
	case c.Bool("json"):
		if list == nil {
			list = []listedConversation{}
		}
		return writeJSON(p.out, list)
	case p.quiet:
		for _, conv := range list {
			if _, err := fmt.Fprintln(p.out, conv.ID); err != nil {
				return err
			}
		}
		return nil
	case len(list) == 0 && c.Args().Present():
		p.infof("no conversation matches %q", strings.Join(c.Args().Slice(), " "))
		return nil
	case len(list) == 0:
		p.infof("no conversations")
		return nil
	}
	columns := []column{{head: "ID"}, {head: "UPDATED", drop: 2}, {head: "MODEL", least: 6, drop: 1}, {head: "TITLE", least: 16}}
	var rows [][]string
	for _, conv := range list {
		rows = append(rows, []string{short(conv.ID), age(conv.UpdatedAt), cmp.Or(conv.Model, conv.DefaultModel), conv.Title})
	}
	return table(p.out, columns, rows)
}

func (p *program) showCommand() *cli.Command {
	return &cli.Command{
		Name: "show", Usage: "print a conversation", ArgsUsage: "CONVERSATION|TASK|last",
		Description: `What is shown is the newest branch, as the screen shows it: ‹2/3› stands behind a message
that has siblings. The id at the end of a line is what edit and fork take behind an @.

Examples:
  chat show last
  chat show 3f9a1c22 --all | less`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "the messages of all branches, in the order of their making", DisableDefaultText: true},
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
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
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
		o := printing{raw: c.Bool("raw"), all: c.Bool("all"), ids: true}
		if ref := c.Args().First(); fits(conv.ID, ref) == noFit { // it is a task
			o.task = ref
		}
		o.defaultModel = unnamedModel(ctx, cl, messages)
		left, err := p.printConversation(conv, messages, o)
		if left > 0 {
			p.infof("and %s on other branches: --all shows them", plural(left, "message"))
		}
		return err
	})
}

// printing is how a conversation is printed.
type printing struct {
	raw bool // texts as they were written
	// part says that each message is a part of a document in Markdown: what is in it
	// stays in it.
	part bool
	all  bool // all branches, not only the newest
	ids  bool // of the messages, too
	// task is the task whose branch it is, instead of the newest; "" if none.
	task string
	// defaultModel answers where a message does not name a model yet.
	defaultModel string
}

// printConversation prints a conversation, and tells how many messages it left out.
func (p *program) printConversation(conv chat.Conversation, messages []chat.Message, o printing) (left int, err error) {
	title, system := sanitize.Line(conv.Title), conv.System
	if o.part {
		title, system = markdown.Literal(title), markdown.Contain(system)
	}
	if title != "" {
		if _, err := fmt.Fprintf(p.out, "# %s\n", title); err != nil {
			return 0, err
		}
	}
	if conv.System != "" {
		text := "\n> " + strings.ReplaceAll(system, "\n", "\n> ") + "\n"
		if term.IsTerminal(p.out.Fd()) {
			text = sanitize.String(text)
		}
		if _, err := io.WriteString(p.out, text); err != nil {
			return 0, err
		}
	}
	tree := thread.New(messages)
	shown := messages
	if !o.all {
		shown = tree.Path(wayTo(o.task, messages, tree))
	}
	for _, m := range shown {
		if err := p.printMessage(m, heading(m, tree, o), o); err != nil {
			return 0, err
		}
	}
	return len(messages) - len(shown), nil
}

// wayTo are the choices that lead to the answer of a task.
func wayTo(task string, messages []chat.Message, tree *thread.Tree) map[string]string {
	choices := map[string]string{}
	for _, m := range messages {
		if task == "" || m.TaskID == "" || fits(m.TaskID, task) == noFit {
			continue
		}
		for id := m.ID; id != ""; id = tree.Parent(id) {
			choices[tree.Parent(id)] = id
		}
	}
	return choices
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
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
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
				p.infof("kept %s", short(conv.ID))
				continue
			}
			if err := cl.DeleteConversation(ctx, conv.ID); err != nil {
				return err
			}
			p.infof("deleted %s", short(conv.ID))
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
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		models, notice, err := cl.ModelsWithNotice(ctx)
		if err != nil {
			return err
		}
		if notice != "" {
			p.infof("%s", notice)
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
			if m.Unlisted {
				p.infof("%s", unlisted(m.ID))
			}
			rows = append(rows, []string{m.ID, m.Provider, mark})
		}
		return table(p.out, columns, rows)
	})
}
