package tui

import (
	"reflect"

	tea "github.com/charmbracelet/bubbletea"

	"chat/internal/term/keyboard"
	"chat/tui/keymap"
)

// Action is an action as the config file names it.
type Action = keymap.Action

// KeyProblem says what is wrong with the keys of an action.
type KeyProblem = keymap.Problem

// Actions are all actions in the order of the table, with the keys that the user
// has set. set must have passed CheckKeys.
func Actions(set map[string][]string) []Action { return bindings().Remap(set).Actions() }

// CheckKeys validates the keys that the user has set, by the names of actions.
func CheckKeys(set map[string][]string) []KeyProblem { return bindings().Check(set) }

// focus is the part of the screen that keys go to.
func (m *Model) focus() keymap.Focus {
	switch {
	case m.question != nil:
		return keymap.Asked
	case m.help != nil:
		return keymap.Helping
	case m.list.Current() != nil:
		return keymap.Choosing
	case m.conversation.Reading():
		return keymap.Reading
	}
	return keymap.Writing
}

// key handles one key press. Several characters that have arrived in one piece,
// and pastes, are texts.
func (m *Model) key(msg tea.KeyMsg) tea.Cmd {
	if msg.Type == tea.KeyRunes && len(msg.Runes) > 1 && !msg.Paste {
		return m.typed(keyboard.Text(msg.Runes))
	}
	quitting := m.quitting
	m.quitting, m.touched = false, m.style.Now
	m.status.Clear()
	if next := m.nextKey; next != nil {
		m.nextKey = nil
		return next(msg.String())
	}
	focus := m.focus()
	if !msg.Paste {
		if b := m.keys.Find(m, focus, msg.String()); b != nil {
			m.quitting = quitting && b.Name == "interrupt"
			return b.Do(m)
		}
	}
	if msg.Type != tea.KeyRunes && msg.Type != tea.KeySpace || msg.Alt {
		return nil
	}
	return m.text(focus, string(msg.Runes), msg.Paste)
}

// typed handles a text that has arrived in one piece. Where keys are single
// characters, it may be a key that repeats; see keyboard.Presses.
func (m *Model) typed(text string) tea.Cmd {
	m.quitting, m.touched, m.nextKey = false, m.style.Now, nil
	m.status.Clear()
	var cmds []tea.Cmd
	role := func(key string) keyboard.Role { return m.keys.RoleOf(m, m.focus(), key) }
	for _, key := range keyboard.Presses(text, role) {
		cmds = append(cmds, m.key(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(key)}))
	}
	if cmds != nil {
		return tea.Batch(cmds...)
	}
	return m.text(m.focus(), text, false)
}

// text handles what was typed or pasted.
func (m *Model) text(focus keymap.Focus, text string, paste bool) tea.Cmd {
	switch focus {
	case keymap.Choosing:
		return m.list.Filter(m.list.Current().Query() + text)
	case keymap.Asked:
		m.question.input.Insert(text)
	case keymap.Helping:
		m.help = nil
		return m.text(m.focus(), text, paste)
	case keymap.Reading, keymap.Writing:
		m.conversation.Leave()
		if paste {
			cmd, fits := m.input.PasteText(text, m.conversation.Session())
			m.checkRoom(fits)
			return cmd
		}
		m.checkRoom(m.input.Insert(text))
	case keymap.Anywhere:
	}
	return nil
}

// wheelRows is how far one notch of the wheel scrolls.
const wheelRows = 3

func (m *Model) wheel(msg tea.MouseMsg) {
	by := wheelRows
	switch msg.Button {
	case tea.MouseButtonWheelUp:
		by = -by
	case tea.MouseButtonWheelDown:
	default:
		return
	}
	switch m.focus() {
	case keymap.Choosing:
		m.list.Current().Move(by / wheelRows)
	case keymap.Helping:
		m.help.Scroll(by)
	case keymap.Anywhere, keymap.Writing, keymap.Reading, keymap.Asked:
		m.conversation.Scroll(by)
	}
}

// filter turns the sequences of shift+enter, which Bubble Tea does not know and
// reports as a type of its own, into a key. It drops other unknown sequences, such
// as late answers of the terminal.
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
