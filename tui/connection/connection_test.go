package connection

import (
	"context"
	"testing"
	"time"

	"chat"
	"chat/internal/term/theme"
	"chat/tui/jobs"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

type fakeBackend struct{}

func (fakeBackend) Conversations(context.Context, string) ([]chat.Conversation, error) {
	return nil, nil
}
func (fakeBackend) Running(context.Context) ([]chat.Task, error) { return nil, nil }

func TestLabel(t *testing.T) {
	p := NewPoller(jobs.New(t.Context()), fakeBackend{})
	check := func(now time.Time, want string, urgent bool) {
		t.Helper()
		if text, _, u := p.Label(theme.Theme{}, now); text != want || u != urgent {
			t.Errorf("%q, urgent %v, want %q", text, u, want)
		}
	}
	check(noon, "connecting", false)
	p.Failed(chat.Errorf(chat.CodeDaemon, "away"), noon)
	p.Failed(chat.Errorf(chat.CodeDaemon, "away"), noon)
	check(noon, "reconnecting: away · next try in 2 s", true)
	p.Failed(chat.Errorf(chat.CodeUnavailable, "no database"), noon)
	check(noon, "degraded: no database · next try in 4 s", true)
	p.Apply(PolledMsg{Degraded: "Redis is down"}, "", noon)
	check(noon, "degraded: Redis is down", false)
	p.Apply(PolledMsg{}, "", noon)
	check(noon, "restored", false)
	check(noon.Add(RestoredFor), "live", false)
	p.SetStream(2, chat.ConnState{State: chat.ConnReconnecting, Reason: "cut"}, noon)
	check(noon, "reconnecting: cut", true)
	p.EndStream(2)
	check(noon.Add(RestoredFor), "live", false)
}

func TestEndedTasksOfOtherConversations(t *testing.T) {
	p := NewPoller(jobs.New(t.Context()), fakeBackend{})
	p.Apply(PolledMsg{Running: []chat.Task{{ID: "1", ConversationID: "open"}, {ID: "2", ConversationID: "a"}, {ID: "3", ConversationID: "b"}}}, "open", noon)
	p.SetEnded("3", true)
	if !p.Answering("a") || p.Answering("b") {
		t.Error("wrong conversations are being answered")
	}
	ended := p.Apply(PolledMsg{Tasks: []chat.Task{{ID: "2", State: chat.TaskDone}}}, "open", noon)
	if len(ended) != 1 || ended[0].ID != "2" || ended[0].State != chat.TaskDone || !p.Unseen("a") || p.Unseen("b") {
		t.Errorf("ended: %+v", ended)
	}
	if p.SetSeen("a"); p.Unseen("a") {
		t.Error("still unseen")
	}
}
