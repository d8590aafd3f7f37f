package terminal

import (
	"context"
	"os"

	tea "github.com/charmbracelet/bubbletea"

	"chat/internal/term/editor"
)

type (
	// EditorMsg says that a text is in a file, ready for the editor.
	EditorMsg struct {
		session int
		file    string
		Err     error
	}
	// EditedMsg is the text as the editor has left it.
	EditedMsg struct {
		Session int
		Text    string
		Err     error
	}
)

// WriteForEditor writes a text into a file for $VISUAL or $EDITOR.
func (t *Terminal) WriteForEditor(session int, text string) tea.Cmd {
	return t.jobs.Command(func(context.Context) tea.Msg {
		file, err := editor.Write("chat-draft-*.md", text)
		return EditorMsg{session, file, err}
	})
}

// Edit gives the terminal to the editor until that ends. A text that cannot be
// used stays in the file; current is the text in the input, maxBytes its limit.
func (t *Terminal) Edit(msg EditorMsg, current string, maxBytes int) tea.Cmd {
	name := editor.Name(func(variable string) string { return Lookup(t.Env, variable) })
	cmd := editor.Command(name, msg.file)
	cmd.Env = t.Env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.in, t.out, t.out // files: an editor needs a terminal
	return tea.ExecProcess(cmd, func(err error) tea.Msg {
		text, err := "", editor.Failed(name, err)
		if err == nil {
			text, err = editor.Read(msg.file, maxBytes)
		}
		if err != nil {
			err = editor.Keep(msg.file, current, err)
		} else {
			err = os.Remove(msg.file)
		}
		return EditedMsg{msg.session, trimEnd(text), err}
	})
}

// trimEnd removes the line end that editors put after the last line.
func trimEnd(text string) string {
	for len(text) > 0 && (text[len(text)-1] == '\n' || text[len(text)-1] == '\r') {
		text = text[:len(text)-1]
	}
	return text
}
