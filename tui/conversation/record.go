package conversation

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/thread"
	"chat/tui/transcript"
)

// reconcile makes the messages equal the server's: it adds new messages, also those
// of other screens, and replaces ended ones by the stored ones. It keeps messages
// that are being followed, and messages that were accepted after the read.
func (v *View) reconcile(records []chat.Message) tea.Cmd {
	v.messages = records
	v.accepted = slices.DeleteFunc(v.accepted, func(a chat.Message) bool {
		return slices.ContainsFunc(records, func(r chat.Message) bool { return r.ID == a.ID })
	})
	var cmds []tea.Cmd
	for _, rec := range records {
		switch item := v.items[rec.ID]; {
		case item == nil, lost(item, rec):
			cmds = append(cmds, v.add(rec))
		case !item.Running():
			item.Update(rec)
		}
	}
	v.rebuild()
	return tea.Batch(cmds...)
}

// lost reports whether a message counts as ended here, since its stream failed,
// while its task continues.
func lost(item *transcript.Message, rec chat.Message) bool {
	return !item.Running() && rec.State != "" && !rec.State.Terminal()
}

// add makes the item of a message, and follows it if it is being made.
func (v *View) add(rec chat.Message) tea.Cmd {
	item := transcript.NewMessage(rec, v.style)
	v.items[rec.ID] = item
	if item.Running() && item.TaskID != "" {
		return v.follow(item)
	}
	return nil
}

// accept adds messages that the server has just accepted.
func (v *View) accept(records ...chat.Message) tea.Cmd {
	var cmds []tea.Cmd
	for _, rec := range records {
		v.accepted = append(v.accepted, rec)
		if v.items[rec.ID] == nil {
			cmds = append(cmds, v.add(rec))
		}
	}
	return tea.Batch(cmds...)
}

// SetWaiting shows the messages that wait to be sent.
func (v *View) SetWaiting(waiting []*transcript.Message) {
	v.waiting = waiting
	v.rebuild()
}

// rebuild shows the branch that is chosen, then the message on its way, then the
// messages that wait.
func (v *View) rebuild() {
	v.version++
	v.tree = thread.New(slices.Concat(v.messages, v.accepted))
	path := v.tree.Path(v.choices)
	cut, branching := v.branchPoint()
	items := make([]*transcript.Message, 0, len(path)+2)
	for _, rec := range path {
		if branching && cut == "" {
			break
		}
		item := v.items[rec.ID]
		ids, at := v.tree.Siblings(rec.ID)
		item.Sibling, item.Siblings = at+1, len(ids)
		items = append(items, item)
		if branching && rec.ID == cut {
			break
		}
	}
	if v.pending != nil {
		items = append(items, v.pending)
	}
	v.shown = items
	all := make([]transcript.Item, 0, len(items)+len(v.waiting))
	for _, it := range items {
		all = append(all, it)
	}
	for _, it := range v.waiting {
		all = append(all, it)
	}
	v.list.Replace(all)
}

// leaf is the id of the last message that is shown, "" if there is none.
func (v *View) leaf() string {
	for _, item := range slices.Backward(v.shown) {
		if item.ID != "" {
			return item.ID
		}
	}
	return ""
}
