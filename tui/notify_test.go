package tui

import (
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
)

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

func TestOneNotificationForALongAnswerWhileUnfocused(t *testing.T) {
	for _, c := range []struct {
		name      string
		blurred   bool
		elsewhere bool
		took      time.Duration
		want      string
	}{
		{"focused", false, false, time.Minute, ""},
		{"quick", true, false, 5 * time.Second, ""},
		{"in sight", true, false, time.Minute, "\x1b]9;chat: the answer in “hello ]0;x” is complete\a"},
		{"elsewhere", true, true, time.Minute, "\x1b]9;chat: the answer in “hello ]0;x” is complete\a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, newFake(), 80, 24, full, func(o *Options) { o.Env = []string{"TERM=xterm-kitty"} })
			var terminal syncBuffer
			s.m.terminal = &terminal
			task := s.ask("hello \x1b]0;x")
			if c.elsewhere {
				s.press("ctrl+n")
			}
			if c.blurred {
				s.send(tea.BlurMsg{})
			}
			s.now = s.now.Add(c.took)
			s.backend.finish(task, chat.TaskDone, "done", nil)
			s.poll()
			s.until("it has ended", func() bool { return len(s.m.running) == 0 && len(s.m.follows) == 0 })
			s.send(s.m.pollCommand()())
			if c.want != "" {
				s.until("it is told", func() bool { return terminal.String() != "" })
			}
			if got := terminal.String(); got != c.want {
				t.Errorf("the terminal got %q", got)
			}
			s.send(tea.FocusMsg{})
			if s.m.blurred {
				t.Error("still blurred")
			}
		})
	}
}
