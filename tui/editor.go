package tui

import (
	"context"
	"os"

	tea "github.com/charmbracelet/bubbletea"

	"chat/internal/term/editor"
	"chat/tui/composer"
)

type (
	// editorMsg says that the draft is in a file, for the editor.
	editorMsg struct {
		session int
		file    string
		err     error
	}
	// editedMsg is the draft as it comes back.
	editedMsg struct {
		session int
		text    string
		err     error
	}
)

// openEditor writes the draft into a file for $VISUAL or $EDITOR.
func (m *Model) openEditor() tea.Cmd {
	session, text := m.session, m.input.Value()
	return m.jobs.command(func(context.Context) tea.Msg {
		file, err := editor.Write("chat-draft-*.md", text)
		return editorMsg{session, file, err}
	})
}

// edit hands the terminal to the editor until that ends. What cannot be taken of its
// text stays in the file.
func (m *Model) edit(msg editorMsg) tea.Cmd {
	if msg.err != nil {
		m.warn("cannot open an editor: " + sentence(msg.err))
		return nil
	}
	given, name := m.input.Value(), editor.Name(func(variable string) string { return lookup(m.env, variable) })
	cmd := editor.Command(name, msg.file)
	cmd.Env = m.env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = m.in, m.out, m.out // a file each: an editor wants a terminal
	return tea.ExecProcess(cmd, func(err error) tea.Msg {
		text, err := "", editor.Failed(name, err)
		if err == nil {
			text, err = editor.Read(msg.file, composer.MaxBytes)
		}
		if err != nil {
			err = editor.Keep(msg.file, given, err)
		} else {
			err = os.Remove(msg.file)
		}
		return editedMsg{msg.session, text, err}
	})
}

func (m *Model) edited(msg editedMsg) {
	switch {
	case msg.err != nil:
		m.warn("the editor's text was not taken: " + sentence(msg.err))
	case msg.session != m.session:
		m.warn("another conversation is open: the editor's text was not taken")
	default:
		m.input.Set(trimEnd(msg.text))
		m.write()
	}
}

// trimEnd takes off the line end that editors put behind the last line.
func trimEnd(text string) string {
	for len(text) > 0 && (text[len(text)-1] == '\n' || text[len(text)-1] == '\r') {
		text = text[:len(text)-1]
	}
	return text
}
