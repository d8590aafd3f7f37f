package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
)

// Action is something that keys do, as the config file names it.
type Action struct {
	Name string
	Keys []string
	What string
}

// Actions are all actions in the order of the table of keys, with the keys that
// set gives them; set must be without problems.
func Actions(set map[string][]string) []Action {
	var all []Action
	for _, b := range remapped(bindings(), set) {
		keys := shownAll(b.keys)
		at := slices.IndexFunc(all, func(a Action) bool { return a.Name == b.name })
		if at < 0 {
			all = append(all, Action{b.name, keys, b.what})
			continue
		}
		for _, k := range keys {
			if !slices.Contains(all[at].Keys, k) {
				all[at].Keys = append(all[at].Keys, k)
			}
		}
		if all[at].What == "" {
			all[at].What = b.what
		}
	}
	return all
}

// KeyProblem is what is wrong with the keys of an action.
type KeyProblem struct{ Name, What string }

// CheckKeys says what is wrong with keys that somebody has given to actions, by
// the actions' names. An action without keys is one that only the palette has.
func CheckKeys(set map[string][]string) []KeyProblem {
	var found []KeyProblem
	rows := bindings()
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if what := keysProblem(rows, name, set[name]); what != "" {
			found = append(found, KeyProblem{name, what})
		}
	}
	if len(found) > 0 {
		return found
	}
	return twice(remapped(rows, set), set)
}

func keysProblem(rows []binding, name string, keys []string) string {
	if !slices.ContainsFunc(rows, func(b binding) bool { return b.name == name }) {
		return "there is no such action"
	}
	if len(keys) == 0 && (name == "interrupt" || name == "escape" || name == "send" || name == "palette") {
		return "it needs a key"
	}
	for _, k := range keys {
		key, ok := keyNamed(k)
		if !ok {
			return fmt.Sprintf("%q is no key: keys are written as ctrl+g, alt+enter, f2, pgup or a character", k)
		}
		if !slices.ContainsFunc(rows, func(b binding) bool { return b.name == name && b.takes(key) }) {
			return fmt.Sprintf("%q is a character to be written there: use ctrl, alt or a function key with it", k)
		}
	}
	return ""
}

// twice finds the keys that were given to two actions at the same place.
func twice(rows []binding, set map[string][]string) []KeyProblem {
	var found []KeyProblem
	for i, a := range rows {
		for _, b := range rows[i+1:] {
			if set[a.name] == nil || set[b.name] == nil || a.name == b.name || !a.meets(b) {
				continue
			}
			for _, k := range a.keys {
				p := KeyProblem{b.name, fmt.Sprintf("%q is the key of %s, too", shown(k), a.name)}
				if slices.Contains(b.keys, k) && !slices.Contains(found, p) { // an action may have several places
					found = append(found, p)
				}
			}
		}
	}
	return found
}

// meets reports whether two rows are asked for the same key presses, and neither
// goes before the other by its place in the table.
func (b binding) meets(other binding) bool {
	everywhere := b.where == anywhere && other.where <= reading || other.where == anywhere && b.where <= reading
	return b.popup == other.popup && (b.where == other.where || everywhere)
}

// takes reports whether a row can have a key. A character belongs to the text
// where text is written, but for a sign in an empty input, as ? is.
func (b binding) takes(key string) bool {
	r, size := utf8.DecodeRuneInString(key)
	if size != len(key) {
		return true
	}
	switch b.where {
	case reading, helping:
		return true
	case writing:
		return b.name == "help" && !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != ' '
	case anywhere, choosing, asked:
	}
	return false
}

// remapped is the table with other keys. What one action is given, others at the
// same place lose.
func remapped(rows []binding, set map[string][]string) []binding {
	rows = slices.Clone(rows)
	given := make([]bool, len(rows))
	for i := range rows {
		keys, ok := set[rows[i].name]
		if !ok {
			continue
		}
		given[i], rows[i].keys = true, nil
		for _, k := range keys {
			if key, ok := keyNamed(k); ok && rows[i].takes(key) {
				rows[i].keys = append(rows[i].keys, key)
			}
		}
	}
	for i := range rows {
		if given[i] {
			continue
		}
		rows[i].keys = slices.DeleteFunc(slices.Clone(rows[i].keys), func(k string) bool {
			for j := range rows {
				over := rows[j].where == anywhere || rows[j].where == rows[i].where
				if given[j] && over && rows[j].meets(rows[i]) && slices.Contains(rows[j].keys, k) {
					return true
				}
			}
			return false
		})
	}
	return rows
}

// keyNamed is a key as Bubble Tea names it, of what people write; false if there
// is none of that name. Shift+enter comes as alt+enter: see filter.
func keyNamed(written string) (string, bool) {
	if utf8.RuneCountInString(written) == 1 {
		r, _ := utf8.DecodeRuneInString(written)
		return written, unicode.IsGraphic(r)
	}
	name := strings.ToLower(strings.ReplaceAll(written, "-", "+"))
	bare, alt := strings.CutPrefix(name, "alt+")
	if utf8.RuneCountInString(bare) == 1 && alt {
		return "alt+" + written[len(written)-len(bare):], true // alt+G is not alt+g
	}
	switch bare {
	case "space":
		bare = " "
	case "return", "ctrl+m":
		bare = "enter"
	case "escape", "ctrl+[":
		bare = "esc"
	case "ctrl+i":
		bare = "tab"
	case "pageup":
		bare = "pgup"
	case "pagedown":
		bare = "pgdown"
	case "del":
		bare = "delete"
	case "ctrl+space":
		bare = "ctrl+@"
	case "shift+enter":
		return "alt+enter", true
	}
	// The named keys are 0 to 127 as they come, and those below 0 by sequences.
	for t := tea.KeyType(-200); t <= 127; t++ {
		if t != tea.KeyRunes && (tea.Key{Type: t}).String() == bare {
			if alt {
				bare = "alt+" + bare
			}
			return bare, true
		}
	}
	return "", false
}

// shown is a key as people write it.
func shown(key string) string {
	if key == " " {
		return "space"
	}
	return key
}

func shownAll(keys []string) []string {
	all := make([]string, len(keys))
	for i, k := range keys {
		all[i] = shown(k)
	}
	return all
}

// keyOf is the first key of an action at a place, anywhere for all of them; "" if
// it has none.
func (m *Model) keyOf(where place, name string) string {
	for _, b := range m.keys {
		if b.name == name && len(b.keys) > 0 && (where == anywhere || b.where == where || b.where == anywhere) {
			return shown(b.keys[0])
		}
	}
	return ""
}

// hint is how an action is told of: its key, or else where it is found.
func (m *Model) hint(name string) string { return m.hintAt(anywhere, name) }

func (m *Model) hintAt(where place, name string) string {
	return cmp.Or(m.keyOf(where, name), "“"+name+"” in the commands")
}
