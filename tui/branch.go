package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/transcript"
)

// branch says that the next message does not go on from the last one shown, but
// becomes a sibling of what followed after.
type branch struct {
	after string // the message that it answers to; "" makes another beginning
	label string // in front of the input
	stash string // what was written before
}

// branchPoint is the message after which the thread is cut, for a branch that is
// being written or on its way.
func (m *Model) branchPoint() (after string, ok bool) {
	switch {
	case m.pending != nil && m.pendingAfter == chat.RootParent:
		return "", true
	case m.pending != nil && m.pendingAfter != "":
		return m.pendingAfter, true
	case m.branch != nil:
		return m.branch.after, true
	}
	return "", false
}

// editMessage puts a question of before into the input, to be sent again beside
// the old one.
func (m *Model) editMessage() tea.Cmd {
	item := m.chosen()
	if item == nil || item.ID == "" {
		return nil
	}
	if item.Role != chat.RoleUser {
		m.say("only your own messages can be edited; " + m.hint("regenerate") + " makes an answer again")
		return nil
	}
	if m.blocked() {
		return nil
	}
	m.branch = &branch{after: m.record.tree.Parent(item.ID), label: "edit", stash: m.input.Value()}
	m.fill(item.Content())
	m.write()
	m.list.Bottom()
	m.rebuild()
	m.say("edit and send: the old message stays beside the new one; " + m.hint("escape") + " leaves it")
	return nil
}

// forkMessage goes on from an answer of before.
func (m *Model) forkMessage() tea.Cmd {
	item := m.chosen()
	if item == nil || item.ID == "" {
		return nil
	}
	if item.Role != chat.RoleAssistant {
		m.say("fork goes on from an answer; " + m.hint("edit") + " edits a message of yours")
		return nil
	}
	if m.blocked() {
		return nil
	}
	m.branch = &branch{after: item.ID, label: "fork", stash: m.input.Value()}
	m.write()
	m.list.Bottom()
	m.rebuild()
	m.say("the next message goes on from here; what followed stays beside it; " + m.hint("escape") + " leaves it")
	return nil
}

// blocked says why nothing can be added to the conversation now.
func (m *Model) blocked() bool {
	switch {
	case m.loading:
		m.say("the conversation is still being opened")
	case m.busy() != nil:
		m.say("an answer is still being made: " + m.hint("escape") + " stops it")
	case m.pending != nil:
		m.say("the last message is still on its way")
	default:
		return false
	}
	return true
}

// leaveBranch goes back to the thread as it was.
func (m *Model) leaveBranch() {
	m.fill(m.branch.stash)
	m.branch = nil
	m.rebuild()
}

// sibling shows the message beside the chosen one: another question in its place,
// or another answer.
func (m *Model) sibling(by int) tea.Cmd {
	item := m.chosen()
	if item == nil || item.Siblings < 2 {
		m.say("there is nothing beside this message")
		return nil
	}
	ids, at := m.record.tree.Siblings(item.ID)
	to := at + by
	if to < 0 || to >= len(ids) {
		return nil
	}
	m.record.choices[m.record.tree.Parent(item.ID)] = ids[to]
	m.branch = nil
	m.rebuild()
	m.choose(m.record.items[ids[to]])
	return nil
}

// choose makes a message the chosen one and brings it into sight.
func (m *Model) choose(item *transcript.Message) {
	for i, it := range m.messages {
		if it == item {
			m.look.Chosen = item
			m.list.Show(i)
			return
		}
	}
}
