package terminal

import (
	"errors"
	"strings"
	"testing"

	"chat/internal/term/theme"
)

func TestThemeByEnvironment(t *testing.T) {
	for _, c := range []struct {
		name    string
		noColor bool
		env     string
		want    string
		ask     bool
	}{
		{"", false, "TERM=xterm", theme.ANSI16, true},
		{"", false, "TERM=linux", theme.ANSI16, false},
		{"", false, "TERM=xterm COLORFGBG=15;0", theme.Dark, false},
		{"", false, "TERM=xterm COLORFGBG=0;default;15", theme.Light, false},
		{"", false, "TERM=xterm COLORFGBG=x", theme.ANSI16, true},
		{"", false, "TERM=xterm NO_COLOR=1", theme.None, false},
		{theme.Light, false, "TERM=xterm", theme.Light, false},
		{theme.Light, true, "", theme.None, false},
	} {
		want, err := theme.Named(c.want)
		got, ask, err2 := Theme(c.name, c.noColor, strings.Fields(c.env))
		if err := errors.Join(err, err2); err != nil || got != want || ask != c.ask {
			t.Errorf("%+v: asks %v, %v", c, ask, err)
		}
	}
	if _, _, err := Theme("pink", false, nil); err == nil {
		t.Error("pink is a theme")
	}
}

func TestNotificationsByTerminal(t *testing.T) {
	for env, want := range map[string]string{
		"TERM=xterm-256color": "\a", "TERM_PROGRAM=WezTerm": "\x1b]9;chat: x\a", "TERM=xterm-kitty": "\x1b]9;chat: x\a",
		"TERM=foot": "\x1b]777;notify;chat;x\a", "TERM=xterm-kitty TMUX=/tmp/t": "\a", "TERM=screen TERM_PROGRAM=iTerm.app": "\a",
	} {
		if got := notification(strings.Fields(env), "x"); got != want {
			t.Errorf("%s: %q", env, got)
		}
	}
}
