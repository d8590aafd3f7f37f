package settings

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"chat"
	"chat/daemon"
	"chat/daemon/local"
	"chat/internal/cli/spelling"
	"chat/internal/term/theme"
	"chat/tui"
)

// Screen has the settings of the screen, and the models, of the config file. The daemon
// ignores them.
type Screen struct {
	Theme  string
	Keys   map[string][]string
	Models Models
	// AfterText says that another model may answer after the first text.
	AfterText bool
}

// The names in the file.
const (
	ThemeKey    = "theme"
	keysTable   = "keys"
	modelsTable = "models"
)

// ThemeUsage describes the setting and its variable.
const ThemeUsage = "the screen's colours: auto (by the terminal's background), dark, light, ansi16 or none"

// clientSettings returns the settings that only the client reads.
func clientSettings() []daemon.Setting {
	return []daemon.Setting{{Name: ThemeKey, Env: "CHAT_THEME", Usage: ThemeUsage}, {Name: FailoverKey, Env: "CHAT_FAILOVER", Usage: FailoverUsage}}
}

// All returns all settings of the file outside its tables.
func All() []daemon.Setting { return append(daemon.Settings(), clientSettings()...) }

// tableOf returns the known table that a key belongs to, or "".
func tableOf(key string) string {
	table, _, _ := strings.Cut(key, ".")
	if slices.Contains([]string{rolesTable, keysTable, modelsTable, daemon.ProvidersTable}, table) {
		return table
	}
	return ""
}

// fileProblem is an error in the file: the key, the message, and the role if it concerns
// one.
type fileProblem struct{ key, what, of string }

// screenIn returns the settings of the screen in the text of a config file, and their
// problems. The error is for a text that is not TOML.
func screenIn(text string) (s Screen, wrong []fileProblem, err error) {
	var file struct {
		Theme    any `toml:"theme"`
		Failover any `toml:"failover"`
		Keys     any `toml:"keys"`
		Models   any `toml:"models"`
	}
	if _, err := toml.Decode(text, &file); err != nil {
		return s, nil, err
	}
	s.Theme, wrong = themeIn(file.Theme)
	var more []fileProblem
	s.Keys, more = keysIn(file.Keys)
	wrong = append(wrong, more...)
	s.AfterText, more = failoverIn(file.Failover)
	wrong = append(wrong, more...)
	s.Models, more = modelsIn(file.Models)
	wrong = append(wrong, more...)
	slices.SortFunc(wrong, func(a, b fileProblem) int { return strings.Compare(a.key, b.key) })
	return s, wrong, nil
}

func themeIn(value any) (string, []fileProblem) {
	if value == nil {
		return "", nil
	}
	name, ok := value.(string)
	if what := themeProblem(name); !ok || what != "" {
		return "", []fileProblem{{key: ThemeKey, what: cmp.Or(what, "it must be a string")}}
	}
	return name, nil
}

func themeProblem(name string) string {
	if slices.Contains(theme.Names(), name) {
		return ""
	}
	return fmt.Sprintf("there is no theme %q: the themes are %s", name, strings.Join(theme.Names(), ", "))
}

func keysIn(value any) (map[string][]string, []fileProblem) {
	if value == nil {
		return nil, nil
	}
	all, ok := value.(map[string]any)
	if !ok {
		return nil, []fileProblem{{key: keysTable, what: "keys must be a table: [keys]"}}
	}
	set := map[string][]string{}
	var wrong []fileProblem
	for name, v := range all {
		keys, what := keyList(v)
		if !slices.Contains(actionNames(), name) {
			what = fmt.Sprintf("there is no action %q (`chat help keys` lists them)", name)
			if guess := spelling.Nearest(actionNames(), name); guess != "" {
				what = fmt.Sprintf("there is no action %q; did you mean %q?", name, guess)
			}
		}
		if what != "" {
			wrong = append(wrong, fileProblem{key: keysTable + "." + name, what: what})
			continue
		}
		set[name] = keys
	}
	for _, p := range tui.CheckKeys(set) {
		wrong = append(wrong, fileProblem{key: keysTable + "." + p.Name, what: p.What})
	}
	return set, wrong
}

// keyList reads one key, a list of them, or "" for none.
func keyList(value any) (keys []string, what string) {
	const must = `it must be a key, or a list of keys, for example: ["ctrl+g", "f2"]`
	switch v := value.(type) {
	case string:
		if v == "" {
			return []string{}, ""
		}
		return []string{v}, ""
	case []any:
		keys = []string{}
		for _, one := range v {
			key, ok := one.(string)
			if !ok {
				return nil, must
			}
			keys = append(keys, key)
		}
		return keys, ""
	}
	return nil, must
}

func actionNames() []string {
	var names []string
	for _, a := range tui.Actions(nil) {
		names = append(names, a.Name)
	}
	return names
}

// ReadScreen reads the config file. CHAT_THEME overrides its theme.
func ReadScreen(lookup func(string) (string, bool)) (Screen, error) {
	variable, _ := lookup("CHAT_THEME")
	s, wrong, f, err := readScreen(lookup)
	switch {
	case err != nil:
		return s, err
	case len(wrong) > 0:
		return s, chat.Errorf(chat.CodeInvalid, "%s (chat config edit)", f.format(wrong[0]))
	}
	s.Theme = cmp.Or(variable, s.Theme)
	return s, nil
}

// readScreen reads the config file, and returns it with its problems.
func readScreen(lookup func(string) (string, bool)) (Screen, []fileProblem, *File, error) {
	paths, err := local.FindPaths(lookup)
	if err != nil {
		return Screen{}, nil, nil, nil //nolint:nilerr // without directories there is no file, and no one needs it
	}
	if _, err := os.Stat(paths.ConfigFile()); err != nil {
		return Screen{}, nil, nil, nil //nolint:nilerr // such as HOME=/dev/null; the daemon has no file then, either
	}
	f, err := Read(paths.ConfigFile())
	if err != nil {
		return Screen{}, nil, f, err
	}
	s, wrong, err := screenIn(f.Text())
	if err != nil {
		err = chat.Errorf(chat.CodeInvalid, "%s cannot be read: chat config check explains why", f.Path)
	}
	return s, wrong, f, err
}
