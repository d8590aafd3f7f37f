// Package settings reads, checks and changes the config file: the settings of the daemon, and
// the keys, models and roles of the client.
package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"chat"
	"chat/daemon"
	"chat/daemon/local"
	"chat/internal/cli/output"
	"chat/internal/cli/spelling"
)

// File is the text of config.toml by lines. A setting can be changed, or reported with
// its line, without touching the rest.
type File struct {
	Path    string
	lines   []string // with their newlines
	entries []Entry
	tables  int // the line of the first table, which ends the settings; -1 if there is none
}

// Entry is a setting or a table in the file.
type Entry struct {
	key      string
	from, to int // its lines, from 0; to is exclusive
	value    string
	rest     string // a comment after the value
}

func Read(path string) (*File, error) {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, output.CannotRead(path, err)
	}
	f := &File{Path: path}
	f.parse(strings.TrimPrefix(string(b), "\uFEFF")) // the daemon ignores it, too
	return f, nil
}

func (f *File) parse(text string) {
	f.lines, f.entries, f.tables = slices.Collect(strings.Lines(text)), nil, -1
	table := ""
	for i := 0; i < len(f.lines); i++ {
		line := strings.TrimSpace(f.lines[i])
		if strings.HasPrefix(line, "[") {
			if f.tables < 0 {
				f.tables = i
			}
			if table = tableName(line); tableOf(table) == "" { // an unknown table is one entry
				end := i + 1
				for end < len(f.lines) && !strings.HasPrefix(strings.TrimSpace(f.lines[end]), "[") {
					end++
				}
				f.entries = append(f.entries, Entry{key: table, from: i, to: end})
				i = end - 1
			}
			continue
		}
		key, rest, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		e := Entry{key: unquote(key), from: i, to: i + 1}
		if table != "" {
			e.key = table + "." + e.key
		}
		rest = strings.TrimSpace(rest)
		end := valueEnd(rest)
		for end < 0 && e.to < len(f.lines) {
			rest += "\n" + strings.TrimRight(f.lines[e.to], "\r\n")
			e.to++
			end = valueEnd(rest)
		}
		if end < 0 {
			end = len(rest)
		}
		e.value, e.rest = strings.TrimSpace(rest[:end]), strings.TrimSpace(rest[end:])
		f.entries = append(f.entries, e)
		i = e.to - 1
	}
}

// tableName returns the name of a table header: [name].
func tableName(line string) string {
	name, _, _ := strings.Cut(strings.Trim(line, "["), "]")
	return unquote(name)
}

func unquote(key string) string {
	return strings.NewReplacer(`"`, "", "'", "").Replace(strings.TrimSpace(key))
}

// valueEnd returns the end of the TOML value at the start of s, or -1 if it continues on
// the next line.
func valueEnd(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\'':
			n := stringEnd(s[i:])
			if n < 0 {
				return -1
			}
			i += n - 1
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '#':
			if depth == 0 {
				return i
			}
			if next := strings.IndexByte(s[i:], '\n'); next >= 0 {
				i += next
			} else {
				return -1
			}
		}
	}
	if depth > 0 {
		return -1
	}
	return len(s)
}

// stringEnd returns the length of the quoted string at the start of s, or -1 if it
// continues on the next line. An unclosed single-line string ends with s.
func stringEnd(s string) int {
	mark := s[:1]
	if long := strings.Repeat(mark, 3); strings.HasPrefix(s, long) {
		end := strings.Index(s[3:], long)
		if end < 0 {
			return -1
		}
		return 3 + end + 3
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && mark == `"`:
			i++
		case s[i:i+1] == mark:
			return i + 1
		}
	}
	return len(s)
}

// Text is the text of the file.
func (f *File) Text() string { return strings.Join(f.lines, "") }

// Empty reports whether the file is missing or has no text.
func (f *File) Empty() bool { return len(f.lines) == 0 }

// Count returns the number of settings and unknown tables in the file.
func (f *File) Count() int { return len(f.entries) }

// Find returns the entry of a setting.
func (f *File) Find(key string) (Entry, bool) {
	i := slices.IndexFunc(f.entries, func(e Entry) bool { return e.key == key })
	if i < 0 {
		return Entry{}, false
	}
	return f.entries[i], true
}

// Plain returns the value, without quotes for a string.
func (e Entry) Plain() string {
	if len(e.value) < 2 || strings.HasPrefix(e.value, `"""`) || strings.HasPrefix(e.value, "'''") {
		return e.value
	}
	switch e.value[0] {
	case '\'':
		return strings.Trim(e.value, "'")
	case '"':
		if s, err := strconv.Unquote(e.value); err == nil {
			return s
		}
	}
	return e.value
}

// tomlValue returns a value in TOML syntax.
func tomlValue(value string) string {
	if _, err := strconv.ParseInt(value, 10, 64); err == nil && !strings.HasPrefix(value, "+") && (value == "0" || value[0] != '0') {
		return value
	}
	if value == "true" || value == "false" {
		return value
	}
	return tomlString(value)
}

// tomlString returns a string in TOML syntax.
func tomlString(value string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range value {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

// Write replaces the file atomically. Only its owner can read it, because it may contain a key.
func (f *File) Write(text string) error {
	dir := filepath.Dir(f.Path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return chat.Errorf(chat.CodeInvalid, "cannot write %s: %w", f.Path, err)
	}
	tmp, err := os.CreateTemp(dir, ".config-*.toml") // 0600
	if err != nil {
		return chat.Errorf(chat.CodeInvalid, "cannot write %s: %w", f.Path, err)
	}
	_, err = tmp.WriteString(text)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), f.Path)
	}
	if err != nil {
		return chat.Errorf(chat.CodeInvalid, "cannot write %s: %w", f.Path, errors.Join(err, os.Remove(tmp.Name())))
	}
	f.parse(text)
	return nil
}

// Keys returns the names of all settings in the file.
func Keys() []string {
	var keys []string
	for _, s := range All() {
		keys = append(keys, Key(s.Name))
	}
	return keys
}

// Known reports whether a key can be in the file: a setting, or a field of a named provider
// with one value.
func Known(key string) bool {
	if isFallback(key) {
		return true
	}
	if table, name := splitKey(key); table != "" {
		return slices.Contains(daemon.ProviderFields(), name) && name != "headers"
	}
	return slices.Contains(Keys(), key)
}

// Key returns a setting's name in the file.
func Key(name string) string {
	if table, field := splitKey(name); table != "" {
		return table + "." + strings.ReplaceAll(field, "-", "_") // a provider's name may have a -
	}
	return strings.ReplaceAll(name, "-", "_")
}

func UnknownKey(key string) error {
	switch table := tableOf(key); table {
	case "":
	case daemon.ProvidersTable:
		return chat.Errorf(chat.CodeInvalid, "%s is not a field of a named provider, as providers.work.base_url is: %s", key, "list them with chat config edit")
	case rolesTable:
		return chat.Errorf(chat.CodeInvalid, "%s belongs to the roles: change them with chat config edit, list them with chat roles", key)
	default:
		return chat.Errorf(chat.CodeInvalid, "%s belongs to the table [%s]: change it with chat config edit", key, table)
	}
	if guess := spelling.Nearest(Keys(), key); guess != "" {
		return chat.Errorf(chat.CodeInvalid, "there is no setting %q; did you mean %q?", key, guess)
	}
	return chat.Errorf(chat.CodeInvalid, "there is no setting %q (`chat man` lists them)", key)
}

// SchemaDir is the directory of the schemas that have a name, beside the config file.
func SchemaDir(lookup func(string) (string, bool)) (string, error) {
	paths, err := local.FindPaths(lookup)
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(paths.ConfigFile()), "schemas"), nil
}

func Open(lookup func(string) (string, bool)) (*File, error) {
	paths, err := local.FindPaths(lookup)
	if err != nil {
		return nil, err
	}
	return Read(paths.ConfigFile())
}
