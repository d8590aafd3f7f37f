package tui

import (
	"context"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"chat"
	"chat/tui/transcript"
)

// notifyAfter is how long an answer must have taken to be worth calling somebody
// back to a terminal that has lost the focus.
const notifyAfter = 10 * time.Second

// focused says that the terminal has the focus again: what others did meanwhile
// is asked for at once.
func (m *Model) focused() tea.Cmd {
	m.blurred = false
	return m.pollCommand()
}

// notify tells the desktop, by the terminal, that an answer has ended. It does so
// only while the terminal says that it has not the focus, and once for a task.
func (m *Model) notify(conversation string, began time.Time, state chat.TaskState) tea.Cmd {
	if !m.blurred || m.look.Now.Sub(began) < notifyAfter {
		return nil
	}
	text := "the answer in “" + ansi.Truncate(m.titleByID(conversation), 60, "…") + "” " + endOf(state)
	sequence, terminal := notification(m.env, text), m.terminal
	return m.jobs.command(func(context.Context) tea.Msg {
		if _, err := terminal.Write([]byte(sequence)); err != nil {
			return troubleMsg{"cannot notify: " + err.Error()}
		}
		return nil
	})
}

// answered notifies of an answer of the open conversation.
func (m *Model) answered(item *transcript.Message) tea.Cmd {
	return m.notify(m.conversation.ID, item.At(), item.State())
}

// notification is the sequence that the terminal understands: OSC 9 (iTerm2's),
// OSC 777 (rxvt's), or the bell, which all do, and which tmux passes on. text is
// clean.
func notification(env []string, text string) string {
	term := lookup(env, "TERM")
	if lookup(env, "TMUX") != "" || strings.HasPrefix(term, "screen") {
		return "\a"
	}
	switch lookup(env, "TERM_PROGRAM") {
	case "iTerm.app", "WezTerm", "ghostty", "WarpTerminal":
		return "\x1b]9;chat: " + text + "\a"
	}
	switch {
	case strings.Contains(term, "kitty"), strings.Contains(term, "ghostty"):
		return "\x1b]9;chat: " + text + "\a"
	case strings.HasPrefix(term, "foot"), strings.HasPrefix(term, "rxvt"):
		return "\x1b]777;notify;chat;" + text + "\a"
	}
	return "\a"
}
