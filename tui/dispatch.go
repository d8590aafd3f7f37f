package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/sanitize"
	"chat/tui/connection"
	"chat/tui/conversation"
	"chat/tui/deletion"
	"chat/tui/drafting"
	"chat/tui/input"
	"chat/tui/jobs"
	"chat/tui/panel"
	"chat/tui/queue"
	"chat/tui/terminal"
)

// handle routes one message: from the terminal, the streams, the poll, or a
// command that has ended.
func (m *Model) handle(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyMsg:
		return m.key(msg)
	case tea.MouseMsg:
		m.wheel(msg)
	case tea.FocusMsg:
		m.terminal.SetFocus(true)
		return m.poll() // other screens may have changed something meanwhile
	case tea.BlurMsg:
		m.terminal.SetFocus(false)
	case tea.ResumeMsg:
		return m.terminal.Resume()
	case terminal.BackgroundMsg:
		if th, ok := m.terminal.ThemeFor(msg); ok {
			m.applyTheme(th)
		}
	case conversation.BatchesMsg:
		return tea.Batch(m.streamed(msg), m.conversation.Next())
	case tickMsg:
		m.ticking = false
	case connection.PolledMsg:
		return m.polled(msg)
	case connection.PollDueMsg:
		if m.server.Due(msg) {
			return m.poll()
		}
	default:
		return m.result(msg)
	}
	return nil
}

// result routes what the server has answered.
func (m *Model) result(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case conversation.OpenedMsg:
		return m.opened(msg)
	case conversation.RefreshedMsg:
		return m.refreshed(msg)
	case conversation.SentMsg:
		return m.sent(msg)
	case queue.SentMsg:
		return m.queuedSent(msg)
	case stoppedMsg:
		return m.stopped(msg)
	case regeneratedMsg:
		return m.regenerated(msg)
	case compactedMsg:
		return m.compacted(msg)
	case renamedMsg:
		return m.renamed(msg)
	case parametersMsg:
		return m.parametersSet(msg)
	case deletion.DueMsg:
		return m.deletions.Due(msg)
	case deletion.DoneMsg:
		return m.deleted(msg)
	case panel.FoundMsg:
		if m.list.Found(msg, m.visible) {
			return m.findNotes()
		}
	case panel.NotesMsg:
		m.list.NotesFound(msg)
	case modelsMsg:
		m.defaultModel = sanitize.Line(msg.model)
		m.usage.SetModels(msg.info)
	case copiedMsg:
		m.copied(msg)
	case jobs.Failure:
		m.warn(sentence(msg.Err))
	default:
		return m.local(msg)
	}
	return nil
}

// local routes what was done on this machine: drafts, files, the editor.
func (m *Model) local(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case drafting.LoadedMsg:
		m.draftLoaded(msg)
	case drafting.FlushedMsg:
		cmd, err := m.drafts.Flushed(msg)
		if err != nil {
			m.warn(sentence(err))
		}
		return cmd
	case input.HistoryMsg:
		if msg.Err != nil {
			m.warn(sentence(msg.Err))
		}
		m.input.HistoryLoaded(msg)
	case input.AttachedMsg:
		return m.attached(msg)
	case input.PathMsg:
		m.input.PathKnown(msg, m.conversation.Session())
	case input.FilesMsg:
		m.input.FilesFound(msg)
	case input.ListedMsg:
		m.input.FilesListed(msg)
	case terminal.EditorMsg:
		return m.openEditor(msg)
	case terminal.EditedMsg:
		m.edited(msg)
		return m.terminal.Resume()
	}
	return nil
}

// sentence is an error as one clean row.
func sentence(err error) string { return sanitize.Line(chat.AsError(err).Message) }
