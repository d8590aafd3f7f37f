package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"chat"

	"github.com/BurntSushi/toml"
	"github.com/joho/godotenv"
)

// withDotEnv looks a variable up in the environment, and then in .env.
func withDotEnv(lookup func(string) (string, bool), dotenv map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if v, ok := lookup(name); ok {
			return v, true
		}
		v, ok := dotenv[name]
		return v, ok
	}
}

func readDotEnv(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	if unreachable(path) {
		return nil, nil
	}
	m, err := godotenv.Read(path)
	if err != nil && !os.IsNotExist(err) {
		return nil, chat.Errorf(chat.CodeInvalid, "%s cannot be read: %w", path, err)
	}
	return m, nil
}

// unreachable reports whether a file of settings cannot exist for this user: its directory
// is missing, is a file (HOME=/dev/null), or cannot be entered, as by the user "nobody" of a
// container. Any other file must be readable.
func unreachable(path string) bool {
	_, err := os.Stat(path)
	return err != nil
}

// readConfigFile returns the settings of the file outside its tables, and its named
// providers.
func readConfigFile(path string) (map[string]string, []NamedProvider, error) {
	if path == "" || unreachable(path) {
		return nil, nil, nil
	}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, nil
	case err != nil:
		return nil, nil, chat.Errorf(chat.CodeInvalid, "%s: %w", path, err)
	}
	raw := map[string]any{}
	if _, err := toml.Decode(string(text), &raw); err != nil {
		return nil, nil, chat.Errorf(chat.CodeInvalid, "%s: %w", path, err)
	}
	named, wrong, err := NamedProviders(string(text))
	if err != nil {
		return nil, nil, chat.Errorf(chat.CodeInvalid, "%s: %w", path, err)
	}
	if len(wrong) > 0 {
		return nil, nil, chat.Errorf(chat.CodeInvalid, "%s in %s: %s", wrong[0].Key, path, wrong[0].What)
	}
	settings, err := plainSettings(path, raw)
	return settings, named, err
}

// plainSettings returns the settings outside of tables.
func plainSettings(path string, raw map[string]any) (map[string]string, error) {
	known := map[string]bool{}
	for _, s := range Settings() {
		known[strings.ReplaceAll(s.Name, "-", "_")] = true
	}
	m := map[string]string{}
	for k, v := range raw {
		switch k {
		case "roles", "keys", "models", "theme", "failover", ProvidersTable:
			continue // settings of the client, and named providers
		}
		if !known[k] {
			return nil, chat.Errorf(chat.CodeInvalid, "%s: there is no setting %q: chatd --help lists them, with - for _; chat config check names the line", path, k)
		}
		switch v := v.(type) {
		case string, bool, int64:
			m[k] = fmt.Sprint(v)
		case []any:
			var parts []string
			for _, p := range v {
				parts = append(parts, fmt.Sprint(p))
			}
			m[k] = strings.Join(parts, ",")
		default:
			return nil, chat.Errorf(chat.CodeInvalid, "%s: %s must be a string, a whole number, true or false, or a list", path, k)
		}
	}
	return m, nil
}

// fullPath is a path that does not depend on the working directory, which is / for
// a local daemon: ~ is the home directory, and anything else is beside the config file.
func fullPath(path string, lookup func(string) (string, bool), configFile string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, set := lookup("HOME"); set && home != "" {
			return filepath.Join(home, rest)
		}
	}
	if path == "" || filepath.IsAbs(path) || configFile == "" {
		return path
	}
	if _, err := os.Stat(path); err == nil {
		return path // of the shell's directory
	}
	return filepath.Join(filepath.Dir(configFile), path)
}

// withLine is "key in file" with the line in which the file has the key.
func withLine(from, file string) string {
	key, ok := strings.CutSuffix(from, " in "+file)
	if !ok || file == "" {
		return from
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return from // it was read a moment ago; the line is a help only
	}
	for i, line := range strings.Split(string(raw), "\n") {
		if name, _, ok := strings.Cut(line, "="); ok && strings.Trim(name, " \t\"'") == key {
			return fmt.Sprintf("%s, line %d", from, i+1)
		}
	}
	return from
}
