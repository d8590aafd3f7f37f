package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"chat"
	"chat/daemon"
)

// configFile is the text of config.toml by lines, so that one setting can be
// changed, or named with its line, and all the rest stays as somebody wrote it.
type configFile struct {
	path    string
	lines   []string // with their newlines
	entries []configEntry
	tables  int // the line of the first table, behind which no setting can stand; -1 if there is none
}

// configEntry is a setting or a table in the file.
type configEntry struct {
	key      string
	from, to int // its lines, from 0; to is not part of it
	value    string
	rest     string // a comment behind the value
}

func readConfig(path string) (*configFile, error) {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fileError(path, err)
	}
	f := &configFile{path: path}
	f.parse(strings.TrimPrefix(string(b), "\uFEFF")) // which the daemon passes over, too
	return f, nil
}

func (f *configFile) parse(text string) {
	f.lines, f.entries, f.tables = slices.Collect(strings.Lines(text)), nil, -1
	table := ""
	for i := 0; i < len(f.lines); i++ {
		line := strings.TrimSpace(f.lines[i])
		if strings.HasPrefix(line, "[") {
			if f.tables < 0 {
				f.tables = i
			}
			if table = tableName(line); clientTable(table) == "" { // whatever is in it belongs to what is wrong
				end := i + 1
				for end < len(f.lines) && !strings.HasPrefix(strings.TrimSpace(f.lines[end]), "[") {
					end++
				}
				f.entries = append(f.entries, configEntry{key: table, from: i, to: end})
				i = end - 1
			}
			continue
		}
		key, rest, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		e := configEntry{key: unquoted(key), from: i, to: i + 1}
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

// tableName is the name in a table's head: [name].
func tableName(line string) string {
	name, _, _ := strings.Cut(strings.Trim(line, "["), "]")
	return unquoted(name)
}

func unquoted(key string) string {
	return strings.NewReplacer(`"`, "", "'", "").Replace(strings.TrimSpace(key))
}

// valueEnd is where the TOML value at the beginning of s ends, -1 if it goes on in
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

// stringEnd is the length of the quoted string at the beginning of s, -1 if it
// goes on in the next line. A string of one line that is not closed ends there.
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

func (f *configFile) find(key string) (configEntry, bool) {
	i := slices.IndexFunc(f.entries, func(e configEntry) bool { return e.key == key })
	if i < 0 {
		return configEntry{}, false
	}
	return f.entries[i], true
}

// plain is the value as it was meant: a string without its quotes.
func (e configEntry) plain() string {
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

// literal is a value as TOML writes it.
func literal(value string) string {
	if _, err := strconv.ParseInt(value, 10, 64); err == nil && !strings.HasPrefix(value, "+") && (value == "0" || value[0] != '0') {
		return value
	}
	if value == "true" || value == "false" {
		return value
	}
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

// with is the text with a setting changed; an empty value takes it out.
func (f *configFile) with(key, value string) string {
	e, ok := f.find(key)
	line := key + " = " + literal(value) + "\n"
	switch {
	case ok && value == "":
		return strings.Join(slices.Delete(slices.Clone(f.lines), e.from, e.to), "")
	case value == "":
		return strings.Join(f.lines, "")
	case ok:
		if e.rest != "" {
			line = strings.TrimSuffix(line, "\n") + " " + e.rest + "\n"
		}
		return strings.Join(slices.Replace(slices.Clone(f.lines), e.from, e.to, line), "")
	}
	at := len(f.lines)
	if f.tables >= 0 {
		at = f.tables
		for at > 0 && strings.HasPrefix(strings.TrimSpace(f.lines[at-1]), "#") {
			at-- // that is said of the table
		}
		line += "\n"
	}
	text := strings.Join(f.lines[:at], "")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + line + strings.Join(f.lines[at:], "")
}

// write replaces the file in one step. Nobody else may read it: it may hold a key.
func (f *configFile) write(text string) error {
	dir := filepath.Dir(f.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return chat.Errorf(chat.CodeInvalid, "cannot write %s: %w", f.path, err)
	}
	tmp, err := os.CreateTemp(dir, ".config-*.toml") // 0600
	if err != nil {
		return chat.Errorf(chat.CodeInvalid, "cannot write %s: %w", f.path, err)
	}
	_, err = tmp.WriteString(text)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), f.path)
	}
	if err != nil {
		return chat.Errorf(chat.CodeInvalid, "cannot write %s: %w", f.path, errors.Join(err, os.Remove(tmp.Name())))
	}
	f.parse(text)
	return nil
}

// settingKeys are the names that the file may have.
func settingKeys() []string {
	var keys []string
	for _, s := range fileSettings() {
		keys = append(keys, settingKey(s.Name))
	}
	return keys
}

// settingKey is a setting's name in the file.
func settingKey(name string) string { return strings.ReplaceAll(name, "-", "_") }

func noSetting(key string) error {
	switch table := clientTable(key); table {
	case "":
	case rolesTable:
		return chat.Errorf(chat.CodeInvalid, "%s belongs to the roles: chat config edit changes them, and chat roles lists them", key)
	default:
		return chat.Errorf(chat.CodeInvalid, "%s belongs to the table [%s]: chat config edit changes it", key, table)
	}
	if guess := nearest(settingKeys(), key); guess != "" {
		return chat.Errorf(chat.CodeInvalid, "there is no setting %q; did you mean %q?", key, guess)
	}
	return chat.Errorf(chat.CodeInvalid, "there is no setting %q (`chat man` lists them)", key)
}

// tomlLine finds the line in an error of the TOML reader.
var tomlLine = regexp.MustCompile(`toml: line (\d+)[^:]*: (.*)`)

// problems are the things that are wrong with the file, each with its line.
func (f *configFile) problems() ([]string, error) {
	var found []string
	lines := slices.Clone(f.lines)
	say := func(line int, what string) { found = append(found, fmt.Sprintf("%s:%d: %s", f.path, line+1, what)) }
	blank := func(e configEntry) {
		for i := e.from; i < e.to; i++ {
			lines[i] = "\n" // so that the lines of what follows stay the same
		}
	}
	known := settingKeys()
	for _, e := range f.entries {
		if !slices.Contains(known, e.key) && clientTable(e.key) == "" {
			say(e.from, noSetting(e.key).Error())
			blank(e)
		} else if what := settingProblem(e.key, e.plain()); what != "" && slices.Contains(known, e.key) {
			say(e.from, e.key+": "+what)
			blank(e)
		}
	}
	for range len(f.entries) + 1 { // each round finds one
		text := strings.Join(lines, "")
		where, what, err := tryConfig(text)
		switch {
		case err != nil:
			return nil, err
		case what == "":
			return append(found, f.clientProblems()...), nil
		}
		if at := tomlLine.FindStringSubmatch(what); at != nil {
			n, err := strconv.Atoi(at[1])
			if err != nil {
				return nil, err
			}
			say(n-1, at[2])
			return found, nil // what follows cannot be read
		}
		e, ok := f.find(where)
		if !ok {
			return append(found, f.path+": "+what), nil
		}
		say(e.from, e.key+": "+what)
		blank(e)
	}
	return found, nil
}

// clientProblems are the things that are wrong with what only the client reads.
func (f *configFile) clientProblems() []string {
	text := strings.Join(f.lines, "")
	_, wrong, err := screenIn(text)
	_, roles, rerr := rolesIn(text)
	if err != nil || rerr != nil {
		return nil // something before them is broken, and has been named
	}
	wrong = append(wrong, roles...)
	var found []string
	for _, w := range wrong {
		found = append(found, f.says(w))
	}
	return found
}

// says is a problem with the place where it stands.
func (f *configFile) says(w fileProblem) string {
	for key := w.key; key != ""; key = key[:max(0, strings.LastIndexByte(key, '.'))] {
		if e, ok := f.find(key); ok {
			return fmt.Sprintf("%s:%d: %s: %s", f.path, e.from+1, w.key, w.what)
		}
		for i, line := range f.lines {
			if line := strings.TrimSpace(line); strings.HasPrefix(line, "[") && tableName(line) == key {
				return fmt.Sprintf("%s:%d: %s: %s", f.path, i+1, w.key, w.what)
			}
		}
	}
	return f.path + ": " + w.key + ": " + w.what
}

// tryConfig reads a text as a daemon would, and returns what is wrong with it, ""
// if nothing is, and with which setting.
func tryConfig(text string) (key, what string, err error) {
	f, err := os.CreateTemp("", "chat-*.toml") // 0600
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", "", err
	}
	_, wrong := daemon.LoadConfig(func(string) (string, bool) { return "", false }, daemon.Sources{ConfigFile: f.Name()})
	if wrong == nil {
		return "", "", nil
	}
	what = wrong.Error()
	if key, rest, ok := strings.Cut(what, " in "+f.Name()+": "); ok {
		return key, rest, nil
	}
	return "", strings.TrimPrefix(what, f.Name()+": "), nil
}
