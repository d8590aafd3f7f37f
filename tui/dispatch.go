package tui

import (
	tea "github.com/charmbracelet/bubbletea"
)

// handle takes one message: what the terminal says, what the streams bring, or
// what a command has come back with.
func (m *Model) handle(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyMsg:
		return m.key(msg)
	case tea.MouseMsg:
		m.wheel(msg)
	case tea.FocusMsg:
		return m.focused()
	case tea.BlurMsg:
		m.blurred = true
	case tea.ResumeMsg:
		return m.resumed()
	case backgroundMsg:
		m.background(msg)
	case framesMsg:
		return tea.Batch(m.frames(msg), m.framesCommand())
	case tickMsg:
		m.ticking = false
	case pollMsg:
		return m.poll(msg)
	case pollDueMsg:
		if msg.seq == m.pollSeq {
			return m.pollCommand()
		}
	default:
		return m.result(msg)
	}
	return nil
}

// result takes what a command has come back with.
func (m *Model) result(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case openedMsg:
		return m.opened(msg)
	case recordMsg:
		return m.recorded(msg)
	case sentMsg:
		return m.sent(msg)
	case queuedMsg:
		return m.queued(msg)
	case stoppedMsg:
		return m.stopped(msg)
	case regenerateMsg:
		return m.regenerated(msg)
	case renamedMsg:
		return m.renamed(msg)
	case removalDueMsg:
		return m.removalDue(msg)
	case removedMsg:
		return m.removalDone(msg)
	case itemsMsg:
		return m.items(msg)
	case notesMsg:
		m.noted(msg)
	case modelsMsg:
		m.standardKnown(msg)
	case copiedMsg:
		m.copied(msg)
	case troubleMsg:
		m.trouble(msg)
	default:
		return m.local(msg)
	}
	return nil
}

// local takes what was done on this machine: drafts, files, the editor.
func (m *Model) local(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case draftMsg:
		m.drafted(msg)
	case flushedMsg:
		return m.flushed(msg)
	case historyMsg:
		m.historyLoaded(msg)
	case attachedMsg:
		return m.attached(msg)
	case pathMsg:
		m.pathKnown(msg)
	case filesMsg:
		m.filesFound(msg)
	case listedMsg:
		m.listed(msg)
	case editorMsg:
		return m.edit(msg)
	case editedMsg:
		m.edited(msg)
		return m.resumed()
	}
	return nil
}
