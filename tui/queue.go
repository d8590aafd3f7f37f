package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/attach"
	"chat/tui/drafting"
	"chat/tui/input"
	"chat/tui/queue"
	"chat/tui/transcript"
)

// queueFull reports whether no more messages may wait in the open conversation. If
// so, it shows a warning.
func (m *Model) queueFull() bool {
	if !m.queue.Full(m.conversation.ID()) {
		return false
	}
	m.warn("the queue is full: this message stays in the input")
	return true
}

// enqueueAt lets a message wait at an index in the queue of the open conversation.
func (m *Model) enqueueAt(at int, draft string) tea.Cmd {
	if m.queueFull() { // it was refused, and has left the input
		m.fill(drafting.Join(draft, m.input.Value()))
		return nil
	}
	item := transcript.NewMessage(chat.Message{Role: chat.RoleUser, Parts: attach.ParseDraft(draft), CreatedAt: m.style.Now}, m.style)
	m.queue.Insert(m.conversation.ID(), at, item)
	m.showQueue()
	m.conversation.GoToEnd()
	m.say("waits for the answer; " + m.keys.Hint("up") + " takes it back")
	return nil
}

// showQueue shows what waits in the open conversation.
func (m *Model) showQueue() { m.conversation.SetWaiting(m.queue.Of(m.conversation.ID())) }

// dequeueLast takes the last message that waits back into the input; false if
// none does.
func (m *Model) dequeueLast() bool {
	id := m.conversation.ID()
	if len(m.queue.Of(id)) == 0 || !m.input.Empty() {
		return false
	}
	m.fill(m.queue.TakeLast(id))
	m.showQueue()
	return true
}

// sendNextQueued sends the first message that waits in the open conversation, once
// nothing prevents it. After a failed answer it does not: the next answer would
// probably fail too, so the user decides.
func (m *Model) sendNextQueued() tea.Cmd {
	c := m.conversation
	id := c.ID()
	if len(m.queue.Of(id)) == 0 || m.queue.Sending(id) || c.Loading() || c.Pending() != nil || c.Branch() != nil || c.Busy() != nil {
		return nil
	}
	if shown := c.Shown(); len(shown) > 0 && queue.Failed(shown[len(shown)-1].State()) {
		m.fill(drafting.Join(m.queue.TakeAll(id), m.input.Value()))
		m.showQueue()
		m.say("the answer failed, so the waiting messages are back in the input")
		return nil
	}
	if m.server.Answering(id) {
		return nil // on a branch, or by another screen
	}
	draft := m.queue.TakeFirst(id)
	m.showQueue()
	return m.send(draft)
}

// queuedSent handles what was sent in a conversation that is not open.
func (m *Model) queuedSent(msg queue.SentMsg) tea.Cmd {
	id := msg.Conversation
	switch sent, dropped := m.queue.Sent(msg); {
	case sent != "":
		kept := m.drafts.KeepLeft(id, m.queue.Text(id))
		if id == m.conversation.ID() { // opened meanwhile
			m.showQueue()
		}
		return tea.Batch(m.input.Remember(input.Words(sent)), kept, m.poll())
	case dropped != "":
		m.drafts.ReturnLeft(id, dropped)
		m.warn("the queue of “" + m.titleByID(id) + "” was not sent; it is kept as the draft there")
	}
	return nil
}
