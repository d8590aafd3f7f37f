package tui

import (
	"testing"
	"time"

	"chat"
	"chat/tui/connection"
)

func TestFailedAttemptIsReported(t *testing.T) {
	s := start(t, newFake(), 100, 24)
	task := s.ask("first")
	s.untilShown("waiting for the first words")
	task.task.State, task.task.Attempt = chat.TaskQueued, 1
	task.task.Error = chat.Retryable(chat.Errorf(chat.CodeProviderRateLimit, "the provider allows no more requests for now: wait a little"))
	task.task.RunAfter = s.m.style.Now.Add(14 * time.Second)
	s.poll()
	s.untilShown("the provider allows no more requests for now · try 2 in 0:14")
	task.task.State, task.task.Attempt = chat.TaskRunning, 2
	s.poll()
	s.untilShown("for now · try 2 ·")
	task.chunk(chat.ChunkContent, "words")
	s.untilShown("words")
}

func TestHeaderFollowsDefaultModel(t *testing.T) {
	backend := newFake()
	s := start(t, backend, 80, 24)
	s.untilShown("demo · local")
	backend.mu.Lock()
	backend.defaultModel = 1
	backend.mu.Unlock()
	s.press("ctrl+n")
	s.untilShown("qwen3:8b · local")
	s.send(connection.PolledMsg{Seq: s.m.server.Seq(), Err: chat.Errorf(chat.CodeDaemon, "away")})
	backend.mu.Lock()
	backend.defaultModel = 0
	backend.mu.Unlock()
	s.poll()
	s.untilShown("demo · local")
}

// A title that a model writes is listed as a task, and nothing else on the screen waits for it.
func TestATitleOfAModelIsShown(t *testing.T) {
	backend := newFake()
	id := backend.add("Why is the sky", "Why is the sky blue?", "Light scatters.")
	s := start(t, backend, 80, 24, full, func(o *Options) { o.ConversationID = id })
	s.untilShown("Light scatters.")
	title := &fakeTask{more: make(chan struct{}), task: chat.Task{ID: "title-1", Kind: chat.KindTitle, ConversationID: id, State: chat.TaskRunning, Model: "demo", CreatedAt: noon}}
	backend.mu.Lock()
	backend.tasks["title-1"] = title
	backend.mu.Unlock()
	s.poll()
	s.until("it is known", func() bool { _, ok := s.m.server.Task("title-1"); return ok })
	s.shows("Why is the sky · demo", "!running")
	s.press("ctrl+b")
	s.untilShown("title of Why is the sky")
	s.press("esc")
	backend.mu.Lock()
	title.task.State = chat.TaskDone
	backend.conversations[0].Title = "The blue sky"
	backend.mu.Unlock()
	s.poll()
	s.untilShown("The blue sky · demo")
	if s.m.server.Unseen(id) {
		t.Error("the conversation counts as unseen")
	}
}
