package tui

import (
	"reflect"
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"chat/internal/term/keyboard"
)

// place says where a key has its meaning.
type place int

const (
	anywhere place = iota
	writing        // the input has the focus
	reading        // the transcript has it
	choosing       // a list is open
	helping        // the help is open
	asked          // a question is to be answered
)

// binding is one row of the table of keys: dispatch, the help, the palette and
// the hints in the status line all come from it. The first row that fits wins.
type binding struct {
	name  string   // what it is called where keys are remapped
	keys  []string // as Bubble Tea names them
	where place
	what  string // for the help and the palette; "" leaves it out
	hint  string // for the status line; "" leaves it out
	// motion is a key that nobody would look for in the palette.
	motion bool
	// popup is a key of what lies over the input for a moment, and goes before.
	popup bool
	// moves is a key that only changes what is in sight, or chosen.
	moves bool
	when  func(*Model) bool
	do    func(*Model) tea.Cmd
}

func (b binding) fits(m *Model, where place, key string) bool {
	return (b.where == where || b.where == anywhere && where != asked) && slices.Contains(b.keys, key) && b.possible(m)
}

func (b binding) possible(m *Model) bool { return b.when == nil || b.when(m) }

// where is the place that keys go to now.
func (m *Model) where() place {
	switch {
	case m.question != nil:
		return asked
	case m.help != nil:
		return helping
	case m.panel != nil:
		return choosing
	case m.reading:
		return reading
	}
	return writing
}

// key takes one key press, or a text, which is never one: several characters that
// have come in one piece, or a paste.
func (m *Model) key(msg tea.KeyMsg) tea.Cmd {
	if msg.Type == tea.KeyRunes && len(msg.Runes) > 1 && !msg.Paste {
		return m.typed(keyboard.Text(msg.Runes))
	}
	armed := m.armed
	m.armed, m.notice, m.touched = false, notice{}, m.look.Now
	if await := m.await; await != nil {
		m.await = nil
		return await(msg.String())
	}
	where := m.where()
	if !msg.Paste {
		for _, b := range m.keys {
			if b.fits(m, where, msg.String()) {
				m.armed = armed && b.name == "interrupt"
				return b.do(m)
			}
		}
	}
	if msg.Type != tea.KeyRunes && msg.Type != tea.KeySpace || msg.Alt {
		return nil
	}
	return m.text(where, string(msg.Runes), msg.Paste)
}

// typed takes a text that has come in one piece. Where keys are single characters,
// it may be a key that repeats, or a few that only move; see keyboard.Presses.
func (m *Model) typed(text string) tea.Cmd {
	m.armed, m.notice, m.touched, m.await = false, notice{}, m.look.Now, nil
	var cmds []tea.Cmd
	for _, key := range keyboard.Presses(text, m.roleOf) {
		cmds = append(cmds, m.key(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(key)}))
	}
	if cmds != nil {
		return tea.Batch(cmds...)
	}
	return m.text(m.where(), text, false)
}

// roleOf is what a character does as a key, where the focus is.
func (m *Model) roleOf(key string) keyboard.Role {
	where := m.where()
	if where != reading && where != helping {
		return keyboard.NoKey
	}
	for _, b := range m.keys {
		if b.fits(m, where, key) {
			if b.moves {
				return keyboard.Moves
			}
			return keyboard.Action
		}
	}
	return keyboard.NoKey
}

// text takes what was typed or pasted.
func (m *Model) text(where place, text string, paste bool) tea.Cmd {
	switch where {
	case choosing:
		return m.filter(m.panel.Query() + text)
	case asked:
		m.question.input.Insert(text)
	case helping:
		m.help = nil
		return m.text(m.where(), text, paste)
	case reading, writing:
		m.write()
		if paste {
			return m.pasted(text)
		}
		m.insert(text)
	case anywhere:
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
