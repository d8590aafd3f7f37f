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
	"chat/internal/cli/arguments"
	"chat/internal/cli/exit"
	"chat/internal/cli/output"
	"chat/internal/cli/settings"
	"chat/tui"
)

const rootDescription = `Without a prompt, chat opens the screen. With a prompt, it starts a new conversation and
sends the prompt. If stdout is not a terminal, it works like chat send. Flags may come
before or after the prompt; everything after -- is text, not a flag or a command.

A daemon generates the answers; chat starts it automatically. Closing the terminal does
not stop an answer: chat ps lists running answers, chat attach shows one.

Examples:
  chat                                   open the screen
  chat "Why is the sky blue?"            start with a question
  chat -c                                continue the newest conversation
  git diff | chat send "Review this" > review.md
  id=$(chat send -d "Write a long story"); chat attach $id
  chat -- ls                             send the word ls`

const sendDescription = `The answer goes to stdout, everything else to stderr. Without a prompt, or with -, stdin
is the prompt. With a prompt, piped input is attached to it (--no-stdin ignores it).

On a terminal, the answer is formatted while it arrives. A pipe or a file gets the exact
stored bytes as they arrive, and a final newline. An answer can restart after a failure of
the provider or of a worker. A file is then truncated to its earlier length. Output to a pipe
cannot be undone: if the new text differs, chat exits with 9, and chat attach shows the
complete answer. --no-stream writes only the final answer. So does -O FILE, which leaves an
existing file unchanged if the answer is not complete.

--temperature, --top-p, --max-tokens, --effort, --stop and --seed are parameters of the answer.
A new conversation keeps them for its later messages. A flag precedes the role, then come the
conversation and the model's table in the config file. A parameter that the model refuses is
left out, and a notice names it.

Ctrl+C stops the answer; a second Ctrl+C exits immediately. --timeout stops the answer, too.
Closing the terminal, SIGTERM and a closed pipe end only this command; the answer continues.
With --detach, the server enforces --timeout, for each attempt at the answer.

Examples:
  chat send "Why is the sky blue?"
  cat main.go | chat send "Explain this"
  chat send -f main.go -f go.mod "What does this need?"
  chat send -c "Shorter, please"
  chat send "Tell me a story" | less
  chat send --json "Hi" | jq -r .message.content
  chat send -x "Write a Makefile for Go" -O Makefile
  chat send --temperature 0 --max-tokens 200 "Name three rivers"
  chat send --schema 'name str, born int' "Who wrote Emma?" | jq .born
  chat send --role reviewer --usage -f main.go "What is wrong?"
  id=$(chat send -d "Think hard") && chat wait $id && chat attach $id

--schema asks for JSON: SCHEMA is a file with a JSON Schema, - for stdin, the schema itself, or
fields in a short notation: 'name str, age int?, tags [str], address {street, zip}, state
"new|old": a description'. ? marks a field that may be missing or null. The answer is checked,
and corrected once by the model if it does not match; if it still does not match, chat exits
with 10, names each violation, and keeps the text. --json has the object as object. The schema
is for this message only; chat retry uses it again.

--json names the fields of a task as ps --json does: task_id, conversation_id and state. The
same values are repeated as task, conversation and status, the names in the --jsonl events.

Exit codes: chat help exit-codes`

const attachDescription = `Replays the answer from its beginning, or from --from, and then follows it live. It also
works for answers that have ended. A conversation means its newest answer; last means the
newest answer of all. The exit code is that of the task. Ctrl+C exits; the answer continues.

A pipe or a file gets the exact bytes as they arrive; see chat send --help.

Examples:
  chat attach last
  chat attach 3f9a1c22 --tui
  chat attach last --jsonl --from 1-17`

func (p *program) helpCommand() *cli.Command {
	return &cli.Command{
		Name: "help", Usage: "show help for a command, the exit codes, or the screen's keys", ArgsUsage: "[COMMAND…|exit-codes|keys]",
		Action: func(c *cli.Context) error {
			topic := c.Args().Slice()
			switch {
			case len(topic) == 0:
				return cli.ShowAppHelp(c)
			case len(topic) == 1 && topic[0] == "exit-codes":
				_, err := io.WriteString(p.Out, exit.Help())
				return err
			case len(topic) == 1 && topic[0] == "keys":
				return p.printKeys()
			}
			commands := c.App.Commands
			for _, name := range topic {
				at := arguments.FindCommand(commands, name)
				if at == nil {
					return chat.Errorf(chat.CodeInvalid, "there is no help for %q: `chat help` lists the commands", strings.Join(topic, " "))
				}
				commands = at.Subcommands
			}
			// Only the command itself lists its subcommands.
			return c.App.RunContext(c.Context, slices.Concat([]string{c.App.Name}, topic, []string{"--help"}))
		},
	}
}

// printKeys lists the screen's actions with the keys of the config file.
func (p *program) printKeys() error {
	config, err := settings.ReadScreen(p.Lookup)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, a := range tui.Actions(config.Keys) {
		rows = append(rows, []string{a.Name, strings.Join(a.Keys, " "), a.What})
	}
	return output.WriteTable(p.Out, []output.Column{{Head: "ACTION"}, {Head: "KEYS"}, {Head: "WHAT", DropOrder: 1}}, rows)
}

// build is the output of chat version --json.
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
		Name: "version", Usage: "print the version", ArgsUsage: arguments.NoArguments, Flags: []cli.Flag{arguments.JSONFlag("the version")},
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
				return output.WriteJSON(p.Out, b)
			}
			_, err := fmt.Fprintf(p.Out, "chat %s (%s, %s, protocol %s)\n", b.Version, b.Go, b.Platform, b.Protocol)
			return err
		},
	}
}
