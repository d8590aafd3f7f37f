package main

import (
	"context"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
)

func (p *program) importCommand() *cli.Command {
	return &cli.Command{
		Name: "import", Usage: "read conversations from exports, of chat, ChatGPT, Claude and others", ArgsUsage: "FILE|FOLDER|-…",
		Description: `Takes the JSON of chat export, of which nothing is lost, and the exports of ChatGPT, Claude,
Open WebUI, LibreChat and DeepSeek; also lists of messages with a role and a content, as
TypingMind, Chatbox and llama.cpp write them. A file may hold several documents, or one a
line; it may be a zip file or packed with gzip; of a folder all JSON and zip files are read.
Files are read piece by piece, however large they are.

Importing again doubles nothing: conversations keep their ids, what is there already stays
as it is, and only messages that are missing are added. Of other programs come the visible
texts with their branches, models and times. System prompts stay; messages of tools and hidden
ones do not, and [image] stands for an image that is not in the file. All that is left out is
counted; -v says of which conversation.

What cannot be read is named, all else is imported, and the exit code is 2. A conversation
without messages is passed over, and named, too.

Examples:
  chat import backup.json
  chat import chatgpt-export.zip
  chat import --dry-run conversations-*.json
  cat one.json two.json | chat import -
  ssh laptop chat export --all | chat import -`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would be imported, and store nothing", DisableDefaultText: true},
			jsonFlag("what became of each conversation"),
		},
		Action: p.importFiles,
	}
}

func (p *program) importFiles(c *cli.Context) error {
	if c.NArg() == 0 {
		return chat.Errorf(chat.CodeInvalid, "import takes files or folders, or - for stdin, as in: chat import backup.json")
	}
	stdin := 0
	for _, name := range c.Args().Slice() {
		if name == "-" {
			stdin++
		}
	}
	switch {
	case stdin > 1:
		return chat.Errorf(chat.CodeInvalid, "stdin can be read once only: leave out one -")
	case stdin == 1 && (p.in == nil || term.IsTerminal(p.in.Fd())):
		return chat.Errorf(chat.CodeInvalid, "stdin is a terminal: name a file, or pipe one in, as in: chat export --all --host … | chat import -")
	}
	run := &importing{
		p: p, names: c.Args().Slice(), asJSON: c.Bool("json"),
		report: importReport{V: 1, DryRun: c.Bool("dry-run"), Conversations: []importedItem{}, LeftOut: leftOut{}},
	}
	var err error
	if run.report.DryRun && p.nothingYet(c) {
		err = run.all(c.Context, func(_ context.Context, t chat.Transcript) (chat.Imported, error) {
			return chat.Imported{ConversationID: t.ID, Status: chat.ImportCreated, Messages: len(t.Messages), Added: len(t.Messages)}, nil
		})
	} else if err = run.readable(); err == nil {
		err = p.withClient(c, func(ctx context.Context, cl *client.Client) error {
			return run.all(ctx, func(ctx context.Context, t chat.Transcript) (chat.Imported, error) {
				return cl.Import(ctx, t, run.report.DryRun)
			})
		})
	}
	if run.begun {
		if told := run.tell(); told != nil {
			return told
		}
	}
	return err
}
