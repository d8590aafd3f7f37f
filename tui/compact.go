package tui

import (
	"context"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/backend"
	"chat/tui/transcript"
)

func canCompact(m *Model) bool {
	_, ok := m.backend.(backend.Compacter)
	return ok && m.conversation.ID() != ""
}

// compactedMsg is the result of asking for a summary, or of removing one.
type compactedMsg struct {
	said string
	err  error
}

// compact asks for a summary of the open conversation.
func (m *Model) compact() tea.Cmd {
	return m.changeSummary("a summary is being written: "+m.keys.Hint("tasks")+" shows its task", backend.Compacter.Compact)
}

// undoCompact removes the summary of the open conversation.
func (m *Model) undoCompact() tea.Cmd {
	return m.changeSummary("the summary is removed: the model gets the messages again", backend.Compacter.UndoCompact)
}

func (m *Model) changeSummary(said string, change func(backend.Compacter, context.Context, string) error) tea.Cmd {
	compacter, ok := m.backend.(backend.Compacter)
	id := m.conversation.ID()
	if !ok || id == "" {
		m.say("there is no conversation yet")
		return nil
	}
	return m.jobs.Command(func(ctx context.Context) tea.Msg { return compactedMsg{said, change(compacter, ctx, id)} })
}

func (m *Model) compacted(msg compactedMsg) tea.Cmd {
	if msg.err != nil {
		m.warn(sentence(msg.err))
		return nil
	}
	m.say(msg.said)
	return m.poll()
}

// offerSummary asks whether to write a summary, after an answer that failed because the
// conversation is too long. It does not interrupt a message that is being written.
func (m *Model) offerSummary(ended *transcript.Message) tea.Cmd {
	if ended.Code() != chat.CodeProviderContext || !canCompact(m) {
		return nil
	}
	learned := m.loadModels() // the server may know the size of the context now
	if m.input.Empty() && m.question == nil {
		m.askFor("too long: summarize the beginning?", "yes", func(text string) tea.Cmd {
			if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(text)), "y") {
				return nil
			}
			return m.compact()
		})
	}
	return learned
}
