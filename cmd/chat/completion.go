package main

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
)

//go:embed completion
var completionScripts embed.FS

// completeName is the hidden command that the scripts call with the words of a
// line, the last of which is being typed.
const completeName = "__complete"

func shells() []string { return []string{"bash", "zsh", "fish"} }

func (p *program) completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print the completion script of a shell", ArgsUsage: strings.Join(shells(), "|"),
		Description: `Completes commands, flags, the ids of tasks and conversations, models, roles and settings. It asks a
server that is running, and starts none.

Examples:
  eval "$(chat completion bash)"     in ~/.bashrc
  eval "$(chat completion zsh)"      in ~/.zshrc, after compinit
  chat completion fish > ~/.config/fish/completions/chat.fish`,
		Action: func(c *cli.Context) error {
			shell := c.Args().First()
			if c.NArg() != 1 || !slices.Contains(shells(), shell) {
				return chat.Errorf(chat.CodeInvalid, "completion takes the name of a shell: %s", strings.Join(shells(), ", "))
			}
			script, err := completionScripts.ReadFile("completion/chat." + shell)
			if err != nil {
				return err
			}
			_, err = p.out.Write(script)
			return err
		},
	}
}

// completeCommand answers the scripts: a candidate a line, with a tab and a
// description if it has one; or filesDirective.
func (p *program) completeCommand() *cli.Command {
	return &cli.Command{
		Name: completeName, Hidden: true, Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			if len(words) == 0 {
				words = []string{""}
			}
			var b strings.Builder
			for _, item := range p.complete(c, words) {
				b.WriteString(item.text)
				if item.about != "" {
					b.WriteString("\t" + item.about)
				}
				b.WriteString("\n")
			}
			_, err := fmt.Fprint(p.out, b.String())
			return err
		},
	}
}
