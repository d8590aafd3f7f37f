package keymap

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
)

// Action is an action as the config file names it.
type Action struct {
	Name string
	Keys []string
	What string
}

// Actions are all actions in the order of the table, each with all its keys.
func (t Table[M]) Actions() []Action {
	var all []Action
	for i := range t {
		b := &t[i]
		keys := ShownAll(b.Keys)
		at := slices.IndexFunc(all, func(a Action) bool { return a.Name == b.Name })
		if at < 0 {
			all = append(all, Action{b.Name, keys, b.What})
			continue
		}
		for _, k := range keys {
			if !slices.Contains(all[at].Keys, k) {
				all[at].Keys = append(all[at].Keys, k)
			}
		}
		if all[at].What == "" {
			all[at].What = b.What
		}
	}
	return all
}

// Problem says what is wrong with the keys of an action.
type Problem struct{ Name, What string }

// Check validates the keys that a user has set, by the names of the actions. An
// action without keys is only in the palette.
func (t Table[M]) Check(set map[string][]string) []Problem {
	var found []Problem
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if what := t.problem(name, set[name]); what != "" {
			found = append(found, Problem{name, what})
		}
	}
	if len(found) > 0 {
		return found
	}
	return t.Remap(set).conflicts(set)
}

func (t Table[M]) problem(name string, keys []string) string {
	if !slices.ContainsFunc(t, func(b Binding[M]) bool { return b.Name == name }) {
		return "there is no such action"
	}
	if len(keys) == 0 && (name == "interrupt" || name == "escape" || name == "send" || name == "palette") {
		return "it needs a key"
	}
	for _, k := range keys {
		key, ok := keyNamed(k)
		if !ok {
			return fmt.Sprintf("%q is not a key: write ctrl+g, alt+enter, f2, pgup or a character", k)
		}
		if !slices.ContainsFunc(t, func(b Binding[M]) bool { return b.Name == name && b.takes(key) }) {
			return fmt.Sprintf("%q is text there: use a function key, or a key with ctrl or alt", k)
		}
	}
	return ""
}

// conflicts finds the keys that were set for two actions of one focus.
func (t Table[M]) conflicts(set map[string][]string) []Problem {
	var found []Problem
	for i, a := range t {
		for _, b := range t[i+1:] {
			if set[a.Name] == nil || set[b.Name] == nil || a.Name == b.Name || !a.meets(&b) {
				continue
			}
			for _, k := range a.Keys {
				p := Problem{b.Name, fmt.Sprintf("%q is also the key of %s", shown(k), a.Name)}
				if slices.Contains(b.Keys, k) && !slices.Contains(found, p) { // an action may have several rows
					found = append(found, p)
				}
			}
		}
	}
	return found
}

// meets reports whether two rows compete for the same key.
func (b *Binding[M]) meets(other *Binding[M]) bool {
	everywhere := b.Focus == Anywhere && other.Focus <= Reading || other.Focus == Anywhere && b.Focus <= Reading
	return b.Popup == other.Popup && (b.Focus == other.Focus || everywhere)
}

// takes reports whether a row can have a key. Where text is written, a character
// belongs to the text, except a sign in an empty input, such as ?.
func (b *Binding[M]) takes(key string) bool {
	r, size := utf8.DecodeRuneInString(key)
	if size != len(key) {
		return true
	}
	switch b.Focus {
	case Reading, Helping:
		return true
	case Writing:
		return b.Name == "help" && !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != ' '
	case Anywhere, Choosing, Asked:
	}
	return false
}

// Remap returns the table with the keys that a user has set. A key that is set for
// one action is taken from other actions of the same focus.
func (t Table[M]) Remap(set map[string][]string) Table[M] {
	rows := slices.Clone(t)
	given := make([]bool, len(rows))
	for i := range rows {
		keys, ok := set[rows[i].Name]
		if !ok {
			continue
		}
		given[i], rows[i].Keys = true, nil
		for _, k := range keys {
			if key, ok := keyNamed(k); ok && rows[i].takes(key) {
				rows[i].Keys = append(rows[i].Keys, key)
			}
		}
	}
	for i := range rows {
		if given[i] {
			continue
		}
		rows[i].Keys = slices.DeleteFunc(slices.Clone(rows[i].Keys), func(k string) bool {
			for j := range rows {
				over := rows[j].Focus == Anywhere || rows[j].Focus == rows[i].Focus
				if given[j] && over && rows[j].meets(&rows[i]) && slices.Contains(rows[j].Keys, k) {
					return true
				}
			}
			return false
		})
	}
	return rows
}

// keyNamed translates a key from what people write to Bubble Tea's name; false if
// there is no such key. Shift+enter arrives as alt+enter.
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

// shown is a key in the words of people.
func shown(key string) string {
	if key == " " {
		return "space"
	}
	return key
}

// ShownAll are keys in the words of people.
func ShownAll(keys []string) []string {
	all := make([]string, len(keys))
	for i, k := range keys {
		all[i] = shown(k)
	}
	return all
}
