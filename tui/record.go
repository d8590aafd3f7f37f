package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/transcript"
)

// take makes c the open conversation, as it stands in the record.
func (m *Model) take(c chat.Conversation) {
	m.conversation, m.seen = c, c.UpdatedAt
}

// record takes over what was read of the open conversation since it was opened.
func (m *Model) record(msg recordMsg) tea.Cmd {
	if msg.session != m.session {
		return nil
	}
	m.catching = false
	if msg.err != nil {
		return nil // the screen shows what was streamed; a later heartbeat reads again
	}
	m.take(msg.conversation)
	return m.reconcile(msg.messages)
}

// reconcile makes the transcript equal the record: new messages appear, whoever
// sent them, and those that have ended become what was recorded. What is being
// followed is left alone, and so is what was accepted after the record was read.
func (m *Model) reconcile(records []chat.Message) tea.Cmd {
	known := map[string]*transcript.Message{}
	for _, item := range m.messages {
		if item.ID != "" {
			known[item.ID] = item
		}
	}
	items := make([]*transcript.Message, 0, len(records)+2)
	var cmds []tea.Cmd
	for _, rec := range records {
		item := known[rec.ID]
		delete(known, rec.ID)
		switch {
		case item == nil, lost(item, rec):
			item = transcript.NewMessage(rec, m.look)
			if item.Running() && item.TaskID != "" {
				cmds = append(cmds, m.follow(item))
			}
		case !item.Running():
			item.Update(rec)
		}
		items = append(items, item)
	}
	for _, item := range m.messages {
		if item.ID == "" || known[item.ID] != nil {
			items = append(items, item)
		}
	}
	m.setItems(items)
	return tea.Batch(cmds...)
}

// lost reports whether a message counts as ended here, since its stream failed,
// while its task goes on.
func lost(item *transcript.Message, rec chat.Message) bool {
	return !item.Running() && rec.State != "" && !rec.State.Terminal()
}
