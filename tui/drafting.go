package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"chat/tui/composer"
	"chat/tui/drafting"
	"chat/tui/terminal"
)

// leaveDraft ends the writing in the open conversation. A message on its way is
// not a draft any more; should it be refused, the history has it.
func (m *Model) leaveDraft() {
	id := m.conversation.ID()
	m.drafts.Leave(m.conversation.Session(), id, m.written(), m.input.Value(), len(m.queue.Of(id)) > 0)
	m.input.Set("")
}

// loadDraft reads the draft of the open conversation.
func (m *Model) loadDraft() tea.Cmd {
	return m.drafts.Load(m.conversation.Session(), m.conversation.ID())
}

func (m *Model) draftLoaded(msg drafting.LoadedMsg) {
	if msg.Session != m.conversation.Session() {
		m.drafts.LoadedLate(msg)
		return
	}
	if msg.Err != nil {
		m.warn(sentence(msg.Err))
	}
	text, found, restored := m.drafts.Loaded(msg, m.conversation.ID())
	if found {
		m.fill(text + m.input.Value())
	}
	if restored {
		m.say("your unsent draft is restored")
	}
}

// keepDraft keeps everything that would be lost with the screen.
func (m *Model) keepDraft() tea.Cmd {
	text := m.written()
	if pending := m.conversation.Pending(); pending != nil {
		text = drafting.Join(pending.Draft(), text)
	}
	return m.drafts.Keep(m.conversation.ID(), text)
}

// written is what is in the input, and what waits to be sent.
func (m *Model) written() string {
	text := m.input.Value()
	if b := m.conversation.Branch(); b != nil {
		text = drafting.Join(b.Stash, text)
	}
	return drafting.Join(m.queue.Text(m.conversation.ID()), text)
}

// writeForEditor writes the draft into a file for $VISUAL or $EDITOR.
func (m *Model) writeForEditor() tea.Cmd {
	return m.terminal.WriteForEditor(m.conversation.Session(), m.input.Value())
}

// openEditor gives the terminal to the editor.
func (m *Model) openEditor(msg terminal.EditorMsg) tea.Cmd {
	if msg.Err != nil {
		m.warn("cannot open an editor: " + sentence(msg.Err))
		return nil
	}
	return m.terminal.Edit(msg, m.input.Value(), composer.MaxBytes)
}

func (m *Model) edited(msg terminal.EditedMsg) {
	switch {
	case msg.Err != nil:
		m.warn("the edited text was not used: " + sentence(msg.Err))
	case msg.Session != m.conversation.Session():
		m.warn("another conversation is open: the edited text was not used")
	default:
		m.input.Set(msg.Text)
		m.conversation.Leave()
	}
}
