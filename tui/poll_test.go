package tui

import (
	"testing"
	"time"

	"chat"
)

func TestAnAttemptThatFailedIsTold(t *testing.T) {
	s := start(t, newFake(), 100, 24)
	task := s.ask("first")
	s.untilShown("waiting for the first words")
	task.task.State, task.task.Attempt = chat.TaskQueued, 1
	task.task.Error = chat.Retryable(chat.Errorf(chat.CodeProviderRateLimit, "the provider allows no more requests for now: wait a little"))
	task.task.RunAfter = s.m.look.Now.Add(14 * time.Second)
	s.poll()
	s.untilShown("the provider allows no more requests for now · try 2 in 0:14")
	task.task.State, task.task.Attempt = chat.TaskRunning, 2
	s.poll()
	s.untilShown("for now · try 2 ·")
	task.chunk(chat.ChunkContent, "words")
	s.untilShown("words")
}

func TestTheHeaderKnowsTheDefaultModelOfNow(t *testing.T) {
	backend := newFake()
	s := start(t, backend, 80, 24)
	s.untilShown("demo · local")
	backend.mu.Lock()
	backend.standard = 1
	backend.mu.Unlock()
	s.press("ctrl+n")
	s.untilShown("qwen3:8b · local")
	s.send(pollMsg{seq: s.m.pollSeq, err: chat.Errorf(chat.CodeDaemon, "away")})
	backend.mu.Lock()
	backend.standard = 0
	backend.mu.Unlock()
	s.poll()
	s.untilShown("demo · local")
}
