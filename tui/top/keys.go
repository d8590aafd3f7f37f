package top

import (
	"context"
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"chat/internal/term/keyboard"
)

// binding is one row of the table of keys. Dispatch, the help and the hints in the
// last row all use this table.
type binding struct {
	keys  []string // as Bubble Tea names them
	shown string
	what  string
	hint  string // for the last row; "" leaves it out
	moves bool   // it only chooses another row
	do    func(*Model) tea.Cmd
}

func keys() []binding {
	moves := func(n func(*Model) int) func(*Model) tea.Cmd {
		return func(m *Model) tea.Cmd { m.move(n(m)); return nil }
	}
	by := func(n int) func(*Model) int { return func(*Model) int { return n } }
	const all = 1 << 20
	return []binding{
		{[]string{"?"}, "?", "this help", "? keys", false, func(m *Model) tea.Cmd { m.help = true; return nil }},
		{[]string{"up", "k"}, "↑ k", "the row above", "↑↓ choose", true, moves(by(-1))},
		{[]string{"down", "j"}, "↓ j", "the row below", "", true, moves(by(1))},
		{[]string{"pgup", "ctrl+b"}, "pgup", "a page up", "", true, moves(func(m *Model) int { return -m.page() })},
		{[]string{"pgdown", "ctrl+f"}, "pgdn", "a page down", "", true, moves(func(m *Model) int { return m.page() })},
		{[]string{"home", "g"}, "g", "the first row", "", true, moves(by(-all))},
		{[]string{"end", "G"}, "G", "the last row", "", true, moves(by(all))},
		{[]string{"enter"}, "enter", "leave, and open the conversation", "enter open", false, open},
		{[]string{"s"}, "s s", "stop the answer", "s stop", false, stop},
		{[]string{"q", "esc", "ctrl+c"}, "q esc ctrl+c", "leave; answers continue", "q quit", false, func(*Model) tea.Cmd { return tea.Quit }},
	}
}

func (m *Model) page() int { return max(m.height-5, 1) }

// press handles a message of the keyboard. In a text, only what Presses returns
// counts as keys.
func (m *Model) press(msg tea.KeyMsg) tea.Cmd {
	switch {
	case msg.Paste:
		return nil
	case msg.Type != tea.KeyRunes || len(msg.Runes) == 1:
		return m.key(msg.String())
	}
	var cmds []tea.Cmd
	for _, key := range keyboard.Presses(keyboard.Text(msg.Runes), roleOf) {
		cmds = append(cmds, m.key(key))
	}
	return tea.Batch(cmds...)
}

func roleOf(key string) keyboard.Role {
	for _, b := range keys() {
		switch {
		case !slices.Contains(b.keys, key):
		case b.moves:
			return keyboard.Moves
		default:
			return keyboard.Action
		}
	}
	return keyboard.NoKey
}

// key handles one key. Any key closes the help, and any key but a second s cancels
// a question.
func (m *Model) key(key string) tea.Cmd {
	ask := m.ask
	m.ask, m.note = "", ""
	switch {
	case m.help && key != "ctrl+c":
		m.help = false
		return nil
	case ask != "" && key == "s":
		return m.stop(ask)
	case ask != "" && key != "ctrl+c":
		return nil
	}
	for _, b := range keys() {
		if slices.Contains(b.keys, key) {
			return b.do(m)
		}
	}
	return nil
}

func open(m *Model) tea.Cmd {
	r := m.row()
	if r.conv == "" {
		m.note = "a worker cannot be opened: choose an answer"
		return nil
	}
	m.toOpen = r.conv
	return tea.Quit
}

func stop(m *Model) tea.Cmd {
	switch r := m.row(); r.kind {
	case anAnswer:
		m.ask = r.id
	case aFailure:
		m.note = short(r.id) + " has ended already"
	case aWorker, heading:
		m.note = "only answers can be stopped"
	}
	return nil
}

func (m *Model) stop(id string) tea.Cmd {
	source := m.o.Source
	return m.command(func(ctx context.Context) tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		won, err := source.Stop(ctx, id)
		return stoppedMsg{id, won, err}
	})
}
