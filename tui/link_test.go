package tui

import (
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
)

func TestADegradedServerIsTold(t *testing.T) {
	backend := newFake()
	s := start(t, backend, 120, 24, full)
	s.untilShown("live")
	set := func(trouble string, err error) {
		backend.mu.Lock()
		defer backend.mu.Unlock()
		backend.trouble, backend.runningErr = trouble, err
	}
	set("Redis is \x1b[31mdown; answers go on", nil)
	s.send(tea.FocusMsg{}) // asks at once
	s.untilShown("degraded: Redis is down; answers go on")
	s.shows("enter send")
	set("", chat.Errorf(chat.CodeUnavailable, "the database cannot be reached"))
	s.send(tea.FocusMsg{})
	s.untilShown("degraded: the database cannot be reached · next try in 1 s")
	set("", nil)
	s.send(tea.FocusMsg{})
	s.untilShown("restored")
	task := s.ask("hello")
	s.shows(shortID(task.task.ID) + "  ")
}
