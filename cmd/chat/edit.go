package main

import (
	"context"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/term/attach"
)

func (p *program) editCommand() *cli.Command {
	flags := append(outputFlags(),
		&cli.StringFlag{Name: "model", Aliases: []string{"m"}, Usage: "the `MODEL` to ask this time"},
		&cli.StringFlag{Name: "priority", Usage: "`LEVEL`: urgent, normal or background"},
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "print the task's id and leave; the answer is made without us", DisableDefaultText: true},
		timeoutFlag("stop the answer after `DURATION` (90s, 5m) and exit with 124"),
		&cli.StringFlag{Name: "idempotency-key", Usage: "editing again with the same `KEY` gives the same answer, not another one"},
	)
	return &cli.Command{
		Name: "edit", Usage: "change a message and send it as a sibling", ArgsUsage: "CONVERSATION[@MESSAGE]|last [NEW TEXT…]",
		Description: `Without a new text the message opens in $VISUAL or $EDITOR; - takes it from stdin, and so
does a pipe where neither is set. What was there stays: both are siblings, and the screen
turns the pages. Without @MESSAGE it is the newest message of the conversation;
` + "`chat show`" + ` tells the ids of the others.

Examples:
  chat edit last
  chat edit 3f9a1c22@b2b66697 "the same, in French"
  pandoc notes.odt -t markdown | chat edit last -`,
		Flags: flags, Action: p.edit,
	}
}

func (p *program) edit(c *cli.Context) error {
	if !c.Args().Present() {
		return chat.Errorf(chat.CodeInvalid, "edit takes a conversation, or last (`chat ls` lists conversations)")
	}
	priority, err := chat.ParsePriority(c.String("priority"))
	if err != nil {
		return err
	}
	show, err := p.presenter(c)
	if err != nil {
		return err
	}
	ref, message, _ := strings.Cut(c.Args().First(), "@")
	if err := p.knownConversations(c, ref); err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		conv, err := findConversationOf(ctx, cl, ref)
		if err != nil {
			return err
		}
		old, err := findQuestion(ctx, cl, conv, message)
		if err != nil {
			return err
		}
		text, given, err := p.newText(ctx, c.Args().Tail())
		if err != nil {
			return err
		}
		var d draft
		if !given {
			if text, d, err = p.editText(old.Content); err != nil {
				return err
			}
			if strings.TrimRight(text, "\n") == strings.TrimRight(old.Content, "\n") {
				p.infof("nothing was changed, so nothing was sent")
				return d.sent(nil)
			}
			if strings.TrimSpace(text) == "" {
				return d.sent(chat.Errorf(chat.CodeInvalid, "the message is empty: nothing was sent"))
			}
			if _, err := checkPrompt(text); err != nil {
				return d.sent(err)
			}
		}
		sub := chat.Submission{ConversationID: conv.ID, Content: strings.TrimRight(text, "\n"), Model: c.String("model"), Priority: priority, ParentID: old.ParentID}
		if sub.ParentID == "" {
			sub.ParentID = chat.RootParent
		}
		acc, err := cl.Submit(ctx, sub, c.String("idempotency-key"))
		if err = d.sent(err); err != nil {
			return err
		}
		p.debugf("task %s in conversation %s", acc.TaskID, acc.ConversationID)
		if c.Bool("detach") {
			return p.detached(c, acc)
		}
		a := &answer{task: acc.TaskID, conversation: acc.ConversationID, message: acc.MessageID}
		return p.watchOwn(ctx, cl, a, show, c.Duration("timeout"))
	})
}

// newText is the text of the command line, or of stdin; given is false if it is to be
// edited.
func (p *program) newText(ctx context.Context, words []string) (text string, given bool, err error) {
	asked := len(words) == 1 && words[0] == "-"
	if len(words) > 0 && !asked {
		text, err = checkPrompt(strings.Join(words, " "))
		return text, true, err
	}
	editor := p.env("VISUAL") != "" || p.env("EDITOR") != ""
	if asked || !editor && p.stdinIsGiven() {
		data, err := p.readStdin(ctx, false)
		if err == nil {
			text, err = attach.Text(attach.Stdin, data)
		}
		if err != nil || asked || strings.TrimSpace(text) != "" {
			if err == nil {
				text, err = checkPrompt(text)
			}
			return text, true, err
		}
	}
	if !editor && !term.IsTerminal(p.in.Fd()) {
		return "", false, chat.Errorf(chat.CodeInvalid, "stdin is not a terminal: pass the new text after the conversation id, or pipe it in")
	}
	return "", false, nil
}

// findQuestion is the user's message that ref means, or the newest one.
func findQuestion(ctx context.Context, cl *client.Client, conv chat.Conversation, ref string) (chat.Message, error) {
	list, err := cl.Messages(ctx, conv.ID)
	if err != nil {
		return chat.Message{}, err
	}
	var asked []chat.Message
	for _, m := range list {
		if m.Role == chat.RoleUser {
			asked = append(asked, m)
		}
	}
	if ref != "" {
		asked = closest(asked, func(m chat.Message) string { return m.ID }, strings.ToLower(ref))
	}
	switch {
	case len(asked) == 0:
		return chat.Message{}, chat.Errorf(chat.CodeNotFound, "there is no message %q of yours in the conversation %s", ref, short(conv.ID))
	case ref != "" && len(asked) > 1:
		return chat.Message{}, ambiguous("messages", ref, describeAll(asked, func(m chat.Message) string { return short(m.ID) + "  " + chat.TitleFrom(m.Content) }))
	}
	return asked[len(asked)-1], nil
}
