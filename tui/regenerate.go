package tui

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/transcript"
)

// regenerateMsg says what became of the wish for another answer.
type regenerateMsg struct {
	session  int
	model    string
	accepted chat.Accepted
	err      error
}

func canRegenerate(m *Model) bool {
	_, ok := m.backend.(Regenerator)
	return ok
}

// regenerate asks for another answer beside the chosen one, or beside the one to
// the chosen question. The model is the one that was chosen last, if any.
func (m *Model) regenerate() tea.Cmd {
	item := m.chosen()
	if item != nil && item.Role == chat.RoleUser {
		item = m.answerTo(item.ID)
	}
	if item == nil || item.ID == "" || item.Role != chat.RoleAssistant {
		m.say("there is no answer to make again")
		return nil
	}
	if m.blocked() {
		return nil
	}
	backend, ok := m.backend.(Regenerator)
	if !ok {
		return nil
	}
	session, id, model := m.session, item.ID, m.model
	m.say("asking for another answer")
	return m.jobs.command(func(ctx context.Context) tea.Msg {
		accepted, err := backend.Regenerate(ctx, id, model)
		return regenerateMsg{session, model, accepted, err}
	})
}

// answerTo is the answer that is shown to a question, nil if there is none.
func (m *Model) answerTo(id string) *transcript.Message {
	for i, item := range m.messages {
		if item.ID == id && i+1 < len(m.messages) {
			return m.messages[i+1]
		}
	}
	return nil
}

func (m *Model) regenerated(msg regenerateMsg) tea.Cmd {
	if msg.err != nil {
		m.warn("not asked again: " + sentence(msg.err))
		return nil
	}
	if msg.session != m.session {
		return m.pollCommand()
	}
	a := msg.accepted
	follow := m.accept(m.answerOf(a, msg.model))
	m.record.choices[a.UserMessageID] = a.MessageID
	m.rebuild()
	m.list.Bottom()
	if m.reading { // the versions beside it are a key away
		m.look.Chosen = m.record.items[a.MessageID]
	}
	return tea.Batch(follow, m.pollCommand())
}
