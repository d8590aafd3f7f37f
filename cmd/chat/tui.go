package main

import (
	"context"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/arguments"
	"chat/internal/cli/ids"
	"chat/internal/term/attach"
	"chat/tui"
)

// rootCommand is chat without a command: the screen, or send without a terminal.
func (p *program) rootCommand() *cli.Command {
	return &cli.Command{Name: arguments.RootName, Hidden: true, Flags: append(arguments.SendFlags(), arguments.RootFlags()...), Action: p.root}
}

func (p *program) root(c *cli.Context) error {
	scripted := c.Bool("json") || c.Bool("jsonl") || c.Bool("detach") || c.IsSet("extract")
	asked := c.Args().Present() || len(c.StringSlice("file")) > 0 || (!c.Bool("no-stdin") && p.reader.StdinIsGiven())
	terminal := term.IsTerminal(p.Out.Fd())
	dumb := p.Env("TERM") == "" || p.Env("TERM") == "dumb"
	plain := c.Bool("plain-ui") || p.screen.PlainUI()
	switch {
	case scripted || !terminal || dumb && asked && !c.Bool("plain-ui"):
		if c.IsSet("resume") {
			return chat.Errorf(chat.CodeInvalid, "-r needs a terminal: use chat send -C ID to continue a conversation")
		}
		return p.send(c)
	}
	o, err := p.sendOptions(c)
	if err != nil {
		return err
	}
	if ref := c.String("resume"); ref != "" {
		if o.Reference != "" {
			return chat.Errorf(chat.CodeInvalid, "-r, -c and -C exclude each other")
		}
		o.Reference = ref
	}
	if o.Reference == arguments.Pick && p.storeIsEmpty(c) {
		return ids.NoConversationYet()
	}
	if o.Reference != "" && o.Reference != arguments.Pick {
		if err := ids.CheckConversations(p.emptyCheck(c), o.Reference); err != nil {
			return err
		}
	}
	var prompt attach.Message
	if asked {
		if prompt, err = p.reader.Read(c); err != nil {
			return err
		}
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		id, choose, err := p.screen.ChooseConversation(ctx, cl, o.Reference, plain)
		if err != nil {
			return err
		}
		for _, a := range prompt.Attachments {
			if _, err := cl.Upload(ctx, a.Data); err != nil {
				return err
			}
		}
		return p.screen.Open(ctx, cl, o, tui.Options{ConversationID: id, Choose: choose, Prompt: attach.Draft(prompt.Parts), Plain: plain, Fetch: p.reader.Fetch(c)})
	})
}

// sendOnly are the flags that apply only to send.
func sendOnly() []string {
	return []string{"output", "usage", "raw", "no-stream", "reasoning", "timeout", "idempotency-key", "schema"}
}

// rootOrSend runs send if a flag applies only to send, and root otherwise.
func (p *program) rootOrSend(c *cli.Context) error {
	for _, name := range sendOnly() {
		switch {
		case !c.IsSet(name):
		case c.IsSet("resume"):
			return chat.Errorf(chat.CodeInvalid, "-r opens the screen, to which --%s does not apply: use chat send -C ID to continue a conversation", name)
		case c.Bool("plain-ui"):
			return chat.Errorf(chat.CodeInvalid, "--plain-ui opens a conversation, to which --%s does not apply: leave one of them out", name)
		default:
			return p.send(c)
		}
	}
	return p.root(c)
}
