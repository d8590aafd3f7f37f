package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/internal/cli/arguments"
	"chat/internal/cli/completion"
)

func (p *program) completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print the completion script of a shell", ArgsUsage: strings.Join(completion.Shells(), "|"),
		Description: `Completes commands, flags, the ids of tasks and conversations, models, roles and settings. It
asks a running server, and never starts one.

Examples:
  eval "$(chat completion bash)"     in ~/.bashrc
  eval "$(chat completion zsh)"      in ~/.zshrc, after compinit
  chat completion fish > ~/.config/fish/completions/chat.fish`,
		Action: func(c *cli.Context) error {
			shell := c.Args().First()
			if c.NArg() != 1 || !slices.Contains(completion.Shells(), shell) {
				return chat.Errorf(chat.CodeInvalid, "completion takes the name of a shell: %s", strings.Join(completion.Shells(), ", "))
			}
			text, err := completion.Script(shell)
			if err != nil {
				return err
			}
			_, err = p.Out.Write(text)
			return err
		},
	}
}

// completeCommand is called by the completion scripts. It prints one candidate per
// line, with a tab before the description, or filesDirective.
func (p *program) completeCommand() *cli.Command {
	return &cli.Command{
		Name: arguments.CompleteName, Hidden: true, Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			if len(words) == 0 {
				words = []string{""}
			}
			var b strings.Builder
			for _, item := range completion.New(p.server, c.App).Complete(c.Context, words) {
				b.WriteString(item.Text)
				if item.About != "" {
					b.WriteString("\t" + item.About)
				}
				b.WriteString("\n")
			}
			_, err := fmt.Fprint(p.Out, b.String())
			return err
		},
	}
}
