package tui

import (
	"context"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"chat/tui/backend"
	"chat/tui/deletion"
	"chat/tui/lists"
	"chat/tui/panel"
)

// selected is the conversation that is selected in the list, or else the open one.
func (m *Model) selected() (id, title string) {
	if m.list.Is(conversationList) {
		if it, ok := m.list.Current().Current(); ok {
			return it.ID, it.Title
		}
		return "", ""
	}
	return m.conversation.ID(), lists.Title(m.conversation.Title())
}

// renamedMsg is the result of renaming a conversation.
type renamedMsg struct {
	id, title string
	err       error
}

// rename asks for another title.
func (m *Model) rename() tea.Cmd {
	id, title := m.selected()
	backend, ok := m.backend.(backend.Renamer)
	if id == "" || !ok {
		m.say("there is no conversation to rename yet")
		return nil
	}
	m.askFor("title", title, func(text string) tea.Cmd {
		text = strings.Join(strings.Fields(text), " ")
		if text == "" || text == title {
			return nil
		}
		return m.jobs.Command(func(ctx context.Context) tea.Msg {
			return renamedMsg{id, text, backend.Rename(ctx, id, text)}
		})
	})
	return nil
}

func (m *Model) renamed(msg renamedMsg) tea.Cmd {
	if msg.err != nil {
		m.warn("not renamed: " + sentence(msg.err))
		return nil
	}
	m.server.Rename(msg.id, msg.title)
	if m.conversation.ID() == msg.id {
		m.conversation.SetTitle(msg.title)
	}
	m.list.Refresh()
	return m.poll()
}

// deleteConversation hides a conversation, and deletes it when the time to undo is
// over.
func (m *Model) deleteConversation() tea.Cmd {
	id, title := m.selected()
	if id == "" || !m.deletions.Possible() {
		m.say("there is no conversation to delete")
		return nil
	}
	one := deletion.Deletion{ID: id, Title: title}
	var opened tea.Cmd
	if id == m.conversation.ID() {
		opened = m.keepList(m.newConversation)
		one.Session = m.conversation.Session()
	}
	due := m.deletions.Add(one)
	m.list.Refresh()
	m.say("deleted “" + title + "”; " + m.keys.Hint("undo") + " brings it back")
	return tea.Batch(due, opened)
}

// keepList runs a function that leaves the conversation, and keeps the list open.
func (m *Model) keepList(f func() tea.Cmd) tea.Cmd {
	open := m.list.Current()
	cmd := f()
	m.list.Reopen(open)
	return cmd
}

// undo brings the conversation back that was deleted last, and opens it if it was
// open and no other one has been since.
func (m *Model) undo() tea.Cmd {
	last := m.deletions.Undo()
	var opened tea.Cmd
	if last.Session != 0 && last.Session == m.conversation.Session() && m.conversation.ID() == "" && m.conversation.Pending() == nil {
		opened = m.keepList(func() tea.Cmd { return m.openConversation(last.ID) })
	}
	m.list.Refresh()
	m.say("“" + last.Title + "” is back")
	return opened
}

func (m *Model) deleted(msg deletion.DoneMsg) tea.Cmd {
	m.deletions.Done(msg)
	if msg.Err != nil {
		m.warn("“" + msg.Title + "” was not deleted: " + sentence(msg.Err))
		m.list.Refresh()
		return nil
	}
	m.queue.TakeAll(msg.ID)
	m.server.Forget(msg.ID)
	return tea.Batch(m.drafts.Delete(msg.ID), m.poll())
}

// visible leaves out what is about to be deleted.
func (m *Model) visible(items []panel.Item) []panel.Item {
	return slices.DeleteFunc(items, func(it panel.Item) bool { return m.deletions.Hidden(it.ID) })
}
