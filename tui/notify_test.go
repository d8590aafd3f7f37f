package tui

import (
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
)

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
			s.m.terminal.Out = &terminal
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
			s.until("it has ended", func() bool { return len(s.m.server.Running()) == 0 && !s.m.conversation.Following() })
			s.send(s.m.poll()())
			if c.want != "" {
				s.until("the notification", func() bool { return terminal.String() != "" })
			}
			if got := terminal.String(); got != c.want {
				t.Errorf("the terminal got %q", got)
			}
			s.send(tea.FocusMsg{})
			if s.m.terminal.Notify("x", time.Hour) != nil {
				t.Error("still blurred")
			}
		})
	}
}
