package tui

import (
	"slices"
	"testing"

	"chat"
	"chat/tui/conversation"
)

// poll polls now.
func (s *screenTest) poll() { s.run(s.m.poll()) }

// twoScreens are two screens on one conversation with one answered question.
func twoScreens(t *testing.T) (sender, watcher *screenTest) {
	t.Helper()
	backend := newFake()
	id := backend.add("Shared", "first question", "first answer")
	open := func(o *Options) { o.ConversationID = id }
	sender, watcher = start(t, backend, 80, 24, open), start(t, backend, 80, 24, open)
	sender.untilShown("first answer")
	watcher.untilShown("first answer")
	return sender, watcher
}

func TestAnotherScreensMessageIsShownAndFollowed(t *testing.T) {
	sender, watcher := twoScreens(t)
	task := sender.ask("sent from elsewhere")
	watcher.poll()
	watcher.untilShown("sent from elsewhere")
	task.chunk(chat.ChunkContent, "seen on both")
	watcher.untilShown("seen on both")
	sender.untilShown("seen on both")
	sender.backend.finish(task, chat.TaskDone, "seen on both, to the end", nil)
	watcher.untilShown("seen on both, to the end")
	if n := len(watcher.m.conversation.Shown()); n != 4 {
		t.Fatalf("%d messages:\n%s", n, watcher.screen())
	}
}

func TestEndedAnswerOfAnotherScreenIsShown(t *testing.T) {
	sender, watcher := twoScreens(t)
	task := sender.ask("a quick one")
	sender.backend.finish(task, chat.TaskDone, "done in no time", nil)
	sender.untilShown("done in no time")
	watcher.poll()
	watcher.untilShown("done in no time")
}

func TestDraftStaysWhileAnotherScreenSends(t *testing.T) {
	sender, watcher := twoScreens(t)
	watcher.typeText("my own words")
	sender.ask("sent from elsewhere")
	watcher.poll()
	watcher.untilShown("sent from elsewhere")
	if got := watcher.m.input.Value(); got != "my own words" {
		t.Fatalf("the draft is %q", got)
	}
}

func TestAQuietConversationIsNotReadAgain(t *testing.T) {
	_, watcher := twoScreens(t)
	before := watcher.backend.reads()
	for range 3 {
		watcher.send(watcher.m.poll()())
	}
	if got := watcher.backend.reads(); got != before {
		t.Fatalf("the messages were read %d times", got-before)
	}
}

func TestLostStreamOfRunningTaskIsFollowedAgain(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	task := s.ask("hello")
	task.chunk(chat.ChunkContent, "the first half")
	s.untilShown("the first half")
	task.breakOff(chat.Errorf(chat.CodeInternal, "the server stumbled"))
	s.untilShown("Lost the stream: the server stumbled.")
	s.poll()
	s.until("the stream is followed again", func() bool { return task.following() == 2 })
	task.chunk(chat.ChunkContent, ", and the second")
	s.untilShown("the first half, and the second")
}

func TestOvertakenMessageIsFirstInQueue(t *testing.T) {
	_, watcher := twoScreens(t)
	watcher.m.enqueueAt(0, "second")
	watcher.m.enqueueAt(1, "third")
	watcher.m.refused(conversation.SentMsg{Draft: "first", Err: chat.Errorf(chat.CodeBusy, "still being answered")})
	var order []string
	for _, item := range watcher.m.queue.Of(watcher.m.conversation.ID()) {
		order = append(order, item.Content())
	}
	if want := []string{"first", "second", "third"}; !slices.Equal(order, want) {
		t.Errorf("%q wait, want %q", order, want)
	}
}
