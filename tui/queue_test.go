package tui

import (
	"os"
	"path/filepath"
	"testing"

	"chat"
	"chat/tui/queue"
)

func (f *fakeBackend) contents() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, s := range f.sent {
		all = append(all, s.Content)
	}
	return all
}

func (s *screenTest) untilSent(n int) {
	s.t.Helper()
	s.until("the messages are sent", func() bool { return len(s.backend.contents()) == n })
}

func TestAMessageEnteredDuringAnAnswerWaitsForIt(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	task := s.ask("first")
	task.chunk(chat.ChunkContent, "an answer")
	s.untilShown("an answer")
	s.typeText("second")
	s.press("enter")
	s.typeText("third")
	s.press("enter")
	s.untilShown("waits for the answer · up takes it back")
	s.golden("queued_80x24")
	s.backend.finish(task, chat.TaskDone, "an answer", nil)
	s.untilSent(2)
	s.until("the second is followed", func() bool { return s.backend.newest().following() > 0 })
	if got := s.backend.contents(); got[1] != "second" {
		t.Fatalf("sent %q", got)
	}
	s.backend.finish(s.backend.newest(), chat.TaskDone, "another answer", nil)
	s.untilSent(3)
}

func TestAMessageThatWaitsIsTakenBack(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	task := s.ask("first")
	s.typeText("second")
	s.press("enter", "up")
	s.untilDraft("second")
	s.press("ctrl+c") // stops the answer
	s.backend.finish(task, chat.TaskCancelled, "", nil)
	s.untilShown("Stopped.")
	if n := len(s.backend.contents()); n != 1 {
		t.Fatalf("%d messages were sent", n)
	}
}

func TestAfterAFailedAnswerTheUserDecides(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	task := s.ask("first")
	s.typeText("second")
	s.press("enter")
	s.backend.finish(task, chat.TaskFailed, "", chat.Errorf(chat.CodeProviderServer, "503"))
	s.untilDraft("second")
	s.untilShown("back in the input")
}

func TestQueueOfAnotherConversationIsSent(t *testing.T) {
	for _, state := range []chat.TaskState{chat.TaskDone, chat.TaskFailed} {
		t.Run(string(state), func(t *testing.T) {
			s := start(t, newFake(), 80, 24)
			task := s.ask("first")
			id := task.task.ConversationID
			s.typeText("second")
			s.press("enter")
			s.typeText("being written")
			s.press("ctrl+n")
			s.backend.finish(task, state, "an answer", nil)
			s.poll()
			if state == chat.TaskDone {
				s.untilSent(2)
				s.until("nothing waits any more", func() bool { return s.m.queue.Len() == 0 })
				if got := s.m.input.Prompts(); got[len(got)-1] != "second" {
					t.Errorf("the history is %q", got)
				}
				s.run(s.m.openConversation(id))
				s.untilDraft("being written")
				return
			}
			s.untilShown("was not sent; it is kept as the draft there")
			s.run(s.m.openConversation(id))
			s.untilDraft("second\n\nbeing written")
		})
	}
}

func TestQueueIsADraftForTheNextScreen(t *testing.T) {
	dir, backend := t.TempDir(), newFake()
	s := start(t, backend, 80, 24, func(o *Options) { o.StateDir = dir })
	task := s.ask("first")
	id := task.task.ConversationID
	s.typeText("second")
	s.press("enter")
	s.typeText("third")
	s.until("it is on disk", func() bool {
		data, err := os.ReadFile(filepath.Join(dir, "drafts", id+".draft"))
		return err == nil && string(data) == "second\n\nthird"
	})
	if e := s.m.exit(t.Context()); e.Waiting != 1 {
		t.Fatalf("exit %+v", e)
	}
	next := start(t, backend, 80, 24, func(o *Options) { o.StateDir, o.ConversationID = dir, id })
	next.untilDraft("second\n\nthird")
}

func TestMessageStaysInInputWhenQueueIsFull(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("package a"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, newFake(), 80, 24, func(o *Options) { o.Dir = dir })
	s.ask("first")
	for range queue.MaxWaiting {
		s.typeText("next")
		s.press("enter")
	}
	s.typeText("too much")
	s.press("enter")
	s.untilShown("stays in the input")
	s.untilDraft("too much")
	s.press("enter")
	s.untilDraft("too much")
	s.m.input.Set("look @a.go ")
	s.press("enter")
	s.until("the file is looked for", func() bool { return !s.m.input.Attaching() })
	s.untilDraft("look @a.go ")
}
