package main

import (
	"cmp"
	"context"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/arguments"
	"chat/internal/cli/ids"
	"chat/internal/cli/prompt"
	"chat/internal/term/attach"
)

func (p *program) editCommand() *cli.Command {
	return &cli.Command{
		Name: "edit", Usage: "change a message and send it as a sibling", ArgsUsage: "CONVERSATION[@MESSAGE]|last [NEW TEXT…]",
		Description: `Sends the new text as a sibling of one of your messages. The old message and its answer stay;
the screen can switch between the siblings. Without @MESSAGE, edits your newest message in the
conversation. ` + "`chat show --all`" + ` prints the ids of messages.

Without NEW TEXT, opens the old text in $VISUAL or $EDITOR. If neither is set
and stdin is not a terminal, reads the new text from stdin. With - as NEW TEXT, always reads it
from stdin.

-f adds files to the new message.

With --detach, the server enforces --timeout, for each attempt at the answer.

Examples:
  chat edit last
  chat edit 3f9a1c22@b2b66697 "the same, in French"
  pandoc notes.odt -t markdown | chat edit last -`,
		Flags: append(arguments.AnswerFlags(), arguments.FileFlags()...), Action: p.edit,
	}
}

func (p *program) edit(c *cli.Context) error {
	if !c.Args().Present() {
		return chat.Errorf(chat.CodeInvalid, "edit takes a conversation, or last (`chat ls` lists conversations)")
	}
	o, err := p.answerOptions(c)
	if err != nil {
		return err
	}
	show, err := p.watcher.NewPresenter(formatOf(c))
	if err != nil {
		return err
	}
	ref, message, _ := strings.Cut(c.Args().First(), "@")
	if err := ids.CheckConversations(p.emptyCheck(c), ref); err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		conv, err := ids.FindConversationOf(ctx, cl, ref)
		if err != nil {
			return err
		}
		old, err := ids.FindPrompt(ctx, cl, conv, message)
		if err != nil {
			return err
		}
		text, given, err := p.reader.NewText(ctx, c.Args().Tail())
		if err != nil {
			return err
		}
		var d prompt.Draft
		if !given {
			before := attach.Draft(old.AllParts())
			if text, d, err = p.editor.Edit(before); err != nil {
				return err
			}
			if send, err := p.isNewMessage(before, text); err != nil || !send && !c.IsSet("file") {
				return d.Sent(err)
			}
		}
		message := attach.Message{Parts: attach.ParseDraft(text)}
		if err := p.reader.AddFiles(c, &message); err != nil {
			return d.Sent(err)
		}
		o.Parts, o.Attachments, o.ParentID = message.Parts, message.Attachments, cmp.Or(old.ParentID, chat.RootParent)
		acc, err := o.SubmitTo(ctx, cl, conv)
		if err = d.Sent(err); err != nil {
			return err
		}
		return p.followAccepted(ctx, c, cl, acc, nil, show)
	})
}

// isNewMessage reports whether the text from the editor is a new message.
func (p *program) isNewMessage(old, text string) (bool, error) {
	switch {
	case strings.TrimRight(text, "\n") == strings.TrimRight(old, "\n"):
		p.Infof("the message was not changed: nothing was sent")
		return false, nil
	case strings.TrimSpace(text) == "":
		return false, chat.Errorf(chat.CodeInvalid, "the message is empty: nothing was sent")
	}
	err := prompt.Check(attach.ParseDraft(text))
	return err == nil, err
}
