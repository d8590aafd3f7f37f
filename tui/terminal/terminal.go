// Package terminal is what the screen does with the terminal besides frames: it
// asks for the background, sends notifications, turns the mouse on and off, and
// gives the terminal to an editor.
package terminal

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"chat/tui/jobs"
)

// Terminal is the state of the terminal.
type Terminal struct {
	// Env is the environment as os.Environ gives it.
	Env []string
	// Out takes whole sequences besides the frames.
	Out io.Writer

	jobs    *jobs.Runner
	in, out *os.File // the terminal itself, for an editor
	ask     bool     // the theme follows the terminal's background
	mouse   bool
	blurred bool // the terminal has reported that it lost the focus
}

// New returns a Terminal whose sequences go nowhere until Out is set. ask says
// that the theme follows the terminal's background.
func New(j *jobs.Runner, env []string, in, out *os.File, ask bool) *Terminal {
	return &Terminal{Env: env, Out: io.Discard, jobs: j, in: in, out: out, ask: ask}
}

// write writes a sequence. what names it in a failure.
func (t *Terminal) write(sequence, what string) tea.Cmd {
	out := t.Out
	return t.jobs.Command(func(context.Context) tea.Msg {
		if _, err := io.WriteString(out, sequence); err != nil {
			return jobs.Failure{Err: fmt.Errorf("cannot %s: %w", what, err)}
		}
		return nil
	})
}

// ToggleMouse gives the mouse to the screen or to the terminal.
func (t *Terminal) ToggleMouse() (on bool, cmd tea.Cmd) {
	t.mouse = !t.mouse
	if t.mouse {
		return true, tea.EnableMouseCellMotion
	}
	return false, tea.DisableMouse
}

// Resume follows after another program had the terminal. Bubble Tea restores all
// modes except the mouse's.
func (t *Terminal) Resume() tea.Cmd {
	if !t.mouse {
		return nil
	}
	return tea.EnableMouseCellMotion
}

// Lookup returns the value of an environment variable.
func Lookup(env []string, name string) string {
	for _, kv := range env {
		if k, v, ok := strings.Cut(kv, "="); ok && k == name {
			return v
		}
	}
	return ""
}
