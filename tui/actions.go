package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"chat/tui/composer"
	"chat/tui/keymap"
)

// interrupt stops the running answer, else clears the draft, else quits the second
// time.
func (m *Model) interrupt() tea.Cmd {
	if item := m.conversation.Busy(); item != nil && !item.Stopping {
		return m.stopBusy()
	}
	if m.conversation.Branch() != nil {
		m.leaveBranch()
		return nil
	}
	if !m.input.Empty() {
		kept := m.input.Remember(m.input.Value())
		m.input.Set("")
		m.say("the draft is cleared; " + m.keys.Hint("up") + " brings it back")
		return kept
	}
	if m.quitting {
		return m.quit()
	}
	m.quitting = true
	m.say(m.keys.Hint("interrupt") + " again quits; running tasks continue")
	return nil
}

func (m *Model) escape() tea.Cmd {
	if m.conversation.Branch() != nil {
		m.leaveBranch()
		return nil
	}
	if item := m.conversation.Busy(); item != nil && !item.Stopping {
		return m.stopBusy()
	}
	m.conversation.Leave()
	return nil
}

// stopBusy stops the answer that is being made, which may be on another branch.
func (m *Model) stopBusy() tea.Cmd {
	item := m.conversation.Busy()
	item.Stopping = true
	return m.stop(item.TaskID)
}

func (m *Model) quit() tea.Cmd { return tea.Quit }

func (m *Model) switchFocus() tea.Cmd {
	if m.conversation.Reading() {
		m.conversation.Leave()
	} else {
		m.conversation.Read()
	}
	return nil
}

func (m *Model) foldReasoning() tea.Cmd {
	m.style.Unfold = !m.style.Unfold
	return nil
}

func (m *Model) openHelp() tea.Cmd {
	m.help = &keymap.Help{}
	return nil
}

func (m *Model) up() tea.Cmd {
	if !m.dequeueLast() && !m.input.Up(m.inputWidth()) {
		m.input.Recall(-1)
	}
	return nil
}

func (m *Model) down() tea.Cmd {
	if !m.input.Down(m.inputWidth()) {
		m.input.Recall(1)
	}
	return nil
}

// toggleMouse lets the mouse's wheel scroll, or the terminal select text.
func (m *Model) toggleMouse() tea.Cmd {
	on, cmd := m.terminal.ToggleMouse()
	if on {
		m.say("the wheel scrolls; most terminals select text with shift held")
	} else {
		m.say("the terminal has the mouse again")
	}
	return cmd
}

// page is how far page up and down go: a window less two rows for orientation.
func (m *Model) page() int { return max(m.bodyHeight()-2, 1) }

// question is a line that is asked for instead of the next message.
type question struct {
	label string
	input composer.Composer
	done  func(text string) tea.Cmd
}

// askFor opens a question. text is what the line begins with.
func (m *Model) askFor(label, text string, done func(text string) tea.Cmd) {
	m.question = &question{label: label, done: done}
	m.question.input.Set(text)
}

func (m *Model) answer() tea.Cmd {
	q := m.question
	m.question = nil
	return q.done(q.input.Value())
}
