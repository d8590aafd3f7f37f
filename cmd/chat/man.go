package main

import (
	"io"

	"github.com/urfave/cli/v2"

	"chat/internal/cli/arguments"
	"chat/internal/cli/manpage"
)

func (p *program) manCommand() *cli.Command {
	return &cli.Command{
		Name: "man", Usage: "print the manual page", ArgsUsage: arguments.NoArguments,
		Description: `The page is in roff format, for man. It is generated from the same texts as --help.

Examples:
  chat man | man -l -
  chat man > ~/.local/share/man/man1/chat.1`,
		Action: func(c *cli.Context) error {
			_, err := io.WriteString(p.Out, manpage.Render(c.App))
			return err
		},
	}
}
