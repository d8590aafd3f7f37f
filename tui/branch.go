package tui

import (
	"cmp"
	"context"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/backend"
	"chat/tui/conversation"
)

// editMessage puts an earlier prompt into the input, to be sent again as a
// sibling of the old one.
func (m *Model) editMessage() tea.Cmd {
	item := m.conversation.Selected()
	if item == nil || item.ID == "" {
		return nil
	}
	if item.Role != chat.RoleUser {
		m.say("only your own messages can be edited; " + m.keys.Hint("regenerate") + " regenerates an answer")
		return nil
	}
	if m.blocked() {
		return nil
	}
	m.branchOff(m.conversation.EditPoint(item.ID), "edit")
	m.fill(item.Draft())
	m.say("edit and send: the old message is kept; " + m.keys.Hint("escape") + " leaves it")
	return nil
}

// forkMessage continues from an earlier answer.
func (m *Model) forkMessage() tea.Cmd {
	item := m.conversation.Selected()
	if item == nil || item.ID == "" {
		return nil
	}
	if item.Role != chat.RoleAssistant {
		m.say("fork continues from an answer; " + m.keys.Hint("edit") + " edits a message of yours")
		return nil
	}
	if m.blocked() {
		return nil
	}
	m.branchOff(item.ID, "fork")
	m.say("the next message continues from here; the other branch is kept; " + m.keys.Hint("escape") + " leaves it")
	return nil
}

func (m *Model) branchOff(after, label string) {
	m.conversation.Leave()
	m.conversation.GoToEnd()
	m.conversation.SetBranch(&conversation.Branch{After: after, Label: label, Stash: m.input.Value()})
}

// leaveBranch goes back to the thread as it was.
func (m *Model) leaveBranch() {
	m.fill(m.conversation.Branch().Stash)
	m.conversation.SetBranch(nil)
}

// blocked reports whether, and shows why, nothing can be added to the conversation
// now.
func (m *Model) blocked() bool {
	switch {
	case m.conversation.Loading():
		m.say("the conversation is still being opened")
	case m.conversation.Busy() != nil:
		m.say("an answer is still running: " + m.keys.Hint("escape") + " stops it")
	case m.conversation.Pending() != nil:
		m.say("the last message is still on its way")
	default:
		return false
	}
	return true
}

// sibling shows another version of the selected prompt or answer.
func (m *Model) sibling(by int) {
	if !m.conversation.Sibling(by) {
		m.say("this message has no other version")
	}
}

// regeneratedMsg is the result of asking for another answer.
type regeneratedMsg struct {
	session  int
	model    string
	done     string // what has been done, for a message
	accepted chat.Accepted
	err      error
}

// regenerate asks for another answer as a sibling of the selected one, or of the
// answer to the selected prompt. The model is the one that the user chose last, if
// any.
func (m *Model) regenerate() tea.Cmd {
	return m.remake("regenerate", "regenerated", "asking for another answer", backend.Regenerator.Regenerate)
}

// continueAnswer asks in the same way for the rest of an answer that was cut.
func (m *Model) continueAnswer() tea.Cmd {
	return m.remake("continue", "continued", "asking for the rest of the answer", backend.Regenerator.Continue)
}

// remake asks for a sibling of an answer.
func (m *Model) remake(do, done, asking string, ask func(backend.Regenerator, context.Context, string, string) (chat.Accepted, error)) tea.Cmd {
	item := m.conversation.Selected()
	if item != nil && item.Role == chat.RoleUser {
		item = m.conversation.AnswerTo(item.ID)
	}
	if item == nil || item.ID == "" || item.Role != chat.RoleAssistant {
		m.say("there is no answer to " + do)
		return nil
	}
	if m.blocked() {
		return nil
	}
	backend, ok := m.backend.(backend.Regenerator)
	if !ok {
		return nil
	}
	session, id, model := m.conversation.Session(), item.ID, m.model
	m.say(asking + m.asBefore(id))
	return m.jobs.Command(func(ctx context.Context) tea.Msg {
		accepted, err := ask(backend, ctx, id, model)
		return regeneratedMsg{session, model, done, accepted, err}
	})
}

// asBefore says that an answer is made again with its own parameters, if the header names others.
func (m *Model) asBefore(id string) string {
	if own, ok := m.conversation.ParametersOf(id); ok && own.String() != m.parameterLabel() {
		return ", with " + cmp.Or(own.String(), "no parameters") + " as before"
	}
	return ""
}

func (m *Model) regenerated(msg regeneratedMsg) tea.Cmd {
	if msg.err != nil {
		m.warn("not " + msg.done + ": " + sentence(msg.err))
		return nil
	}
	if msg.session != m.conversation.Session() {
		return m.poll()
	}
	return tea.Batch(m.conversation.AddAnswer(msg.accepted, msg.model, m.style.Now), m.poll())
}
