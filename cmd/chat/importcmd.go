package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/tui/sanitize"
)

func (p *program) importCommand() *cli.Command {
	return &cli.Command{
		Name: "import", Usage: "read conversations from an export, of chat or of ChatGPT", ArgsUsage: "FILE|-",
		Description: `Takes the JSON of chat export, of which nothing is lost, and the conversations.json of an
export from ChatGPT. The file is read piece by piece, however large it is.

Importing again doubles nothing: conversations keep their ids, what is there already stays
as it is, and only messages that are missing are added. Of ChatGPT come the visible texts with
their branches, models and times; system prompts stay, tools and hidden messages do not, and
[image] stands for an image.

A conversation that cannot be read is named, the others are imported, and the exit code is 2.

Examples:
  chat import backup.json
  chat import --dry-run conversations.json
  unzip -p chatgpt-export.zip conversations.json | chat import -
  ssh laptop chat export --all | chat import -`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would be imported, and store nothing", DisableDefaultText: true},
			jsonFlag("what became of each conversation"),
		},
		Action: p.importFile,
	}
}

// importReport is what --json prints.
type importReport struct {
	V             int            `json:"v"`
	DryRun        bool           `json:"dry_run,omitempty"`
	Created       int            `json:"created"`
	Extended      int            `json:"extended"`
	Unchanged     int            `json:"unchanged"`
	Failed        int            `json:"failed"`
	Added         int            `json:"messages_added"`
	Conversations []importedItem `json:"conversations"`
}

// importedItem is one conversation of the file.
type importedItem struct {
	Number int    `json:"number"` // in the file, from 1
	Title  string `json:"title"`
	*chat.Imported
	Error *chat.Error `json:"error,omitempty"`
}

func (p *program) importFile(c *cli.Context) error {
	if c.NArg() != 1 {
		return chat.Errorf(chat.CodeInvalid, "import takes one file, or - for stdin, as in: chat import backup.json")
	}
	f, name := p.in, "stdin"
	if path := c.Args().First(); path != "-" {
		name = path
		opened, err := os.Open(path)
		if err != nil {
			return fileError(path, err)
		}
		defer func() { _ = opened.Close() }() // it was only read
		f = opened
	} else if f == nil || term.IsTerminal(f.Fd()) {
		return chat.Errorf(chat.CodeInvalid, "stdin is a terminal: name a file, or pipe one in, as in: chat export --all --host … | chat import -")
	}
	archive, err := openArchive(f, name)
	if err != nil {
		return err
	}
	run := importing{p: p, report: importReport{V: 1, DryRun: c.Bool("dry-run"), Conversations: []importedItem{}}, asJSON: c.Bool("json")}
	if run.report.DryRun && p.nothingYet(c) {
		err = run.all(c.Context, archive, func(_ context.Context, t chat.Transcript) (chat.Imported, error) {
			return chat.Imported{ConversationID: t.ID, Status: chat.ImportCreated, Messages: len(t.Messages), Added: len(t.Messages)}, nil
		})
	} else {
		err = p.with(c, func(ctx context.Context, cl *client.Client) error {
			return run.all(ctx, archive, func(ctx context.Context, t chat.Transcript) (chat.Imported, error) {
				return cl.Import(ctx, t, run.report.DryRun)
			})
		})
	}
	if told := run.tell(); told != nil {
		return told
	}
	return err
}

// importing is one run of import.
type importing struct {
	p      *program
	report importReport
	asJSON bool
}

type importer = func(context.Context, chat.Transcript) (chat.Imported, error)

// all imports the conversations of a file one by one. What is wrong with one of
// them keeps none of the others; what is wrong with the server ends it.
func (i *importing) all(ctx context.Context, a *archive, store importer) error {
	for {
		t, err := a.next()
		switch {
		case errors.Is(err, io.EOF):
			if i.report.Failed > 0 {
				return silently(exitUsage) // each has been named
			}
			return nil
		case err != nil && !errors.As(err, new(conversationError)):
			return err // what follows cannot be read
		}
		item := importedItem{Number: a.number, Title: t.Title}
		if err == nil {
			err = t.Check()
		}
		if err == nil {
			var done chat.Imported
			done, err = store(ctx, t)
			item.Imported = &done
		}
		if err != nil && !ofOne(err) {
			i.p.complain("the import ended at conversation %d: what was imported before it stays, and importing the file again goes on there", a.number)
			return err
		}
		i.add(item, t.ID, err)
	}
}

// ofOne reports whether err is about a conversation, not about the server.
func ofOne(err error) bool {
	switch chat.CodeOf(err) {
	case chat.CodeInvalid, chat.CodeTooLarge, chat.CodeConflict:
		return true
	default:
		return false
	}
}

func (i *importing) add(item importedItem, id string, err error) {
	r := &i.report
	if err != nil {
		item.Imported, item.Error = nil, chat.AsError(err)
		r.Failed++
		about := ""
		if item.Title != "" {
			about = fmt.Sprintf(" %q", sanitize.Line(item.Title))
		}
		if id != "" {
			about += " (" + id + ")"
		}
		i.p.complain("conversation %d%s: %s", item.Number, about, err)
	} else {
		r.Added += item.Added
		switch item.Status {
		case chat.ImportCreated:
			r.Created++
		case chat.ImportExtended:
			r.Extended++
		case chat.ImportUnchanged:
			r.Unchanged++
		}
		i.p.detail("conversation %d: %s %s, %s of %d new", item.Number, short(item.ConversationID), item.Status, plural(item.Added, "message"), item.Messages)
	}
	if i.asJSON {
		r.Conversations = append(r.Conversations, item)
	}
}

// tell says what was done, in one line or as JSON.
func (i *importing) tell() error {
	r := i.report
	if i.asJSON {
		return writeJSON(i.p.out, r)
	}
	verb := "imported"
	if r.DryRun {
		verb = "would import"
	}
	line := fmt.Sprintf("%s %s with %s", verb, plural(r.Created, "conversation"), plural(r.Added, "message"))
	if r.Extended > 0 {
		line += fmt.Sprintf(", some of them for %s that %s there", plural(r.Extended, "conversation"), map[bool]string{true: "was", false: "were"}[r.Extended == 1])
	}
	if r.Unchanged > 0 {
		line += fmt.Sprintf("; %d there already", r.Unchanged)
	}
	if r.Failed > 0 {
		line += fmt.Sprintf("; %d failed", r.Failed)
	}
	_, err := fmt.Fprintln(i.p.out, line)
	return err
}
