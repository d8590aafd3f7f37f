package settings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"chat"
	"chat/internal/cli/spelling"
)

// Role is a named system prompt with a model, a priority and parameters. The config file defines
// roles; the daemon ignores them.
type Role struct {
	Name     string        `json:"name"`
	System   string        `json:"system,omitempty"`
	Model    string        `json:"model,omitempty"`
	Priority chat.Priority `json:"priority,omitempty"`
	// Parameters are nil if there are none.
	Parameters *chat.Parameters `json:"parameters,omitempty"`
	Fallback   []string         `json:"fallback,omitempty"` // the models that answer if Model does not
}

// rolesTable is the table of roles in the config file.
const rolesTable = "roles"

func roleFields() []string {
	return append([]string{"system", "model", "priority", fallbackField}, chat.ParameterNames()...)
}

// set sets a field, and returns what is wrong with its value, or "".
func (r *Role) set(field string, value any) string {
	text, ok := value.(string)
	switch {
	case slices.Contains(chat.ParameterNames(), field):
		return setParameter(&r.Parameters, field, value)
	case field == fallbackField:
		return setFallback(&r.Fallback, value)
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
	if guess := spelling.Nearest(roleFields(), field); guess != "" {
		return fmt.Sprintf("a role has no %q; did you mean %q?", field, guess)
	}
	return fmt.Sprintf("a role has no %q: its fields are %s", field, strings.Join(roleFields(), ", "))
}

// rolesIn returns the roles in the text of a config file, sorted by name, and their
// problems. The error is for a text that is not TOML.
func rolesIn(text string) (roles []Role, wrong []fileProblem, err error) {
	var file struct {
		Roles any `toml:"roles"`
	}
	if _, err := toml.Decode(text, &file); err != nil || file.Roles == nil {
		return nil, nil, err
	}
	all, ok := file.Roles.(map[string]any)
	if !ok {
		return nil, []fileProblem{{key: rolesTable, what: "roles must be tables, for example: [roles.reviewer]"}}, nil
	}
	for name, value := range all {
		key := rolesTable + "." + name
		fields, ok := value.(map[string]any)
		if !ok {
			wrong = append(wrong, fileProblem{key: key, what: "a role must be a table, for example: [roles.reviewer]", of: name})
			continue
		}
		r := Role{Name: name}
		for field, v := range fields {
			if what := r.set(field, v); what != "" {
				wrong = append(wrong, fileProblem{key: key + "." + field, what: what, of: name})
			}
		}
		roles = append(roles, r)
	}
	slices.SortFunc(roles, func(a, b Role) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(wrong, func(a, b fileProblem) int { return strings.Compare(a.key, b.key) })
	return roles, wrong, nil
}

// brokenRole is an invalid role. Why has its error and line.
type brokenRole struct{ name, Why string }

// Roles returns the roles of the config file, the invalid roles, and the path of the file.
func Roles(lookup func(string) (string, bool)) ([]Role, []brokenRole, string, error) {
	f, err := Open(lookup)
	if err != nil {
		return nil, nil, "", err
	}
	all, wrong, err := rolesIn(f.Text())
	if err != nil {
		return nil, nil, f.Path, chat.Errorf(chat.CodeInvalid, "%s cannot be read: chat config check explains why", f.Path)
	}
	var broken []brokenRole
	for _, w := range wrong {
		name, _ := strings.CutPrefix(w.key, rolesTable+".")
		broken = append(broken, brokenRole{cmp.Or(w.of, name), f.format(w)})
	}
	good := slices.DeleteFunc(all, func(r Role) bool {
		return slices.ContainsFunc(broken, func(b brokenRole) bool { return b.name == r.Name })
	})
	return good, broken, f.Path, nil
}

// FindRole returns the role with a name.
func FindRole(lookup func(string) (string, bool), name string) (Role, error) {
	roles, broken, path, err := Roles(lookup)
	if err != nil {
		return Role{}, err
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
			return Role{}, chat.Errorf(chat.CodeInvalid, "%s (chat config edit)", b.Why)
		}
	}
	hint := fmt.Sprintf("define it in %s as [roles.%s]", path, name)
	if guess := spelling.Nearest(names, name); guess != "" {
		hint = fmt.Sprintf("did you mean %q?", guess)
	} else if len(names) > 0 {
		hint = "the roles are " + strings.Join(names, ", ")
	}
	return Role{}, chat.Errorf(chat.CodeInvalid, "there is no role %q: %s", name, hint)
}
