package tui

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"

	"chat/internal/term/sanitize"
	"chat/tui/drafts"
)

// past is the prompts of before, the oldest first, and the place of the one that
// is being looked at.
type past struct {
	file    *drafts.History
	prompts []string
	at      int    // len(prompts): none
	stash   string // what was written before looking
}

type pastMsg struct {
	prompts []string
	err     error
}

func (m *Model) pastCommand() tea.Cmd {
	file := m.past.file
	return m.jobs.command(func(context.Context) tea.Msg {
		prompts, err := file.Load()
		return pastMsg{prompts, err}
	})
}

func (m *Model) pastLoaded(msg pastMsg) {
	if msg.err != nil {
		m.complain(sentence(msg.err))
	}
	m.past.prompts = append(msg.prompts, m.past.prompts...)
	m.past.at = len(m.past.prompts)
}

// remember adds a prompt to the history.
func (m *Model) remember(text string) tea.Cmd {
	if text == "" {
		return nil
	}
	if n := len(m.past.prompts); n == 0 || m.past.prompts[n-1] != text {
		m.past.prompts = append(m.past.prompts, text)
	}
	if extra := len(m.past.prompts) - drafts.MaxHistory; extra > 0 {
		m.past.prompts = m.past.prompts[extra:]
	}
	m.past.at = len(m.past.prompts)
	file := m.past.file
	return m.jobs.command(func(context.Context) tea.Msg {
		if err := file.Add(text); err != nil {
			return troubleMsg{sentence(err)}
		}
		return nil
	})
}

// recall moves through the history, by -1 to older prompts; what was being
// written stands behind the newest.
func (m *Model) recall(by int) {
	p := &m.past
	to := p.at + by
	if to < 0 || to > len(p.prompts) {
		return
	}
	if p.at == len(p.prompts) {
		p.stash = m.input.Value()
	}
	p.at = to
	if to == len(p.prompts) {
		m.input.Set(p.stash)
		return
	}
	m.input.Set(p.prompts[to])
	if by < 0 {
		m.input.Begin()
	}
}

func (m *Model) up() tea.Cmd {
	if !m.unqueue() && !m.input.Up(m.inputWidth()) {
		m.recall(-1)
	}
	return nil
}

func (m *Model) down() tea.Cmd {
	if !m.input.Down(m.inputWidth()) {
		m.recall(1)
	}
	return nil
}

// troubleMsg is something that went wrong beside what the user is doing.
type troubleMsg struct{ text string }

func (m *Model) trouble(msg troubleMsg) { m.complain(sanitize.Line(msg.text)) }
