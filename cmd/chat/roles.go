package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/internal/term/sanitize"
)

// namedRole is a system prompt with a name, and how it is to be answered. It stands
// in the config file, which the daemon reads, too: there it means nothing.
type namedRole struct {
	Name     string        `json:"name"`
	System   string        `json:"system,omitempty"`
	Model    string        `json:"model,omitempty"`
	Priority chat.Priority `json:"priority,omitempty"`
}

// rolesTable is the table of the config file that has them.
const rolesTable = "roles"

func roleFields() []string { return []string{"system", "model", "priority"} }

// set sets a field, and says what is wrong with its value.
func (r *namedRole) set(field string, value any) string {
	text, ok := value.(string)
	switch {
	case !slices.Contains(roleFields(), field):
		return noRoleField(field)
	case !ok:
		return "it must be a string"
	}
	switch field {
	case "system":
		r.System = strings.TrimRight(text, "\n")
		if len(text) > chat.MaxSystem {
			return fmt.Sprintf("it is longer than %d KiB", chat.MaxSystem>>10)
		}
	case "model":
		r.Model = text
	case "priority":
		p, err := chat.ParsePriority(text)
		if err != nil {
			return err.Error()
		}
		r.Priority = p
	}
	return ""
}

func noRoleField(field string) string {
	if guess := nearest(roleFields(), field); guess != "" {
		return fmt.Sprintf("a role has no %q; did you mean %q?", field, guess)
	}
	return fmt.Sprintf("a role has no %q: it has %s", field, strings.Join(roleFields(), ", "))
}

// rolesIn are the roles in the text of a config file, by name, and what is wrong
// with them. The error is that of a text that is no TOML.
func rolesIn(text string) (roles []namedRole, wrong []fileProblem, err error) {
	var file struct {
		Roles any `toml:"roles"`
	}
	if _, err := toml.Decode(text, &file); err != nil || file.Roles == nil {
		return nil, nil, err
	}
	all, ok := file.Roles.(map[string]any)
	if !ok {
		return nil, []fileProblem{{key: rolesTable, what: "roles are tables, as in: [roles.reviewer]"}}, nil
	}
	for name, value := range all {
		key := rolesTable + "." + name
		fields, ok := value.(map[string]any)
		if !ok {
			wrong = append(wrong, fileProblem{key: key, what: "a role is a table, as in: [roles.reviewer]", of: name})
			continue
		}
		r := namedRole{Name: name}
		for field, v := range fields {
			if what := r.set(field, v); what != "" {
				wrong = append(wrong, fileProblem{key: key + "." + field, what: what, of: name})
			}
		}
		roles = append(roles, r)
	}
	slices.SortFunc(roles, func(a, b namedRole) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(wrong, func(a, b fileProblem) int { return strings.Compare(a.key, b.key) })
	return roles, wrong, nil
}

// brokenRole is a role that cannot be used, and why, with its place in the file.
type brokenRole struct{ name, why string }

// roles are those of the config file, those that are broken, and where it is.
func (p *program) roles() ([]namedRole, []brokenRole, string, error) {
	f, err := p.config()
	if err != nil {
		return nil, nil, "", err
	}
	all, wrong, err := rolesIn(strings.Join(f.lines, ""))
	if err != nil {
		return nil, nil, f.path, chat.Errorf(chat.CodeInvalid, "%s cannot be read: chat config check says why", f.path)
	}
	var broken []brokenRole
	for _, w := range wrong {
		name, _ := strings.CutPrefix(w.key, rolesTable+".")
		broken = append(broken, brokenRole{cmp.Or(w.of, name), f.says(w)})
	}
	good := slices.DeleteFunc(all, func(r namedRole) bool {
		return slices.ContainsFunc(broken, func(b brokenRole) bool { return b.name == r.Name })
	})
	return good, broken, f.path, nil
}

// role is the one with that name.
func (p *program) role(name string) (namedRole, error) {
	roles, broken, path, err := p.roles()
	if err != nil {
		return namedRole{}, err
	}
	var names []string
	for _, r := range roles {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	for _, b := range broken {
		if b.name == name || b.name == rolesTable {
			return namedRole{}, chat.Errorf(chat.CodeInvalid, "%s (chat config edit)", b.why)
		}
	}
	hint := fmt.Sprintf("roles stand in %s, as in: [roles.%s]", path, name)
	if guess := nearest(names, name); guess != "" {
		hint = fmt.Sprintf("did you mean %q?", guess)
	} else if len(names) > 0 {
		hint = "there are " + strings.Join(names, ", ")
	}
	return namedRole{}, chat.Errorf(chat.CodeInvalid, "there is no role %q: %s", name, hint)
}

// takeRole fills in what --role says and no flag does.
func (p *program) takeRole(c *cli.Context, o *submission) error {
	name := c.String("role")
	switch {
	case name == "":
		return nil
	case o.conversation != "" || c.IsSet("resume"):
		return chat.Errorf(chat.CodeInvalid, "a conversation keeps the system prompt it was begun with: leave out --role, or begin a new one")
	case c.IsSet("system"):
		return chat.Errorf(chat.CodeInvalid, "--role and -s exclude each other: both are the system prompt")
	}
	r, err := p.role(name)
	if err != nil {
		return err
	}
	o.system, o.Model = r.System, cmp.Or(o.Model, r.Model)
	if !c.IsSet("priority") {
		o.Priority = cmp.Or(r.Priority, o.Priority)
	}
	return nil
}

func (p *program) rolesCommand() *cli.Command {
	return &cli.Command{
		Name: "roles", Usage: "list the roles that --role takes, or print one", ArgsUsage: "[NAME]",
		Description: `A role is a system prompt with a name, for new conversations; it may also say which model
to ask, and with what priority. Roles stand in the config file, behind the settings:

  [roles.reviewer]
  system = "You review Go code. Name the bug first, then the fix."
  model = "qwen3:8b"

With NAME the role's system prompt is printed. A flag wins over what the role says.

Examples:
  chat config edit
  chat roles
  git diff | chat send --role reviewer "What is wrong here?"`,
		Flags: []cli.Flag{jsonFlag("the roles")}, Action: p.printRoles,
	}
}

func (p *program) printRoles(c *cli.Context) error {
	if c.NArg() > 1 {
		return chat.Errorf(chat.CodeInvalid, "roles takes one name, or none for a list")
	}
	if c.NArg() == 1 {
		r, err := p.role(c.Args().First())
		switch {
		case err != nil:
			return err
		case c.Bool("json"):
			return writeJSON(p.out, r)
		}
		return p.printText(r.System, true)
	}
	roles, broken, path, err := p.roles()
	if err != nil {
		return err
	}
	for _, b := range broken {
		p.warnf("%s", b.why)
	}
	switch {
	case c.Bool("json"):
		if roles == nil {
			roles = []namedRole{}
		}
		return writeJSON(p.out, roles)
	case len(roles) == 0 && len(broken) > 0:
		return exitWith(exitUsage) // the reason was reported
	case len(roles) == 0:
		p.infof("there are no roles in %s (`chat roles --help` shows one)", path)
		return nil
	}
	var rows [][]string
	for _, r := range roles {
		rows = append(rows, []string{r.Name, r.Model, firstLine(r.System)})
	}
	return table(p.out, []column{{head: "ROLE"}, {head: "MODEL", least: 6, drop: 1}, {head: "SYSTEM", least: 16}}, rows)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// roleNames are candidates for --role.
func (p *program) roleNames() []candidate {
	roles, _, _, err := p.roles()
	if err != nil {
		return nil // a completion has nobody to complain to
	}
	var all []candidate
	for _, r := range roles {
		all = append(all, candidate{sanitize.Line(r.Name), sanitize.Line(firstLine(r.System))})
	}
	return all
}
