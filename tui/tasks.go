package tui

import (
	"fmt"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/sanitize"
	"chat/tui/panel"
)

// chooseTask opens the list of tasks: those that run, and the newest that have
// ended if the backend can tell.
func (m *Model) chooseTask() tea.Cmd {
	m.show(&openPanel{
		Panel: &panel.Panel{
			Title: "Tasks", Field: "filter", Loading: !m.link.contacted, Empty: "no task is running",
		},
		kind:    tasksPanel,
		refresh: m.taskItems,
		pick: func(it panel.Item) tea.Cmd {
			if t, ok := m.taskByID(it.ID); ok {
				return m.openAt(t.ConversationID, t.MessageID)
			}
			return nil
		},
	})
	return m.pollCommand()
}

func (m *Model) taskItems() []panel.Item {
	items := make([]panel.Item, 0, len(m.tasks))
	for _, t := range m.tasks {
		items = append(items, panel.Item{
			ID: t.ID, Title: m.titleByID(t.ConversationID), Detail: taskDetail(t, m.look.Now),
			Mark: taskMark(t), Hidden: t.ID + " " + string(t.State),
		})
	}
	return items
}

func taskMark(t chat.Task) panel.Mark {
	switch t.State {
	case chat.TaskQueued, chat.TaskRunning:
		return panel.Running
	case chat.TaskFailed, chat.TaskInterrupted:
		return panel.Failed
	case chat.TaskDone, chat.TaskCancelled:
	}
	return panel.Plain
}

// taskDetail is how a task stands: its state, its model, and how long it has run
// or since when it has not.
func taskDetail(t chat.Task, now time.Time) string {
	parts := []string{string(t.State)}
	if t.CancelRequested {
		parts[0] = "stopping"
	}
	if model := sanitize.Line(t.Model); model != "" {
		parts = append(parts, model)
	}
	switch {
	case t.FinishedAt != nil:
		parts = append(parts, ago(*t.FinishedAt, now))
	case t.StartedAt != nil:
		parts = append(parts, clockOf(now.Sub(*t.StartedAt)))
	default:
		parts = append(parts, ago(t.CreatedAt, now))
	}
	return strings.Join(parts, " · ")
}

func clockOf(d time.Duration) string {
	s := max(int(d.Seconds()), 0)
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

func (m *Model) taskByID(id string) (chat.Task, bool) {
	for _, t := range m.tasks {
		if t.ID == id {
			return t, true
		}
	}
	return chat.Task{}, false
}

// stopChosen stops the task that is chosen in the list.
func (m *Model) stopChosen() tea.Cmd {
	it, ok := m.panel.Current()
	if !ok {
		return nil
	}
	t, ok := m.taskByID(it.ID)
	if !ok || t.State.Terminal() {
		m.say("that task has ended already")
		return nil
	}
	for _, msg := range m.messages {
		if msg.TaskID == t.ID {
			msg.Stopping = true
		}
	}
	m.say("stopping “" + it.Title + "”")
	return m.stopCommand(t.ID)
}
