package tui

import (
	"context"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/panel"
)

// undoTime is how long a deleted conversation can be brought back: so long, it is
// only hidden. A screen that is killed meanwhile has deleted nothing.
const undoTime = 10 * time.Second

// removal is a conversation that is about to be deleted.
type removal struct {
	id, title string
	seq       int
	open      int  // the session that follows it, if it was the open one
	due       bool // it is being deleted: too late to bring it back
}

type (
	renamedMsg struct {
		id, title string
		err       error
	}
	removalDueMsg struct{ seq int }
	removedMsg    struct {
		removal
		err error
	}
)

func canRename(m *Model) bool {
	_, ok := m.backend.(Renamer)
	return ok
}

func canDelete(m *Model) bool {
	_, ok := m.backend.(Deleter)
	return ok
}

// selected is the conversation that is chosen in the list, or else the open one.
func (m *Model) selected() (id, title string) {
	if m.panel != nil && m.panel.kind == conversationsPanel {
		if it, ok := m.panel.Current(); ok {
			return it.ID, it.Title
		}
		return "", ""
	}
	return m.conversation.ID, titleOf(m.conversation)
}

// rename asks for another title.
func (m *Model) rename() tea.Cmd {
	id, title := m.selected()
	backend, ok := m.backend.(Renamer)
	if id == "" || !ok {
		m.say("there is no conversation to rename yet")
		return nil
	}
	m.askFor("title", title, func(text string) tea.Cmd {
		text = strings.Join(strings.Fields(text), " ")
		if text == "" || text == title {
			return nil
		}
		return m.jobs.command(func(ctx context.Context) tea.Msg {
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
	for i := range m.recent {
		if m.recent[i].ID == msg.id {
			m.recent[i].Title = msg.title
		}
	}
	if m.conversation.ID == msg.id {
		m.conversation.Title = msg.title
	}
	m.refreshPanel()
	return m.pollCommand()
}

// remove hides a conversation, and deletes it when the time to undo is over.
func (m *Model) remove() tea.Cmd {
	id, title := m.selected()
	if id == "" || !canDelete(m) {
		m.say("there is no conversation to delete")
		return nil
	}
	m.removals++
	r := removal{id: id, title: title, seq: m.removals}
	cmds := []tea.Cmd{m.jobs.after(undoTime, removalDueMsg{m.removals})}
	if id == m.conversation.ID {
		open := m.panel
		cmds = append(cmds, m.newConversation())
		m.panel, r.open = open, m.session
	}
	m.removed = append(m.removed, r)
	m.refreshPanel()
	m.say("deleted “" + title + "”; " + m.hint("undo") + " brings it back")
	return tea.Batch(cmds...)
}

func (m *Model) hidden(id string) bool {
	return slices.ContainsFunc(m.removed, func(r removal) bool { return r.id == id })
}

func canUndo(m *Model) bool { return m.lastRemoved() >= 0 }

// lastRemoved is the place of the conversation that was deleted last, of those that
// can be brought back; -1 if there is none.
func (m *Model) lastRemoved() int {
	for i, r := range slices.Backward(m.removed) {
		if !r.due {
			return i
		}
	}
	return -1
}

// undo brings the conversation back that was deleted last, and opens it if it was
// open and nothing else has been since.
func (m *Model) undo() tea.Cmd {
	i := m.lastRemoved()
	last := m.removed[i]
	m.removed = slices.Delete(m.removed, i, i+1)
	var opened tea.Cmd
	if last.open != 0 && last.open == m.session && m.conversation.ID == "" && m.pending == nil {
		panel := m.panel
		opened = m.openConversation(last.id)
		m.panel = panel
	}
	m.refreshPanel()
	m.say("“" + last.title + "” is back")
	return opened
}

// removalDue deletes for good.
func (m *Model) removalDue(msg removalDueMsg) tea.Cmd {
	i := slices.IndexFunc(m.removed, func(r removal) bool { return r.seq == msg.seq })
	if i < 0 {
		return nil // undone
	}
	m.removed[i].due = true
	r := m.removed[i]
	backend, ok := m.backend.(Deleter)
	if !ok {
		return nil
	}
	return m.jobs.command(func(ctx context.Context) tea.Msg {
		return removedMsg{r, backend.Delete(ctx, r.id)}
	})
}

func (m *Model) removalDone(msg removedMsg) tea.Cmd {
	m.removed = slices.DeleteFunc(m.removed, func(r removal) bool { return r.seq == msg.seq })
	if msg.err != nil {
		m.warn("“" + msg.title + "” was not deleted: " + sentence(msg.err))
		m.refreshPanel()
		return nil
	}
	delete(m.queue, msg.id)
	m.recent = slices.DeleteFunc(m.recent, func(c chat.Conversation) bool { return c.ID == msg.id })
	m.draft.store.Put(msg.id, "")
	return tea.Batch(m.flushAfter(0), m.pollCommand())
}

// finishRemovals deletes what is still to be deleted when the screen ends.
func (m *Model) finishRemovals(ctx context.Context) error {
	backend, ok := m.backend.(Deleter)
	for _, r := range m.removed {
		if !ok || ctx.Err() != nil {
			return nil //nolint:nilerr // nothing is lost by it
		}
		if err := backend.Delete(ctx, r.id); err != nil {
			return err
		}
	}
	return nil
}

// visible leaves out what is about to be deleted.
func (m *Model) visible(items []panel.Item) []panel.Item {
	return slices.DeleteFunc(items, func(it panel.Item) bool { return m.hidden(it.ID) })
}
