package tui

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"

	"chat/internal/term/sanitize"
	"chat/tui/drafts"
)

// history is the earlier prompts, oldest first, and the index of the one that is
// shown.
type history struct {
	file    *drafts.History
	prompts []string
	at      int    // len(prompts): none
	stash   string // what was written before looking
}

type historyMsg struct {
	prompts []string
	err     error
}

func (m *Model) historyCommand() tea.Cmd {
	file := m.history.file
	return m.jobs.command(func(context.Context) tea.Msg {
		prompts, err := file.Load()
		return historyMsg{prompts, err}
	})
}

func (m *Model) historyLoaded(msg historyMsg) {
	if msg.err != nil {
		m.warn(sentence(msg.err))
	}
	m.history.prompts = append(msg.prompts, m.history.prompts...)
	m.history.at = len(m.history.prompts)
}

// remember adds a prompt to the history.
func (m *Model) remember(text string) tea.Cmd {
	if text == "" {
		return nil
	}
	if n := len(m.history.prompts); n == 0 || m.history.prompts[n-1] != text {
		m.history.prompts = append(m.history.prompts, text)
	}
	if extra := len(m.history.prompts) - drafts.MaxHistory; extra > 0 {
		m.history.prompts = m.history.prompts[extra:]
	}
	m.history.at = len(m.history.prompts)
	file := m.history.file
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
	p := &m.history
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

func (m *Model) trouble(msg troubleMsg) { m.warn(sanitize.Line(msg.text)) }
