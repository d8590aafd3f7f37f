package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/internal/cli/arguments"
	"chat/internal/cli/doctor"
	"chat/internal/cli/exit"
	"chat/internal/cli/output"
)

func (p *program) doctorCommand() *cli.Command {
	return &cli.Command{
		Name: "doctor", Usage: "check the setup and explain problems", ArgsUsage: arguments.NoArguments,
		Description: `Checks the directories, the settings, the daemon, the provider and the terminal, and changes
nothing. It does not start a daemon: if none is running, it asks the provider directly. It
reports where each setting comes from, and which checks were skipped. The exit code is that
of the first error.

Examples:
  chat doctor
  chat doctor --json`,
		Flags: []cli.Flag{arguments.JSONFlag("the findings")}, Action: p.doctor,
	}
}

func (p *program) doctor(c *cli.Context) error {
	if c.IsSet("no-daemon") {
		return chat.Errorf(chat.CodeInvalid, "--no-daemon does not apply to `chat doctor`: leave it out")
	}
	found := doctor.New(p.server).Check(c.Context, c.String("host"))
	if err := p.printFindings(c, found); err != nil {
		return err
	}
	for _, f := range found {
		if f.Code != "" {
			return exit.With(exit.Of(f.Code))
		}
	}
	return nil
}

func (p *program) printFindings(c *cli.Context, found []doctor.Finding) error {
	if c.Bool("json") {
		return output.WriteJSON(p.Out, found)
	}
	var rows [][]string
	for _, f := range found {
		mark := "ok"
		switch {
		case f.Code != "":
			mark = "WRONG"
		case f.Warning:
			mark = "note"
		case f.Skipped:
			mark = "skip"
		}
		rows = append(rows, []string{mark, f.What, strings.ReplaceAll(f.Says, "\n", " ")})
	}
	// Wrap instead of truncating: the last column has the explanation.
	return output.WriteTable(p.Out, []output.Column{{}, {}, {Wrap: true}}, rows)
}
