package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"chat"
	"chat/daemon"
	"chat/daemon/local"
	"chat/internal/term/theme"
	"chat/tui"
)

// screenConfig is what the config file says of the screen, and of models. To a
// daemon, which reads the file, too, it means nothing.
type screenConfig struct {
	theme  string
	keys   map[string][]string
	models map[string]chat.ModelInfo
}

// The names in the file.
const (
	themeSetting = "theme"
	keysTable    = "keys"
	modelsTable  = "models"
)

// themeUsage is said of the setting and of its variable.
const themeUsage = "the screen's colours: auto (by the terminal's background), dark, light, ansi16 or none"

// clientSettings are the settings that the daemon has no use for.
func clientSettings() []daemon.Setting {
	return []daemon.Setting{{Name: themeSetting, Env: "CHAT_THEME", Usage: themeUsage}}
}

// fileSettings are all lines that the file may have before its tables.
func fileSettings() []daemon.Setting { return append(daemon.Settings(), clientSettings()...) }

// clientTable is the table of the client's that a key of the file belongs to, ""
// if it does to none.
func clientTable(key string) string {
	table, _, _ := strings.Cut(key, ".")
	if slices.Contains([]string{rolesTable, keysTable, modelsTable}, table) {
		return table
	}
	return ""
}

// fileProblem is what is wrong with something in the file, under its key there. of is
// the role that it is about.
type fileProblem struct{ key, what, of string }

// screenIn is what the text of a config file says of the screen, and what is wrong
// with that. The error is that of a text that is no TOML.
func screenIn(text string) (s screenConfig, wrong []fileProblem, err error) {
	var file struct {
		Theme  any `toml:"theme"`
		Keys   any `toml:"keys"`
		Models any `toml:"models"`
	}
	if _, err := toml.Decode(text, &file); err != nil {
		return s, nil, err
	}
	s.theme, wrong = themeIn(file.Theme)
	var more []fileProblem
	s.keys, more = keysIn(file.Keys)
	wrong = append(wrong, more...)
	s.models, more = modelsIn(file.Models)
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
		return "", []fileProblem{{key: themeSetting, what: cmp.Or(what, "it must be a string")}}
	}
	return name, nil
}

func themeProblem(name string) string {
	if slices.Contains(theme.Names(), name) {
		return ""
	}
	return fmt.Sprintf("there is no theme %q: it is one of %s", name, strings.Join(theme.Names(), ", "))
}

func keysIn(value any) (map[string][]string, []fileProblem) {
	if value == nil {
		return nil, nil
	}
	all, ok := value.(map[string]any)
	if !ok {
		return nil, []fileProblem{{key: keysTable, what: "keys are a table, as in: [keys]"}}
	}
	set := map[string][]string{}
	var wrong []fileProblem
	for name, v := range all {
		keys, what := keyList(v)
		if !slices.Contains(actionNames(), name) {
			what = fmt.Sprintf("there is no action %q (`chat help keys` lists them)", name)
			if guess := nearest(actionNames(), name); guess != "" {
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
	const must = `it must be a key, or a list of keys, as in: ["ctrl+g", "f2"]`
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

// modelFields are what the file may say of a model.
func modelFields() []string { return []string{"context", "input_price", "output_price"} }

func modelsIn(value any) (map[string]chat.ModelInfo, []fileProblem) {
	if value == nil {
		return nil, nil
	}
	const as = `as in: [models."qwen3:8b"]`
	all, ok := value.(map[string]any)
	if !ok {
		return nil, []fileProblem{{key: modelsTable, what: "models are tables, " + as}}
	}
	facts := map[string]chat.ModelInfo{}
	var wrong []fileProblem
	for name, v := range all {
		key := modelsTable + "." + name
		fields, ok := v.(map[string]any)
		if !ok {
			wrong = append(wrong, fileProblem{key: key, what: "a model is a table, " + as})
			continue
		}
		var f chat.ModelInfo
		for field, v := range fields {
			if what := setFact(&f, field, v); what != "" {
				wrong = append(wrong, fileProblem{key: key + "." + field, what: what})
			}
		}
		facts[name] = f
	}
	return facts, wrong
}

func setFact(f *chat.ModelInfo, field string, value any) string {
	var n float64
	switch v := value.(type) {
	case int64:
		n = float64(v)
	case float64:
		n = v
	default:
		n = -1
	}
	switch field {
	case "context":
		if n < 1 || n != float64(int(n)) {
			return "it must be a whole number of tokens"
		}
		f.Context = int(n)
		return ""
	case "input_price":
		f.InputPrice = n
	case "output_price":
		f.OutputPrice = n
	default:
		if guess := nearest(modelFields(), field); guess != "" {
			return fmt.Sprintf("a model has no %q; did you mean %q?", field, guess)
		}
		return fmt.Sprintf("a model has no %q: it has %s", field, strings.Join(modelFields(), ", "))
	}
	if !(n >= 0) {
		return "it must be dollars for a million tokens, 0 or more"
	}
	return ""
}

// screenConfig reads the config file. A variable wins over it.
func (p *program) screenConfig() (screenConfig, error) {
	paths, err := local.FindPaths(p.lookup)
	if err != nil {
		return screenConfig{theme: p.env("CHAT_THEME")}, nil //nolint:nilerr // without directories there is no file, and a screen needs none
	}
	f, err := readConfig(paths.ConfigFile())
	if err != nil {
		return screenConfig{}, err
	}
	s, wrong, err := screenIn(strings.Join(f.lines, ""))
	switch {
	case err != nil:
		return s, chat.Errorf(chat.CodeInvalid, "%s cannot be read: chat config check says why", f.path)
	case len(wrong) > 0:
		return s, chat.Errorf(chat.CodeInvalid, "%s (chat config edit)", f.says(wrong[0]))
	}
	s.theme = cmp.Or(p.env("CHAT_THEME"), s.theme)
	return s, nil
}

// facts are what is known of a model.
func (s screenConfig) facts(model string) chat.ModelInfo { return s.models[model] }
