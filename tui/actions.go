package tui

import (
	tea "github.com/charmbracelet/bubbletea"
)

const tooLong = "that is too long for a message"

func (m *Model) insert(text string) {
	if !m.input.Insert(text) {
		m.warn(tooLong)
	}
}

// interrupt is ctrl+c: stop what runs, else clear the draft, else quit at the
// second time.
func (m *Model) interrupt() tea.Cmd {
	if msg := m.busy(); msg != nil && !msg.Stopping {
		return m.stop()
	}
	if m.branch != nil {
		m.leaveBranch()
		return nil
	}
	if !m.input.Empty() {
		kept := m.remember(m.input.Value())
		m.input.Set("")
		m.say("the draft is cleared; " + m.hint("up") + " brings it back")
		return kept
	}
	if m.armed {
		return m.quit()
	}
	m.armed = true
	m.say(m.hint("interrupt") + " again quits; running tasks go on")
	return nil
}

func (m *Model) escape() tea.Cmd {
	if m.branch != nil {
		m.leaveBranch()
		return nil
	}
	if msg := m.busy(); msg != nil && !msg.Stopping {
		return m.stop()
	}
	m.write()
	return nil
}

func (m *Model) stop() tea.Cmd {
	msg := m.busy()
	msg.Stopping = true
	return m.stopCommand(msg.TaskID)
}

func (m *Model) quit() tea.Cmd { return tea.Quit }

func (m *Model) newConversation() tea.Cmd {
	m.begin()
	return tea.Batch(m.draftCommand(), m.defaultModelCommand()) // the server may have another default by now
}

func (m *Model) foldReasoning() tea.Cmd {
	m.look.Unfold = !m.look.Unfold
	return nil
}

func (m *Model) openHelp() tea.Cmd {
	m.help = &helpPage{}
	return nil
}

func (m *Model) closePopup() tea.Cmd {
	var kept tea.Cmd
	if m.panel != nil {
		kept = m.remember(m.panel.word)
	}
	m.help, m.panel = nil, nil
	if m.conversation.ID == "" && m.prompt != "" { // nobody chose where it goes
		m.insert(m.prompt)
		m.prompt = ""
	}
	return kept
}

// page is how far page up and down go: a window less two rows to keep the place.
func (m *Model) page() int { return max(m.bodyHeight()-2, 1) }
