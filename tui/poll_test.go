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
