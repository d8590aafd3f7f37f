package tui

import (
	"cmp"
	"context"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/transcript"
)

// sentMsg says what became of a message. Of another session's, the conversation
// is not open any more.
type sentMsg struct {
	session  int
	draft    string
	after    string // the message that it was to answer to, "" for the newest, chat.RootParent for none
	accepted chat.Accepted
	err      error
}

// submit is enter: the message is sent, or waits for the answer that is being made.
func (m *Model) submit() tea.Cmd {
	draft := m.input.Value()
	switch {
	case strings.TrimSpace(draft) == "":
		return nil
	case m.loading:
		m.say("the conversation is still being opened")
		return nil
	case slashed.MatchString(strings.TrimRight(draft, " ")):
		return m.chooseSlashed(strings.TrimRight(draft, " "))
	}
	return m.submitWith(draft)
}

// submitMessage submits a draft with its files.
func (m *Model) submitMessage(draft string) tea.Cmd {
	switch {
	case m.branch != nil:
		return m.submitBranch(draft)
	case m.busy() != nil || m.pending != nil || len(m.queue[m.conversation.ID]) > 0:
		if m.full() { // what was entered stays as it is, its files still mentions
			return nil
		}
		m.input.Set("")
		return m.enqueue(draft)
	}
	m.input.Set("")
	return m.send(draft)
}

func (m *Model) submitBranch(draft string) tea.Cmd {
	if m.blocked() {
		return nil
	}
	b := m.branch
	m.branch = nil
	m.fill(b.stash)
	return m.sendAfter(draft, cmp.Or(b.after, chat.RootParent))
}

func (m *Model) sendPrompt() tea.Cmd {
	prompt := m.prompt
	m.prompt = ""
	if strings.TrimSpace(prompt) == "" {
		return nil
	}
	return m.send(prompt)
}

// send submits a message that goes on from the last one shown.
func (m *Model) send(draft string) tea.Cmd {
	after := m.leaf()
	if after == m.record.tree.Newest() {
		after = "" // the server finds it, and what another screen adds meanwhile too
	}
	return m.sendAfter(draft, after)
}

// sendAfter shows the message at once and submits it.
func (m *Model) sendAfter(draft, after string) tea.Cmd {
	m.pending = transcript.NewMessage(chat.Message{
		Role: chat.RoleUser, Content: draft, CreatedAt: m.look.Now,
	}, m.look)
	m.pending.Sending, m.pendingAfter = true, after
	if m.conversation.Title == "" {
		m.conversation.Title = chat.TitleFrom(draft)
	}
	m.rebuild()
	m.list.Bottom()
	return tea.Batch(m.sendCommand(draft, after), m.remember(words(draft)))
}

func (m *Model) sendCommand(draft, after string) tea.Cmd {
	session, backend, id := m.session, m.backend, m.conversation.ID
	sub := chat.Submission{Content: draft, Model: m.model, ParentID: after}
	return m.jobs.command(func(ctx context.Context) tea.Msg {
		accepted, err := backend.Send(ctx, id, sub)
		return sentMsg{session, draft, after, accepted, err}
	})
}

func (m *Model) sent(msg sentMsg) tea.Cmd {
	if msg.session != m.session {
		if msg.err != nil {
			m.warn("the message to the other conversation was not sent (" + m.hint("up") + " brings it back): " + sentence(msg.err))
		}
		return m.pollCommand()
	}
	m.pending, m.pendingAfter = nil, ""
	if msg.err != nil {
		return m.refused(msg)
	}
	a := msg.accepted
	m.moveQueue(a.ConversationID)
	m.moveDraft(a.ConversationID)
	parent := cmp.Or(msg.after, m.leaf())
	if parent == chat.RootParent {
		parent = ""
	}
	follow := m.accept(
		chat.Message{ID: a.UserMessageID, ParentID: parent, Role: chat.RoleUser, Content: msg.draft, CreatedAt: m.look.Now},
		m.answerOf(a, m.model))
	m.record.choices[parent] = a.UserMessageID
	m.rebuild()
	return tea.Batch(follow, m.pollCommand())
}

// answerOf is the message that an accepted task will make.
func (m *Model) answerOf(a chat.Accepted, model string) chat.Message {
	return chat.Message{
		ID: a.MessageID, ParentID: a.UserMessageID, TaskID: a.TaskID, Role: chat.RoleAssistant, State: chat.TaskQueued,
		Model: cmp.Or(model, m.conversation.Model), CreatedAt: m.look.Now,
	}
}

// refused takes a message that was not accepted off the screen, back into the
// input. One that came while another screen's answer is being made waits for it.
func (m *Model) refused(msg sentMsg) tea.Cmd {
	if m.conversation.ID == "" {
		m.conversation.Title = ""
	}
	if chat.IsCode(msg.err, chat.CodeBusy) && msg.after == "" {
		cmd := m.enqueueFirst(msg.draft)
		return tea.Batch(cmd, m.pollCommand())
	}
	if msg.after != "" && m.branch == nil {
		m.branch = &branch{after: msg.after, label: "fork"}
		if msg.after == chat.RootParent {
			m.branch = &branch{label: "edit"}
		}
	}
	m.rebuild()
	m.fill(joinDrafts(msg.draft, m.input.Value()))
	m.warn("not sent: " + sentence(msg.err))
	return nil
}
