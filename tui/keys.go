package tui

import (
	"reflect"
	"slices"

	tea "github.com/charmbracelet/bubbletea"
)

// place says where a key has its meaning.
type place int

const (
	anywhere place = iota
	writing        // the input has the focus
	reading        // the transcript has it
	choosing       // a list is open
	helping        // the help is open
)

// binding is one row of the table of keys: dispatch, the help and the hints in
// the status line all come from it. The first row that fits wins.
type binding struct {
	keys  []string // as Bubble Tea names them
	where place
	what  string // for the help; "" leaves it out
	hint  string // for the status line; "" leaves it out
	when  func(*Model) bool
	do    func(*Model) tea.Cmd
}

func (b binding) fits(m *Model, where place, key string) bool {
	return (b.where == where || b.where == anywhere) && slices.Contains(b.keys, key) &&
		(b.when == nil || b.when(m))
}

func bindings() []binding {
	table := slices.Concat(popupBindings(), writingBindings(), readingBindings())
	return append(table,
		binding{
			keys: []string{"ctrl+c"}, where: anywhere, do: (*Model).interrupt,
			what: "stop the answer; clear the draft; twice when empty: quit",
		},
		binding{keys: []string{"esc"}, where: anywhere, what: "close; stop the answer", do: (*Model).escape},
		binding{keys: []string{"ctrl+n"}, where: anywhere, what: "new conversation", hint: "new", do: (*Model).newConversation},
		binding{keys: []string{"ctrl+k"}, where: anywhere, what: "conversations: find and open", hint: "find", do: (*Model).chooseConversation},
		binding{keys: []string{"ctrl+l"}, where: anywhere, what: "choose the model", do: (*Model).chooseModel},
		binding{keys: []string{"ctrl+b"}, where: anywhere, what: "running tasks", hint: "tasks", do: (*Model).chooseTask},
		binding{keys: []string{"ctrl+t"}, where: anywhere, what: "show or fold the reasoning", do: (*Model).foldReasoning},
		binding{keys: []string{"tab"}, where: anywhere, what: "move between the input and the transcript", do: (*Model).switchFocus},
		binding{keys: []string{"pgup"}, where: anywhere, what: "scroll up", do: func(m *Model) tea.Cmd { m.list.ScrollUp(m.page()); return nil }},
		binding{keys: []string{"pgdown"}, where: anywhere, what: "scroll down", do: func(m *Model) tea.Cmd { m.list.ScrollDown(m.page()); return nil }},
		binding{keys: []string{"ctrl+z"}, where: anywhere, what: "suspend", do: func(*Model) tea.Cmd { return tea.Suspend }},
	)
}

func writingBindings() []binding {
	empty := func(m *Model) bool { return m.input.Empty() }
	edit := func(f func(m *Model)) func(*Model) tea.Cmd {
		return func(m *Model) tea.Cmd { f(m); return nil }
	}
	return []binding{
		{keys: []string{"enter"}, where: writing, what: "send", hint: "send", do: (*Model).submit},
		{
			keys: []string{"ctrl+j", "alt+enter"}, where: writing, what: "newline", hint: "newline",
			do: edit(func(m *Model) { m.insert("\n") }),
		},
		{keys: []string{"?"}, where: writing, what: "this help", hint: "keys", when: empty, do: (*Model).openHelp},
		{keys: []string{"ctrl+d"}, where: writing, what: "quit when empty; tasks go on", when: empty, do: (*Model).quit},
		{keys: []string{"end"}, where: writing, when: empty, do: edit(func(m *Model) { m.list.Bottom() })},
		{keys: []string{"home"}, where: writing, when: empty, do: edit(func(m *Model) { m.list.Top() })},
		{keys: []string{"left"}, where: writing, do: edit(func(m *Model) { m.input.Left() })},
		{keys: []string{"right"}, where: writing, do: edit(func(m *Model) { m.input.Right() })},
		{keys: []string{"up"}, where: writing, what: "up a row; from the first one, older prompts", do: (*Model).up},
		{keys: []string{"down"}, where: writing, what: "down a row; from the last one, newer prompts", do: (*Model).down},
		{keys: []string{"alt+left", "ctrl+left", "alt+b"}, where: writing, do: edit(func(m *Model) { m.input.WordLeft() })},
		{keys: []string{"alt+right", "ctrl+right", "alt+f"}, where: writing, do: edit(func(m *Model) { m.input.WordRight() })},
		{keys: []string{"home", "ctrl+a"}, where: writing, do: edit(func(m *Model) { m.input.Home() })},
		{keys: []string{"end", "ctrl+e"}, where: writing, do: edit(func(m *Model) { m.input.End() })},
		{keys: []string{"backspace", "ctrl+h"}, where: writing, do: edit(func(m *Model) { m.input.Backspace() })},
		{keys: []string{"delete", "ctrl+d"}, where: writing, do: edit(func(m *Model) { m.input.Delete() })},
		{keys: []string{"ctrl+w", "alt+backspace"}, where: writing, what: "delete a word", do: edit(func(m *Model) { m.input.DeleteWord() })},
		{keys: []string{"ctrl+u"}, where: writing, what: "delete to the line's beginning", do: edit(func(m *Model) { m.input.DeleteToHome() })},
	}
}

func readingBindings() []binding {
	scroll := func(f func(m *Model)) func(*Model) tea.Cmd {
		return func(m *Model) tea.Cmd { f(m); return nil }
	}
	return []binding{
		{keys: []string{"up", "k"}, where: reading, do: scroll(func(m *Model) { m.list.ScrollUp(1) })},
		{keys: []string{"down", "j"}, where: reading, do: scroll(func(m *Model) { m.list.ScrollDown(1) })},
		{keys: []string{"g", "home"}, where: reading, what: "go to the top", hint: "top", do: scroll(func(m *Model) { m.list.Top() })},
		{keys: []string{"G", "end"}, where: reading, what: "go to the end and follow", hint: "end", do: scroll(func(m *Model) { m.list.Bottom() })},
		{keys: []string{"["}, where: reading, what: "previous message", hint: "previous", do: scroll(func(m *Model) { m.list.Previous() })},
		{keys: []string{"]"}, where: reading, what: "next message", hint: "next", do: scroll(func(m *Model) { m.list.Next() })},
		{keys: []string{"?"}, where: reading, hint: "keys", do: (*Model).openHelp},
		{keys: []string{"enter", "i"}, where: reading, do: (*Model).switchFocus},
		{keys: []string{"ctrl+d"}, where: reading, when: func(m *Model) bool { return m.input.Empty() }, do: (*Model).quit},
	}
}

func popupBindings() []binding {
	choose := func(f func(p *picker)) func(*Model) tea.Cmd {
		return func(m *Model) tea.Cmd { f(m.picker); return nil }
	}
	return []binding{
		{keys: []string{"enter"}, where: choosing, hint: "open", do: (*Model).pick},
		{keys: []string{"up", "ctrl+p"}, where: choosing, do: choose(func(p *picker) { p.move(-1) })},
		{keys: []string{"down", "ctrl+n"}, where: choosing, do: choose(func(p *picker) { p.move(1) })},
		{keys: []string{"pgup"}, where: choosing, do: choose(func(p *picker) { p.move(-p.height) })},
		{keys: []string{"pgdown"}, where: choosing, do: choose(func(p *picker) { p.move(p.height) })},
		{keys: []string{"backspace", "ctrl+h"}, where: choosing, do: func(m *Model) tea.Cmd { return m.narrow(m.picker.shorter()) }},
		{keys: []string{"ctrl+u"}, where: choosing, do: func(m *Model) tea.Cmd { return m.narrow("") }},
		{keys: []string{"esc", "ctrl+c", "ctrl+k", "ctrl+l", "ctrl+b"}, where: choosing, hint: "close", do: (*Model).closePopup},
		{keys: []string{"up", "k", "pgup"}, where: helping, do: func(m *Model) tea.Cmd { m.help.scroll(-m.page()); return nil }},
		{keys: []string{"down", "j", "pgdown", " "}, where: helping, do: func(m *Model) tea.Cmd { m.help.scroll(m.page()); return nil }},
		{keys: []string{"esc", "ctrl+c", "?", "q", "enter"}, where: helping, hint: "close", do: (*Model).closePopup},
	}
}

// where is the place that keys go to now.
func (m *Model) where() place {
	switch {
	case m.help != nil:
		return helping
	case m.picker != nil:
		return choosing
	case m.reading:
		return reading
	}
	return writing
}

// key takes one key, or a paste, which is only ever text.
func (m *Model) key(msg tea.KeyMsg) tea.Cmd {
	armed := m.armed
	m.armed, m.notice, m.touched = false, notice{}, m.look.Now
	where := m.where()
	if !msg.Paste {
		for _, b := range m.keys {
			if b.fits(m, where, msg.String()) {
				m.armed = armed && slices.Contains(b.keys, "ctrl+c")
				return b.do(m)
			}
		}
	}
	if msg.Type != tea.KeyRunes && msg.Type != tea.KeySpace || msg.Alt {
		return nil
	}
	text := string(msg.Runes)
	switch where {
	case choosing:
		return m.narrow(m.picker.query + text)
	case reading, writing:
		m.reading = false
		m.insert(text)
	case helping, anywhere:
	}
	return nil
}

// filter turns the sequences of shift+enter, which Bubble Tea does not know and
// reports as a type of its own, into a key. Other unknown sequences, such as
// late answers of the terminal, are dropped.
func filter(_ tea.Model, msg tea.Msg) tea.Msg {
	v := reflect.ValueOf(msg)
	if v.Kind() != reflect.Slice || v.Type().Elem().Kind() != reflect.Uint8 {
		return msg
	}
	switch string(v.Bytes()) {
	case "\x1b[13;2u", "\x1b[27;2;13~":
		return tea.KeyMsg{Type: tea.KeyEnter, Alt: true}
	}
	return nil
}
