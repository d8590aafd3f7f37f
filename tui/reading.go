package tui

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"chat/tui/transcript"
)

// switchFocus moves between the input and the transcript, where one message is
// the chosen one, at first the last.
func (m *Model) switchFocus() tea.Cmd {
	if m.reading {
		m.write()
		return nil
	}
	m.reading = true
	m.look.Chosen = m.chosen()
	m.chooseInSight()
	return nil
}

// chosen is the message that keys in the transcript mean: nil if there is none.
func (m *Model) chosen() *transcript.Message {
	if slices.Contains(m.messages, m.look.Chosen) {
		return m.look.Chosen
	}
	if n := len(m.messages); n > 0 {
		return m.messages[n-1]
	}
	return nil
}

// step chooses the message before or after the chosen one.
func (m *Model) step(by int) tea.Cmd {
	at := slices.Index(m.messages, m.chosen())
	if to := at + by; at >= 0 && to >= 0 && to < len(m.messages) {
		m.choose(m.messages[to])
	}
	return nil
}

// scroll moves the window by rows.
func (m *Model) scroll(by int) {
	if by < 0 {
		m.list.ScrollUp(-by)
	} else {
		m.list.ScrollDown(by)
	}
	m.chooseInSight()
}

// jumpTo goes to the beginning or to the end of the transcript.
func (m *Model) jumpTo(end bool) {
	if end {
		m.list.Bottom()
	} else {
		m.list.Top()
	}
	m.chooseInSight()
}

// chooseInSight hands over from a chosen message that has left the window to the
// nearest one in it.
func (m *Model) chooseInSight() {
	at := slices.Index(m.messages, m.chosen())
	if !m.reading || at < 0 {
		return
	}
	m.arrange()
	first, last := m.list.InSight()
	m.look.Chosen = m.messages[min(max(at, first), last, len(m.messages)-1)]
}

// write gives the focus back to the input.
func (m *Model) write() { m.reading, m.look.Chosen = false, nil }
