package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon"
	"chat/tui"
)

const rootDescription = `chat alone opens the screen; with a prompt it begins a new conversation and sends it.
If stdout is not a terminal, it does what chat send does. Flags may stand before and
after the prompt; after -- nothing is a flag or a command.

The answer is made by a daemon, which chat starts by itself. Closing the terminal does
not end an answer: chat ps lists what is running, chat attach shows it.

Examples:
  chat                                   open the screen
  chat "Why is the sky blue?"            begin with a question
  chat -c                                go on where you left off
  git diff | chat send "Review this" > review.md
  id=$(chat send -d "Write a long story"); chat attach $id
  chat -- ls                             send the word ls`

const sendDescription = `The answer goes to stdout, everything else to stderr. Without a prompt, or with -, stdin
is the prompt; with a prompt, what is piped in is attached to it (--no-stdin if nothing is).

To a terminal the answer is laid out as it comes. To a pipe or a file go the very bytes
that are stored, as they come, and a newline. An answer can begin again, after a failure of
the provider or of a worker: a file is then taken back to where it was, but what a pipe got
cannot be. If the new text differs from it, chat exits with 9, and chat attach has all of
it. --no-stream writes only what is final; so does -O FILE, which leaves the file as it was
if the answer does not end well.

Ctrl+C stops the answer, a second one leaves at once; --timeout stops it too: who began
an answer may end it. Closing the terminal, SIGTERM and a closed pipe only leave it.
With --detach, --timeout is the deadline that the server keeps.

Examples:
  chat send "Why is the sky blue?"
  cat main.go | chat send "Explain this"
  chat send -f main.go -f go.mod "What does this need?"
  chat send -c "Shorter, please"
  chat send "Tell me a story" | less
  chat send --json "Hi" | jq -r .message.content
  chat send -x "Write a Makefile for Go" -O Makefile
  chat send --role reviewer --usage -f main.go "What is wrong?"
  id=$(chat send -d "Think hard") && chat wait $id && chat attach $id

--json names a task as ps --json does: task_id, conversation_id and state. task, conversation
and status are the same, by the names that they have in the events of --jsonl.

Exit codes: chat help exit-codes`

const attachDescription = `Replays the answer from its beginning, or from --from, and goes on live. It works for
answers that have ended, too. A conversation stands for its newest answer, last for the
newest of all. The exit code is that of the task. Ctrl+C leaves; the answer goes on.

To a pipe or a file go the very bytes, as they come; see chat send --help.

Examples:
  chat attach last
  chat attach 3f9a1c22 --tui
  chat attach last --jsonl --from 1-17`

func (p *program) helpCommand() *cli.Command {
	return &cli.Command{
		Name: "help", Usage: "help for a command, for exit-codes, or for the screen's keys", ArgsUsage: "[COMMAND…|exit-codes|keys]",
		Action: func(c *cli.Context) error {
			topic := c.Args().Slice()
			switch {
			case len(topic) == 0:
				return cli.ShowAppHelp(c)
			case len(topic) == 1 && topic[0] == "exit-codes":
				_, err := io.WriteString(p.out, exitHelp())
				return err
			case len(topic) == 1 && topic[0] == "keys":
				return p.printKeys()
			}
			commands := c.App.Commands
			for _, name := range topic {
				at := find(commands, name)
				if at == nil {
					return chat.Errorf(chat.CodeInvalid, "there is no help for %q: `chat help` lists the commands", strings.Join(topic, " "))
				}
				commands = at.Subcommands
			}
			// By way of the command itself, which alone knows its subcommands.
			return c.App.RunContext(c.Context, slices.Concat([]string{c.App.Name}, topic, []string{"--help"}))
		},
	}
}

// printKeys lists the screen's actions with their keys, as the config file has them.
func (p *program) printKeys() error {
	settings, err := p.screenConfig()
	if err != nil {
		return err
	}
	var rows [][]string
	for _, a := range tui.Actions(settings.keys) {
		rows = append(rows, []string{a.Name, strings.Join(a.Keys, " "), a.What})
	}
	return table(p.out, []column{{head: "ACTION"}, {head: "KEYS"}, {head: "WHAT", drop: 1}}, rows)
}

// build is what `chat version` prints.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Protocol string `json:"protocol"`
}

func (p *program) versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version", ArgsUsage: noArguments, Flags: []cli.Flag{jsonFlag("the version")},
		Action: func(c *cli.Context) error {
			b := build{
				Version: daemon.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
				Protocol: fmt.Sprintf("%d-%d", daemon.ProtocolMin, daemon.ProtocolMax),
			}
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					switch s.Key {
					case "vcs.revision":
						b.Revision = s.Value
					case "vcs.modified":
						b.Modified = s.Value == "true"
					}
				}
			}
			if c.Bool("json") {
				return writeJSON(p.out, b)
			}
			_, err := fmt.Fprintf(p.out, "chat %s (%s, %s, protocol %s)\n", b.Version, b.Go, b.Platform, b.Protocol)
			return err
		},
	}
}
