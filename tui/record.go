package tui

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/thread"
	"chat/tui/transcript"
)

// record is the open conversation as it is recorded, and what is shown of it.
type record struct {
	messages []chat.Message // in order of acceptance
	accepted []chat.Message // by the server, after messages were read
	tree     *thread.Tree   // of both
	items    map[string]*transcript.Message
	choices  map[string]string // where the thread forks: the child to show
}

func newRecord() record {
	return record{tree: thread.New(nil), items: map[string]*transcript.Message{}, choices: map[string]string{}}
}

// take makes c the open conversation, as it stands in the record.
func (m *Model) take(c chat.Conversation) {
	m.conversation, m.seen = c, c.UpdatedAt
	delete(m.news, c.ID)
}

// recorded takes over what was read of the open conversation since it was opened.
func (m *Model) recorded(msg recordMsg) tea.Cmd {
	if msg.session != m.session {
		return nil
	}
	m.catching = false
	if msg.err != nil {
		return nil // the screen shows what was streamed; a later poll reads again
	}
	m.take(msg.conversation)
	return m.reconcile(msg.messages)
}

// reconcile makes the transcript equal the record: new messages appear, whoever
// sent them, and those that have ended become what was recorded. What is being
// followed is left alone, and so is what was accepted after the record was read.
func (m *Model) reconcile(records []chat.Message) tea.Cmd {
	m.record.messages = records
	m.record.accepted = slices.DeleteFunc(m.record.accepted, func(a chat.Message) bool {
		return slices.ContainsFunc(records, func(r chat.Message) bool { return r.ID == a.ID })
	})
	var cmds []tea.Cmd
	for _, rec := range records {
		switch item := m.record.items[rec.ID]; {
		case item == nil, lost(item, rec):
			cmds = append(cmds, m.add(rec))
		case !item.Running():
			item.Update(rec)
		}
	}
	m.rebuild()
	return tea.Batch(cmds...)
}

// lost reports whether a message counts as ended here, since its stream failed,
// while its task goes on.
func lost(item *transcript.Message, rec chat.Message) bool {
	return !item.Running() && rec.State != "" && !rec.State.Terminal()
}

// add makes the item of a message, and follows it if it is being made.
func (m *Model) add(rec chat.Message) tea.Cmd {
	item := transcript.NewMessage(rec, m.look)
	m.record.items[rec.ID] = item
	if item.Running() && item.TaskID != "" {
		return m.follow(item)
	}
	return nil
}

// accept adds messages that the server has just accepted.
func (m *Model) accept(records ...chat.Message) tea.Cmd {
	var cmds []tea.Cmd
	for _, rec := range records {
		m.record.accepted = append(m.record.accepted, rec)
		if m.record.items[rec.ID] == nil {
			cmds = append(cmds, m.add(rec))
		}
	}
	return tea.Batch(cmds...)
}

// rebuild shows the path that is chosen, then what is on its way and what waits.
func (m *Model) rebuild() {
	m.record.tree = thread.New(slices.Concat(m.record.messages, m.record.accepted))
	m.cost = m.costOf(m.record.messages)
	path := m.record.tree.Path(m.record.choices)
	cut, branching := m.branchPoint()
	items := make([]*transcript.Message, 0, len(path)+2)
	for _, rec := range path {
		if branching && cut == "" {
			break
		}
		item := m.record.items[rec.ID]
		ids, at := m.record.tree.Siblings(rec.ID)
		item.Sibling, item.Siblings = at+1, len(ids)
		items = append(items, item)
		if branching && rec.ID == cut {
			break
		}
	}
	if m.pending != nil {
		items = append(items, m.pending)
	}
	m.messages = items
	all := make([]transcript.Item, 0, len(items)+1)
	for _, it := range items {
		all = append(all, it)
	}
	for _, it := range m.queue[m.conversation.ID] {
		all = append(all, it)
	}
	m.list.Replace(all)
}

// leaf is the id of the last message that is shown, "" if there is none.
func (m *Model) leaf() string {
	for _, item := range slices.Backward(m.messages) {
		if item.ID != "" {
			return item.ID
		}
	}
	return ""
}
