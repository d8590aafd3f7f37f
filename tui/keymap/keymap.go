// Package keymap is the table of keys. Dispatch, the help page, the palette and
// the hints in the status line all come from one table, and users can change the
// keys in it.
package keymap

import (
	"cmp"
	"slices"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/keyboard"
)

// Focus says which part of the screen a key goes to.
type Focus int

// The parts of the screen.
const (
	Anywhere Focus = iota // every part except a question
	Writing               // the input
	Reading               // the conversation
	Choosing              // an open list
	Helping               // the help page
	Asked                 // a question
)

// Binding is one row of the table. The first row that fits a key wins. M is the
// model that actions work on.
type Binding[M any] struct {
	Name  string   // in the config file
	Keys  []string // as Bubble Tea names them
	Focus Focus
	What  string // for the help and the palette; "" leaves it out
	Hint  string // for the status line; "" leaves it out
	// Basic is a key that no one looks for in the palette.
	Basic bool
	// Popup is a key of the popup over the input. It is not compared with others.
	Popup bool
	// Moves is a key that only changes what is in sight or selected.
	Moves bool
	When  func(M) bool
	Do    func(M) tea.Cmd
}

// Possible reports whether the action can be done now.
func (b *Binding[M]) Possible(m M) bool { return b.When == nil || b.When(m) }

func (b *Binding[M]) fits(m M, focus Focus, key string) bool {
	return (b.Focus == focus || b.Focus == Anywhere && focus != Asked) && slices.Contains(b.Keys, key) && b.Possible(m)
}

// Table is all bindings.
type Table[M any] []Binding[M]

// Find returns the binding of a key, or nil.
func (t Table[M]) Find(m M, focus Focus, key string) *Binding[M] {
	for i := range t {
		if t[i].fits(m, focus, key) {
			return &t[i]
		}
	}
	return nil
}

// RoleOf says what a character does as a key.
func (t Table[M]) RoleOf(m M, focus Focus, key string) keyboard.Role {
	if focus != Reading && focus != Helping {
		return keyboard.NoKey
	}
	switch b := t.Find(m, focus, key); {
	case b == nil:
		return keyboard.NoKey
	case b.Moves:
		return keyboard.Moves
	}
	return keyboard.Action
}

// Commands are the bindings that the palette lists now.
func (t Table[M]) Commands(m M) []*Binding[M] {
	var found []*Binding[M]
	for _, focus := range []Focus{Anywhere, Reading, Writing} {
		for i := range t {
			b := &t[i]
			known := slices.ContainsFunc(found, func(f *Binding[M]) bool { return f.Name == b.Name })
			if b.Focus == focus && b.What != "" && !b.Basic && !known && b.Possible(m) {
				found = append(found, b)
			}
		}
	}
	return found
}

// KeyOf is the first key of an action; "" if it has none. Anywhere means any focus.
func (t Table[M]) KeyOf(focus Focus, name string) string {
	for i := range t {
		b := &t[i]
		if b.Name == name && len(b.Keys) > 0 && (focus == Anywhere || b.Focus == focus || b.Focus == Anywhere) {
			return shown(b.Keys[0])
		}
	}
	return ""
}

// Hint names an action to the user: by its key, or by its name in the palette.
func (t Table[M]) Hint(name string) string { return t.HintAt(Anywhere, name) }

// HintAt is Hint for the key at one focus.
func (t Table[M]) HintAt(focus Focus, name string) string {
	return cmp.Or(t.KeyOf(focus, name), "“"+name+"” in the commands")
}

// Hints are the most useful keys, as many as fit into room columns.
func (t Table[M]) Hints(m M, focus Focus, room int) string {
	var out string
	for i := range t {
		b := &t[i]
		if b.Hint == "" || len(b.Keys) == 0 || (b.Focus != focus && (b.Focus != Anywhere || focus > Reading)) || !b.Possible(m) {
			continue
		}
		next := shown(b.Keys[0]) + " " + b.Hint
		if out != "" {
			next = out + " · " + next
		}
		if ansi.StringWidth(next) > room {
			break
		}
		out = next
	}
	return out
}
