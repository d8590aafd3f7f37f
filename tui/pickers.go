package tui

import (
	"context"
	"fmt"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/sanitize"
)

// typingPause is how long typing must rest before the server is searched.
const typingPause = 150 * time.Millisecond

// openPicker shows a picker and fills it with what fetch finds for "".
func (m *Model) openPicker(p *picker, fetch func(ctx context.Context, query string) ([]choice, error), remote bool) tea.Cmd {
	m.pickers++
	p.id, p.loading = m.pickers, true
	m.picker, m.help = p, nil
	ask := func(query string, rest time.Duration) tea.Cmd {
		return m.jobs.command(func(ctx context.Context) tea.Msg {
			pause(ctx, rest)
			choices, err := fetch(ctx, query)
			return choicesMsg{p.id, query, choices, err}
		})
	}
	if remote {
		p.search = func(query string) tea.Cmd { return ask(query, typingPause) }
	}
	return ask("", 0)
}

func (m *Model) chooseConversation() tea.Cmd {
	backend, now := m.backend, m.look.Now
	return m.openPicker(&picker{
		title: "Conversations",
		pick:  func(c choice) tea.Cmd { return m.openConversation(c.id) },
	}, func(ctx context.Context, query string) ([]choice, error) {
		list, err := backend.Conversations(ctx, query)
		choices := make([]choice, 0, len(list))
		for _, c := range list {
			title := sanitize.Line(c.Title)
			if title == "" {
				title = "(untitled)"
			}
			choices = append(choices, choice{c.ID, title, ago(c.UpdatedAt, now)})
		}
		return choices, err
	}, true)
}

func (m *Model) chooseModel() tea.Cmd {
	backend := m.backend
	return m.openPicker(&picker{
		title: "Model",
		pick: func(c choice) tea.Cmd {
			m.model = c.id
			m.say("the next messages go to " + c.title)
			return nil
		},
	}, func(ctx context.Context, _ string) ([]choice, error) {
		list, err := backend.Models(ctx)
		choices := make([]choice, 0, len(list))
		for _, model := range list {
			detail := sanitize.Line(model.Provider)
			if model.Default {
				detail += " · default"
			}
			choices = append(choices, choice{model.ID, sanitize.Line(model.ID), detail})
		}
		return choices, err
	}, false)
}

func (m *Model) chooseTask() tea.Cmd {
	backend, now := m.backend, m.look.Now
	return m.openPicker(&picker{
		title: "Tasks",
		pick:  func(c choice) tea.Cmd { return m.openConversation(c.id) },
	}, func(ctx context.Context, _ string) ([]choice, error) {
		tasks, err := backend.Running(ctx)
		choices := make([]choice, 0, len(tasks))
		for _, t := range tasks {
			title := fmt.Sprintf("%s  %s  %s", shortID(t.ID), t.State, sanitize.Line(t.Model))
			choices = append(choices, choice{t.ConversationID, title, ago(t.CreatedAt, now)})
		}
		return choices, err
	}, false)
}

// shortID is the end of an id: the beginnings of UUIDv7s made at about the same
// time are the same.
func shortID(id string) string {
	id = sanitize.Line(id)
	return id[max(0, len(id)-8):]
}

// ago is a time in few characters.
func ago(at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	d := now.Sub(at)
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	case d < 30*24*time.Hour:
		return fmt.Sprintf("%d d", int(d.Hours()/24))
	}
	return at.Format("Jan 2006")
}

// modelName is the model that the next message goes to, as far as known.
func (m *Model) modelName() string {
	if m.model != "" {
		return m.model
	}
	if m.conversation.Model != "" {
		return m.conversation.Model
	}
	for i := len(m.messages) - 1; i >= 0; i-- {
		if m.messages[i].Role == chat.RoleAssistant && m.messages[i].Model() != "" {
			return m.messages[i].Model()
		}
	}
	return ""
}
