package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
)

func (p *program) exportCommand() *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "write conversations as JSON or Markdown", ArgsUsage: "CONVERSATION…|last",
		Description: `JSON loses nothing: every message with its place in the tree, its model, its reasoning,
its usage and its times. Markdown is for people, and has the newest branch only: each message
stands below its own heading, so headings in messages are moved down, code blocks that were
left open are closed, and unfinished HTML is shown as text.

Examples:
  chat export last -f md > answer.md
  chat export 3f9a1c22 b2b66697 > two.json
  chat export --all > backup.json`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "all conversations, newest first", DisableDefaultText: true},
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "json", Usage: "`FORMAT`: json or md"},
		},
		Action: p.export,
	}
}

func (p *program) export(c *cli.Context) error {
	refs := c.Args().Slice()
	var out exporter
	switch c.String("format") {
	case "json":
		out = &jsonExport{w: p.out}
	case "md":
		out = &markdownExport{p: p}
	default:
		return chat.Errorf(chat.CodeInvalid, "--format is json or md, not %q", c.String("format"))
	}
	switch {
	case c.Bool("all") == (len(refs) > 0):
		return chat.Errorf(chat.CodeInvalid, "export takes conversations, or --all (`chat ls` lists them)")
	case c.Bool("all") && p.nothingYet(c):
		return out.end()
	}
	if err := p.knownConversations(c, refs...); err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		// All of them are looked up first: with a wrong id nothing is written.
		var list []chat.Conversation
		for _, ref := range refs {
			conv, err := findConversationOf(ctx, cl, ref)
			if err != nil {
				return err
			}
			list = append(list, conv)
		}
		if c.Bool("all") {
			if err := exportAll(ctx, cl, out); err != nil {
				return err
			}
			return out.end()
		}
		if err := exportList(ctx, cl, out, list); err != nil {
			return err
		}
		return out.end()
	})
}

func exportAll(ctx context.Context, cl *client.Client, out exporter) error {
	cursor := ""
	for {
		list, next, err := cl.Conversations(ctx, chat.ConversationQuery{Cursor: cursor, Limit: maxListed})
		if err != nil {
			return err
		}
		if err := exportList(ctx, cl, out, list); err != nil || next == "" {
			return err
		}
		cursor = next
	}
}

func exportList(ctx context.Context, cl *client.Client, out exporter, list []chat.Conversation) error {
	for _, conv := range list {
		messages, err := cl.Messages(ctx, conv.ID)
		if err != nil {
			return err
		}
		if err := out.conversation(conv, messages); err != nil {
			return err
		}
	}
	return nil
}

// exporter writes conversations one by one; end comes last, also if there were none.
type exporter interface {
	conversation(conv chat.Conversation, messages []chat.Message) error
	end() error
}

// exportFormat and exportVersion name the JSON; fields are only ever added to it.
const (
	exportFormat  = "chat"
	exportVersion = 1
)

// jsonExport writes one object, a conversation at a time.
type jsonExport struct {
	w     io.Writer
	begun bool
}

func (j *jsonExport) conversation(conv chat.Conversation, messages []chat.Message) error {
	lead := ",\n    "
	if !j.begun {
		if err := j.begin(); err != nil {
			return err
		}
		lead = "\n    "
	}
	if messages == nil {
		messages = []chat.Message{}
	}
	b, err := encodeJSON(chat.Transcript{Conversation: conv, Messages: messages}, "    ", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(j.w, lead+string(bytes.TrimSuffix(b, []byte("\n"))))
	return err
}

func (j *jsonExport) begin() error {
	j.begun = true
	_, err := fmt.Fprintf(j.w, "{\n  \"format\": %q,\n  \"version\": %d,\n  \"exported_at\": %q,\n  \"conversations\": [",
		exportFormat, exportVersion, time.Now().UTC().Format(time.RFC3339))
	return err
}

func (j *jsonExport) end() error {
	last := "\n  ]\n}\n"
	if !j.begun {
		if err := j.begin(); err != nil {
			return err
		}
		last = "]\n}\n"
	}
	_, err := io.WriteString(j.w, last)
	return err
}

// markdownExport writes conversations for people to read.
type markdownExport struct {
	p     *program
	begun bool
}

func (m *markdownExport) conversation(conv chat.Conversation, messages []chat.Message) error {
	if m.begun {
		if _, err := io.WriteString(m.p.out, "\n---\n\n"); err != nil {
			return err
		}
	}
	m.begun = true
	left, err := m.p.printConversation(conv, messages, printing{raw: true, part: true})
	if left > 0 {
		m.p.infof("%s: without %s on other branches; -f json has them", short(conv.ID), plural(left, "message"))
	}
	return err
}

func (m *markdownExport) end() error { return nil }
