package tui

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/sanitize"
	"chat/tui/panel"
)

// chooseModel opens the list of models.
func (m *Model) chooseModel() tea.Cmd {
	backend, current := m.backend, m.modelName()
	m.show(&openPanel{
		Panel: &panel.Panel{Title: "Models", Field: "filter", Empty: "the server knows no model"},
		kind:  modelsPanel,
		search: func(ctx context.Context, _ string) ([]panel.Item, error) {
			list, err := backend.Models(ctx)
			return modelItems(list, current), err
		},
		pick: func(it panel.Item) tea.Cmd {
			m.model = it.ID
			m.say("the next messages go to " + it.Title)
			return nil
		},
	})
	cmd := m.ask("", 0)
	m.panel.search = nil // all of them come at once; typing filters
	return cmd
}

func modelItems(list []chat.Model, current string) []panel.Item {
	items := make([]panel.Item, 0, len(list))
	for _, model := range list {
		it := panel.Item{ID: model.ID, Title: sanitize.Line(model.ID), Detail: sanitize.Line(model.Provider)}
		if model.Default {
			it.Detail += " · default"
		}
		if model.ID == current || current == "" && model.Default {
			it.Mark = panel.Chosen
		}
		items = append(items, it)
	}
	return items
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
	return m.defaultModel
}

// modelsMsg tells the server's default model, and what is known of all of them.
type modelsMsg struct {
	model     string
	modelInfo map[string]chat.ModelInfo
}

// defaultModelCommand asks for the model that answers where none is chosen, and for
// what the header says of models. As it is for that only, a failure is nobody's
// concern.
func (m *Model) defaultModelCommand() tea.Cmd {
	backend := m.backend
	return m.jobs.command(func(ctx context.Context) tea.Msg {
		list, err := backend.Models(ctx)
		if err != nil {
			return nil
		}
		msg := modelsMsg{modelInfo: map[string]chat.ModelInfo{}}
		for _, model := range list {
			msg.modelInfo[model.ID] = model.ModelInfo
			if model.Default {
				msg.model = model.ID
			}
		}
		return msg
	})
}

func (m *Model) standardKnown(msg modelsMsg) {
	m.defaultModel, m.modelInfo = sanitize.Line(msg.model), msg.modelInfo
	m.cost = m.costOf(m.record.messages)
}
