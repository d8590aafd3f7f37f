package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"chat/tui/composer"
)

// question is one line that is asked for, in the place of the input.
type question struct {
	label string
	input composer.Composer
	done  func(text string) tea.Cmd
}

// askFor opens a question; text is what the line begins with.
func (m *Model) askFor(label, text string, done func(text string) tea.Cmd) {
	m.question = &question{label: label, done: done}
	m.question.input.Set(text)
}

func (m *Model) answer() tea.Cmd {
	q := m.question
	m.question = nil
	return q.done(q.input.Value())
}
