package tui

import (
	"context"
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/transcript"
)

// Messages that are entered while an answer is being made wait for it, each
// conversation's in a queue of its own. They are not with the server yet: for the
// store they are part of the draft, and a screen that ends leaves them there.

// queuedMsg says what became of the first message that waited in a conversation
// which is not open.
type queuedMsg struct {
	conversation string
	accepted     bool
	failed       bool // the answer before it has failed
	err          error
}

// maxQueue bounds the messages that wait in one conversation.
const maxQueue = 20

// full reports, and says, that no more messages may wait in the open conversation.
func (m *Model) full() bool {
	if len(m.queue[m.conversation.ID]) < maxQueue {
		return false
	}
	m.warn("enough messages are waiting here: this one stays in the input")
	return true
}

func (m *Model) enqueue(draft string) tea.Cmd {
	return m.enqueueAt(len(m.queue[m.conversation.ID]), draft)
}

// enqueueFirst lets a message wait before all others: it was sent before they were
// written.
func (m *Model) enqueueFirst(draft string) tea.Cmd { return m.enqueueAt(0, draft) }

func (m *Model) enqueueAt(place int, draft string) tea.Cmd {
	id := m.conversation.ID
	if m.full() { // it was refused, and has left the input
		m.fill(joinDrafts(draft, m.input.Value()))
		m.rebuild()
		return nil
	}
	item := transcript.NewMessage(chat.Message{Role: chat.RoleUser, Content: draft, CreatedAt: m.look.Now}, m.look)
	item.Waiting = true
	m.queue[id] = slices.Insert(m.queue[id], place, item)
	m.rebuild()
	m.list.Bottom()
	m.say("waits for the answer; " + m.hint("up") + " takes it back")
	return nil
}

// unqueue takes the last message that waits back into the input; false if none does.
func (m *Model) unqueue() bool {
	waiting := m.queue[m.conversation.ID]
	if len(waiting) == 0 || !m.input.Empty() {
		return false
	}
	m.fill(waiting[len(waiting)-1].Content())
	m.dropQueued(m.conversation.ID, len(waiting)-1)
	m.rebuild()
	return true
}

func (m *Model) dropQueued(id string, i int) {
	rest := append(append([]*transcript.Message{}, m.queue[id][:i]...), m.queue[id][i+1:]...)
	if len(rest) == 0 {
		delete(m.queue, id)
		return
	}
	m.queue[id] = rest
}

// moveQueue says that the new conversation has got its id.
func (m *Model) moveQueue(id string) {
	if waiting := m.queue[""]; len(waiting) > 0 && m.conversation.ID == "" {
		m.queue[id] = waiting
		delete(m.queue, "")
	}
}

// waiting is the text of the messages that wait in a conversation.
func (m *Model) waiting(id string) string {
	text := ""
	for _, item := range m.queue[id] {
		text = joinDrafts(text, item.Content())
	}
	return text
}

// sendNextQueued sends the first message that waits in the open conversation, once
// nothing stands in its way. After an answer that failed it does not: the next
// one would probably fail too, so the user decides.
func (m *Model) sendNextQueued() tea.Cmd {
	id := m.conversation.ID
	waiting := m.queue[id]
	if len(waiting) == 0 || m.flights[id] || m.loading || m.pending != nil || m.branch != nil || m.busy() != nil {
		return nil
	}
	if n := len(m.messages); n > 0 && failedBadly(m.messages[n-1].State()) {
		text := m.waiting(id)
		delete(m.queue, id)
		m.fill(joinDrafts(text, m.input.Value()))
		m.rebuild()
		m.say("the answer failed, so what waited for it is back in the input")
		return nil
	}
	for _, t := range m.running {
		if t.ConversationID == id && !m.ended[t.ID] {
			return nil // on a branch, or by another screen
		}
	}
	m.dropQueued(id, 0)
	return m.send(waiting[0].Content())
}

func failedBadly(s chat.TaskState) bool {
	return s == chat.TaskFailed || s == chat.TaskInterrupted
}

// advanceElsewhere does the same for the conversations that are not open.
func (m *Model) advanceElsewhere() tea.Cmd {
	busy := map[string]bool{m.conversation.ID: true}
	for _, t := range m.running {
		busy[t.ConversationID] = true
	}
	var cmds []tea.Cmd
	for id, waiting := range m.queue {
		if id != "" && !busy[id] && !m.flights[id] {
			m.flights[id] = true
			cmds = append(cmds, m.elsewhereCommand(id, waiting[0].Content()))
		}
	}
	return tea.Batch(cmds...)
}

func (m *Model) elsewhereCommand(id, draft string) tea.Cmd {
	backend, sub := m.backend, chat.Submission{Content: draft, Model: m.model}
	return m.jobs.command(func(ctx context.Context) tea.Msg {
		_, messages, err := backend.Messages(ctx, id)
		if err != nil {
			return queuedMsg{conversation: id, err: err}
		}
		if n := len(messages); n > 0 && failedBadly(messages[n-1].State) {
			return queuedMsg{conversation: id, failed: true}
		}
		_, err = backend.Send(ctx, id, sub)
		return queuedMsg{conversation: id, accepted: err == nil, err: err}
	})
}

func (m *Model) queued(msg queuedMsg) tea.Cmd {
	id := msg.conversation
	delete(m.flights, id)
	switch {
	case len(m.queue[id]) == 0:
		return nil
	case msg.accepted:
		remembered := m.remember(words(m.queue[id][0].Content()))
		m.dropQueued(id, 0)
		m.draft.store.Put(id, joinDrafts(m.waiting(id), m.draft.left[id]))
		if id == m.conversation.ID { // opened meanwhile
			m.rebuild()
		}
		return tea.Batch(remembered, m.flushAfter(0), m.pollCommand())
	case msg.failed || !chat.AsError(msg.err).Retryable && !chat.IsCode(msg.err, chat.CodeBusy):
		m.draft.left[id] = joinDrafts(m.waiting(id), m.draft.left[id])
		delete(m.queue, id)
		m.warn("what waited in “" + m.titleByID(id) + "” was not sent; it is the draft there")
	}
	return nil
}
