package terminal

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"chat/internal/term/theme"
)

// BackgroundMsg is the terminal's background as red, green and blue.
type BackgroundMsg [3]uint8

// Theme is the theme to begin with. ask says that the terminal's background may
// lead to a better one.
func Theme(name string, noColor bool, env []string) (th theme.Theme, ask bool, err error) {
	if noColor || Lookup(env, "NO_COLOR") != "" {
		name = theme.None
	}
	if name == "" || name == theme.Auto {
		if name = byColorFGBG(Lookup(env, "COLORFGBG")); name == "" {
			ask = answers(Lookup(env, "TERM"))
		}
	}
	th, err = theme.Named(name)
	return th, ask, err
}

// byColorFGBG chooses a theme by COLORFGBG, in which some terminals give the
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

// answers reports false for terminals that would show the question as text.
func answers(term string) bool {
	return term != "" && term != "dumb" && term != "linux" && !strings.HasPrefix(term, "vt")
}

// AskBackground asks the terminal for its background. The screen does not wait:
// it is painted again if an answer comes.
func (t *Terminal) AskBackground() tea.Cmd {
	if !t.ask {
		return nil
	}
	return t.write("\x1b]11;?\x07", "write to the terminal")
}

// ThemeFor chooses a theme by the brightness of the background; false if the theme
// does not follow the background.
func (t *Terminal) ThemeFor(msg BackgroundMsg) (theme.Theme, bool) {
	name := theme.Dark
	if brightness := 299*int(msg[0]) + 587*int(msg[1]) + 114*int(msg[2]); brightness > 1000*255/2 {
		name = theme.Light
	}
	th, err := theme.Named(name)
	return th, err == nil && t.ask
}
