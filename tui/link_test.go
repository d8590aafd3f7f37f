package tui

import (
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/connection"
	"chat/tui/lists"
)

func TestDegradedServerIsReported(t *testing.T) {
	backend := newFake()
	s := start(t, backend, 120, 24, full)
	s.untilShown("live")
	set := func(trouble string, err error) {
		backend.mu.Lock()
		defer backend.mu.Unlock()
		backend.trouble, backend.runningErr = trouble, err
	}
	set("Redis is \x1b[31mdown; answers continue", nil)
	s.send(tea.FocusMsg{}) // polls immediately
	s.untilShown("degraded: Redis is down; answers continue")
	s.shows("enter send")
	set("", chat.Errorf(chat.CodeUnavailable, "the database cannot be reached"))
	s.send(tea.FocusMsg{})
	s.untilShown("degraded: the database cannot be reached · next try in 1 s")
	set("", nil)
	s.send(tea.FocusMsg{})
	s.untilShown("restored")
	task := s.ask("hello")
	s.shows(lists.ShortID(task.task.ID) + "  ")
}

func TestConnectionIsAlwaysVisible(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	task := s.ask("hello")
	s.untilShown("live")
	task.yield(chat.FollowEvent{Conn: &chat.ConnState{
		State: chat.ConnReconnecting, Reason: "connection refused", NextTry: s.now.Add(4 * time.Second),
	}})
	s.untilShown("reconnecting: connection refused · next try in 4 s")
	s.now = s.now.Add(2 * time.Second)
	s.send(tickMsg{})
	s.untilShown("next try in 2 s")
	s.golden("reconnecting_80x24")
	task.yield(chat.FollowEvent{Conn: &chat.ConnState{State: chat.ConnLive}})
	s.untilShown("restored")
	s.now = s.now.Add(connection.RestoredFor)
	s.send(tickMsg{})
	s.untilShown("live")
}

func TestUnreachableServerIsReportedWithoutAStream(t *testing.T) {
	backend := newFake()
	backend.runningErr = chat.Errorf(chat.CodeDaemon, "the daemon does not answer")
	s := start(t, backend, 80, 24)
	s.untilShown("reconnecting: the daemon does not answer · next try in 1 s")
	backend.mu.Lock()
	backend.runningErr = nil
	backend.mu.Unlock()
	s.untilShown("restored")
}
