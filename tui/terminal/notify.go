package terminal

import (
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// notifyAfter is how long an answer must have taken to be worth a notification.
const notifyAfter = 10 * time.Second

// SetFocus records whether the terminal has the focus.
func (t *Terminal) SetFocus(focused bool) { t.blurred = !focused }

// Notify notifies the desktop of the end of an answer that took so long, if the
// terminal does not have the focus. text must be clean.
func (t *Terminal) Notify(text string, took time.Duration) tea.Cmd {
	if !t.blurred || took < notifyAfter {
		return nil
	}
	return t.write(notification(t.Env, text), "notify")
}

// notification is the sequence that the terminal understands: OSC 9 (iTerm2's),
// OSC 777 (rxvt's), or BEL, which all understand and which tmux passes on.
func notification(env []string, text string) string {
	term := Lookup(env, "TERM")
	if Lookup(env, "TMUX") != "" || strings.HasPrefix(term, "screen") {
		return "\a"
	}
	switch Lookup(env, "TERM_PROGRAM") {
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
