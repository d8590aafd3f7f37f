package tui

import (
	"context"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"chat/internal/term/theme"
)

// backgroundMsg is the terminal's background, as it says.
type backgroundMsg [3]uint8

// themeOf is the theme to begin with, and whether the terminal is to be asked for
// its background to find a better one.
func themeOf(o Options) (th theme.Theme, ask bool, err error) {
	name := o.Theme
	if o.NoColor || lookup(o.Env, "NO_COLOR") != "" {
		name = theme.None
	}
	if name == "" || name == theme.Auto {
		if name = byColorFGBG(lookup(o.Env, "COLORFGBG")); name == "" {
			ask = asksFor(lookup(o.Env, "TERM"))
		}
	}
	th, err = theme.Named(name)
	return th, ask, err
}

// byColorFGBG reads what some terminals say of themselves in the environment: the
// numbers of the foreground and the background among the sixteen colours.
func byColorFGBG(value string) string {
	parts := strings.Split(value, ";")
	if len(parts) < 2 {
		return ""
	}
	switch parts[len(parts)-1] {
	case "0", "1", "2", "3", "4", "5", "6", "8":
		return theme.Dark
	case "7", "15":
		return theme.Light
	}
	return ""
}

// asksFor leaves out the terminals that would show the question.
func asksFor(term string) bool {
	return term != "" && term != "dumb" && term != "linux" && !strings.HasPrefix(term, "vt")
}

// background asks the terminal for its background. Nobody waits for the answer:
// the screen is there already, and is painted anew should one come.
func (m *Model) backgroundCommand() tea.Cmd {
	if !m.askBackground {
		return nil
	}
	terminal := m.terminal
	return m.jobs.command(func(context.Context) tea.Msg {
		if _, err := terminal.Write([]byte("\x1b]11;?\x07")); err != nil {
			return troubleMsg{"cannot write to the terminal: " + err.Error()}
		}
		return nil
	})
}

// background chooses the theme by how bright the background is.
func (m *Model) background(msg backgroundMsg) {
	name := theme.Dark
	if brightness := 299*int(msg[0]) + 587*int(msg[1]) + 114*int(msg[2]); brightness > 1000*255/2 {
		name = theme.Light
	}
	if th, err := theme.Named(name); err == nil && m.askBackground {
		m.applyTheme(th)
	}
}

// applyTheme gives the screen another theme.
func (m *Model) applyTheme(th theme.Theme) {
	th.Answer.Number = m.keyOf(reading, "copy-code") // in front of the block's own
	m.theme = th
	m.look.Theme = th
	m.look.Version++
}
