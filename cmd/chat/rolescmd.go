package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/internal/cli/arguments"
	"chat/internal/cli/exit"
	"chat/internal/cli/output"
	"chat/internal/cli/settings"
)

func (p *program) rolesCommand() *cli.Command {
	return &cli.Command{
		Name: "roles", Usage: "list the roles for --role, or print one", ArgsUsage: "[NAME]",
		Description: `A role is a named system prompt for new conversations. It may also set the model, the
priority and the parameters: temperature, top_p, max_tokens, effort, stop and seed. Roles are
tables of the config file, after the settings:

  [roles.reviewer]
  system = "You review Go code. Name the bug first, then the fix."
  model = "qwen3:8b"
  temperature = 0.2

With NAME, prints the role's system prompt. Flags override the role.

Examples:
  chat config edit
  chat roles
  git diff | chat send --role reviewer "What is wrong here?"`,
		Flags: []cli.Flag{arguments.JSONFlag("the roles")}, Action: p.printRoles,
	}
}

func (p *program) printRoles(c *cli.Context) error {
	if c.NArg() > 1 {
		return chat.Errorf(chat.CodeInvalid, "roles takes at most one name")
	}
	if c.NArg() == 1 {
		r, err := settings.FindRole(p.Lookup, c.Args().First())
		switch {
		case err != nil:
			return err
		case c.Bool("json"):
			return output.WriteJSON(p.Out, r)
		}
		return p.PrintText(r.System, true)
	}
	roles, broken, path, err := settings.Roles(p.Lookup)
	if err != nil {
		return err
	}
	for _, b := range broken {
		p.Warnf("%s", b.Why)
	}
	switch {
	case c.Bool("json"):
		if roles == nil {
			roles = []settings.Role{}
		}
		return output.WriteJSON(p.Out, roles)
	case len(roles) == 0 && len(broken) > 0:
		return exit.With(exit.Usage) // the reason was reported
	case len(roles) == 0:
		p.Infof("there are no roles in %s (`chat roles --help` shows one)", path)
		return nil
	}
	columns := []output.Column{{Head: "ROLE"}, {Head: "MODEL", MinWidth: 6, DropOrder: 1}, {Head: "SYSTEM", MinWidth: 16}}
	if slices.ContainsFunc(roles, func(r settings.Role) bool { return r.Parameters != nil }) {
		columns = slices.Insert(columns, 2, output.Column{Head: "PARAMETERS", MinWidth: 10, DropOrder: 2})
	}
	var rows [][]string
	for _, r := range roles {
		row := []string{r.Name, r.Model, output.FirstLine(r.System)}
		if len(columns) > len(row) {
			row = slices.Insert(row, 2, r.Parameters.String())
		}
		rows = append(rows, row)
	}
	return output.WriteTable(p.Out, columns, rows)
}
