package main

import (
	"cmp"
	"context"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/arguments"
	"chat/internal/cli/transfer"
	"chat/internal/transcript"
)

func (p *program) importCommand() *cli.Command {
	return &cli.Command{
		Name: "import", Usage: "import conversations from chat, ChatGPT, Claude and others", ArgsUsage: "FILE|FOLDER|-…",
		Description: `Reads the JSON of chat export completely, and the exports of ChatGPT, Claude, Open WebUI,
LibreChat and DeepSeek. Also reads lists of messages with a role and a content, as written by
TypingMind, Chatbox and llama.cpp. A file may hold several documents, or one per line, and may
be a zip or gzip file. In a folder, all JSON and zip files are read. Large files are streamed.

Importing the same file again creates no duplicates: conversations keep their ids, existing
messages do not change, and only missing messages are added. From other programs, chat imports
the visible texts with their branches, models and times, and the system prompts. It omits tool
messages and hidden messages; [image] replaces an image that is not in the file. Omitted items
are counted; -v lists them by conversation.

If something cannot be read, chat reports it, imports everything else, and exits with 2.
Conversations without messages are skipped and reported.

Examples:
  chat import backup.json
  chat import chatgpt-export.zip
  chat import --dry-run conversations-*.json
  cat one.json two.json | chat import -
  ssh laptop chat export --all | chat import -`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "report what would be imported, but store nothing", DisableDefaultText: true},
			arguments.JSONFlag("the result for each conversation"),
		},
		Action: p.importFiles,
	}
}

func (p *program) importFiles(c *cli.Context) error {
	if c.NArg() == 0 {
		return chat.Errorf(chat.CodeInvalid, "import takes files or folders, or - for stdin, for example: chat import backup.json")
	}
	stdin := 0
	for _, name := range c.Args().Slice() {
		if name == "-" {
			stdin++
		}
	}
	switch {
	case stdin > 1:
		return chat.Errorf(chat.CodeInvalid, "stdin can be read only once: give one - only")
	case stdin == 1 && (p.In == nil || term.IsTerminal(p.In.Fd())):
		return chat.Errorf(chat.CodeInvalid, "stdin is a terminal: name a file, or pipe one in, for example: chat export --all --host … | chat import -")
	}
	dryRun := c.Bool("dry-run")
	run := transfer.NewImport(p.Console, c.Args().Slice(), dryRun, c.Bool("json"))
	var err error
	if dryRun && p.storeIsEmpty(c) {
		err = run.All(c.Context, func(_ context.Context, t transcript.Transcript) (transcript.Imported, error) {
			return transcript.Imported{ConversationID: t.ID, Status: transcript.ImportCreated, Messages: len(t.Messages), Added: len(t.Messages)}, nil
		})
	} else if err = run.CheckReadable(); err == nil {
		err = p.withClient(c, func(ctx context.Context, cl *client.Client) error {
			return run.All(ctx, func(ctx context.Context, t transcript.Transcript) (transcript.Imported, error) {
				return cl.Import(ctx, t, dryRun)
			})
		})
	}
	return cmp.Or(run.Report(), err)
}
