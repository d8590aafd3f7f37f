package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/tui"
)

// rootCommand is chat alone: the screen, or send if there is no terminal.
func (p *program) rootCommand() *cli.Command {
	return &cli.Command{Name: rootName, Hidden: true, Flags: append(sendFlags(), rootFlags()...), Action: p.root}
}

func (p *program) root(c *cli.Context) error {
	scripted := c.Bool("json") || c.Bool("jsonl") || c.Bool("detach") || c.IsSet("extract")
	asked := c.Args().Present() || len(c.StringSlice("file")) > 0 || (!c.Bool("no-stdin") && p.stdinIsGiven())
	terminal := term.IsTerminal(p.out.Fd())
	dumb := p.env("TERM") == "" || p.env("TERM") == "dumb"
	plain := c.Bool("plain-ui") || p.plainUI()
	switch {
	case scripted || !terminal || dumb && asked && !c.Bool("plain-ui"):
		if c.IsSet("resume") {
			return chat.Errorf(chat.CodeInvalid, "-r needs a terminal: chat send -C ID continues a conversation")
		}
		return p.send(c)
	}
	o, err := p.sendOptions(c)
	if err != nil {
		return err
	}
	if ref := c.String("resume"); ref != "" {
		if o.conversation != "" {
			return chat.Errorf(chat.CodeInvalid, "-r, -c and -C exclude each other")
		}
		o.conversation = ref
	}
	if o.conversation == pick && p.nothingYet(c) {
		return noConversationYet()
	}
	if o.conversation != "" && o.conversation != pick {
		if err := p.knownConversations(c, o.conversation); err != nil {
			return err
		}
	}
	prompt := ""
	if asked {
		if prompt, err = p.prompt(c); err != nil {
			return err
		}
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		id, choose, err := p.toOpen(ctx, cl, o.conversation, plain)
		if err != nil {
			return err
		}
		return p.openScreen(ctx, c, cl, tui.Options{
			Backend:        &backend{cl: cl, system: o.system, priority: o.Priority},
			ConversationID: id, Choose: choose, Prompt: prompt, Model: o.Model, Plain: plain,
		})
	})
}

// openScreen opens the screen. What keeps it from working is said before there is one.
func (p *program) openScreen(ctx context.Context, c *cli.Context, cl *client.Client, o tui.Options) error {
	host, err := hostName(ctx, cl)
	if err != nil {
		return err
	}
	settings, err := p.screenConfig()
	if err != nil {
		return err
	}
	o.In, o.Out, o.Host, o.NoColor = p.terminal(), p.out, host, p.colors(p.out.Fd()) != fullColor
	o.Theme, o.Keys, o.Facts = settings.theme, settings.keys, settings.facts
	p.quiet = true // a notice would tear the screen, which shows the connection itself
	exit, err := tui.Run(ctx, o)
	p.quiet = c.Bool("quiet")
	p.farewell(exit)
	return err
}

// plainUI reports whether the terminal wants lines instead of a screen.
func (p *program) plainUI() bool {
	accessible := p.env("ACCESSIBLE")
	return p.env("TERM") == "" || p.env("TERM") == "dumb" || accessible != "" && accessible != "0"
}

// terminal is what keys are read from: stdin. If stdin was piped, keys
// come from the terminal that stdout is.
func (p *program) terminal() *os.File {
	if term.IsTerminal(p.in.Fd()) {
		return p.in
	}
	return p.out
}

// toOpen is the id of the conversation to open, "" for a new one, and whether the
// screen is to begin with the list of them.
func (p *program) toOpen(ctx context.Context, cl *client.Client, ref string, plain bool) (id string, choose bool, err error) {
	switch {
	case ref == "":
		return "", false, nil
	case ref == pick && plain:
		id, err = p.pick(ctx, cl)
		return id, false, err
	case ref == pick:
		list, _, err := cl.Conversations(ctx, chat.ConversationQuery{Limit: 1})
		if err == nil && len(list) == 0 {
			err = noConversationYet()
		}
		return "", true, err
	}
	conv, err := findConversation(ctx, cl, ref)
	return conv.ID, false, err
}

// picked is how many conversations there are to choose from.
const picked = 20

// pick asks, in lines, for one of the newest conversations.
func (p *program) pick(ctx context.Context, cl *client.Client) (string, error) {
	list, _, err := cl.Conversations(ctx, chat.ConversationQuery{Limit: picked})
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		return "", noConversationYet()
	}
	var rows [][]string
	for i, conv := range list {
		rows = append(rows, []string{strconv.Itoa(i + 1), age(conv.UpdatedAt), conv.Title})
	}
	if err := table(p.err, []column{{}, {drop: 1}, {least: 16}}, rows); err != nil {
		return "", err
	}
	fmt.Fprint(p.err, "number: ")
	line, err := bufio.NewReader(io.LimitReader(p.in, 64)).ReadString('\n')
	n, nerr := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || nerr != nil || n < 1 || n > len(list) {
		return "", chat.Errorf(chat.CodeInvalid, "no such number")
	}
	return list[n-1].ID, nil
}

// farewell says how to come back.
func (p *program) farewell(exit tui.Exit) {
	var parts []string
	if exit.ConversationID != "" {
		parts = append(parts, "Continue: chat -r "+short(exit.ConversationID))
	}
	switch n := len(exit.Running); {
	case n == 1:
		parts = append(parts, "1 task still running: chat attach "+short(exit.Running[0]))
	case n > 1:
		parts = append(parts, fmt.Sprintf("%d tasks still running: chat ps", n))
	}
	switch n := exit.Waiting; {
	case n == 1:
		parts = append(parts, "1 message was not sent: it is the draft there")
	case n > 1:
		parts = append(parts, fmt.Sprintf("%d messages were not sent: they are the draft there", n))
	}
	if len(parts) > 0 {
		fmt.Fprintln(p.err, strings.Join(parts, "   "))
	}
}
