package tui

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
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
		f, err := os.CreateTemp("", "chat-draft-*.md")
		if err != nil {
			return editorMsg{session: session, err: err}
		}
		_, err = f.WriteString(text)
		return editorMsg{session, f.Name(), errors.Join(err, f.Close())}
	})
}

// edit hands the terminal to the editor until that ends.
func (m *Model) edit(msg editorMsg) tea.Cmd {
	if msg.err != nil {
		m.complain("cannot open an editor: " + sentence(msg.err))
		return nil
	}
	editor := cmp.Or(lookup(m.env, "VISUAL"), lookup(m.env, "EDITOR"), "vi")
	cmd := exec.Command("/bin/sh", "-c", editor+` "$1"`, "sh", msg.file) //nolint:noctx // it ends when the user says so
	cmd.Env = m.env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = m.in, m.out, m.out // a file each: an editor wants a terminal
	return tea.ExecProcess(cmd, func(err error) tea.Msg {
		text, rerr := readDraft(msg.file)
		return editedMsg{msg.session, text, errors.Join(err, rerr)}
	})
}

// readDraft reads what the editor has left, and removes it.
func readDraft(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(io.LimitReader(f, composer.MaxBytes+1))
	err = errors.Join(err, f.Close(), os.Remove(file))
	if err == nil && len(data) > composer.MaxBytes {
		err = chat.Errorf(chat.CodeTooLarge, tooLong)
	}
	return string(data), err
}

func (m *Model) edited(msg editedMsg) {
	switch {
	case msg.err != nil:
		m.complain("the editor's text was not taken: " + sentence(msg.err))
	case msg.session != m.session:
		m.complain("another conversation is open: the editor's text was not taken")
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
