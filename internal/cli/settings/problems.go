package settings

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"chat/daemon"
	"chat/internal/lazyregexp"
)

// tomlLine finds the line in an error of the TOML reader.
var tomlLine = lazyregexp.New(`toml: line (\d+)[^:]*: (.*)`)

// Problems returns the errors in the file with their lines.
func (f *File) Problems() ([]string, error) {
	var found []string
	lines := slices.Clone(f.lines)
	say := func(line int, what string) { found = append(found, fmt.Sprintf("%s:%d: %s", f.Path, line+1, what)) }
	blank := func(e Entry) {
		for i := e.from; i < e.to; i++ {
			lines[i] = "\n" // keep the line numbers
		}
	}
	f.blankProviders(lines) // tableProblems checks them
	known := Keys()
	for _, e := range f.entries {
		if !slices.Contains(known, e.key) && tableOf(e.key) == "" {
			say(e.from, UnknownKey(e.key).Error())
			blank(e)
		} else if what := settingProblem(e.key, e.Plain()); what != "" && slices.Contains(known, e.key) {
			say(e.from, e.key+": "+what)
			blank(e)
		}
	}
	for range len(f.entries) + 1 { // each round finds one error
		text := strings.Join(lines, "")
		where, what, err := tryConfig(text)
		switch {
		case err != nil:
			return nil, err
		case what == "":
			return append(found, f.tableProblems()...), nil
		}
		if at := tomlLine.FindStringSubmatch(what); at != nil {
			n, err := strconv.Atoi(at[1])
			if err != nil {
				return nil, err
			}
			say(n-1, at[2])
			return found, nil // the rest cannot be read
		}
		e, ok := f.Find(where)
		if !ok {
			return append(found, f.Path+": "+what), nil
		}
		say(e.from, e.key+": "+what)
		blank(e)
	}
	return found, nil
}

// blankProviders blanks the tables of named providers in lines.
func (f *File) blankProviders(lines []string) {
	inside := false
	for i, line := range f.lines {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "[") {
			inside = strings.HasPrefix(tableName(line)+".", daemon.ProvidersTable+".")
		}
		if inside {
			lines[i] = "\n"
		}
	}
	for _, e := range f.entries {
		if table, _ := splitKey(e.key); table != "" {
			for i := e.from; i < e.to; i++ {
				lines[i] = "\n"
			}
		}
	}
}

// tableProblems returns the errors in the tables.
func (f *File) tableProblems() []string {
	text := f.Text()
	_, wrong, err := screenIn(text)
	_, roles, rerr := rolesIn(text)
	if err != nil || rerr != nil {
		return nil // a syntax error, which is already reported
	}
	wrong = append(wrong, roles...)
	_, providers, err := daemon.NamedProviders(text)
	if err != nil {
		return nil
	}
	for _, p := range providers {
		wrong = append(wrong, fileProblem{key: p.Key, what: p.What})
	}
	var found []string
	for _, w := range wrong {
		found = append(found, f.format(w))
	}
	return found
}

// format formats a problem with its file and line.
func (f *File) format(w fileProblem) string {
	for key := w.key; key != ""; key = key[:max(0, strings.LastIndexByte(key, '.'))] {
		if e, ok := f.Find(key); ok {
			return fmt.Sprintf("%s:%d: %s: %s", f.Path, e.from+1, w.key, w.what)
		}
		for i, line := range f.lines {
			if line := strings.TrimSpace(line); strings.HasPrefix(line, "[") && tableName(line) == key {
				return fmt.Sprintf("%s:%d: %s: %s", f.Path, i+1, w.key, w.what)
			}
		}
	}
	return f.Path + ": " + w.key + ": " + w.what
}

// tryConfig reads a text as a daemon would. It returns the first error, or "", and the
// setting with the error.
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
