package tui

import (
	"strings"
	"testing"

	"chat"
)

// thread opens a conversation of two turns.
func branching(t *testing.T) *screenTest {
	t.Helper()
	backend := newFake()
	id := backend.add("Tides", "first question", "first answer", "second question", "second answer")
	s := start(t, backend, 80, 24, full, func(o *Options) { o.ConversationID = id })
	s.untilShown("second answer")
	s.until("it is ready", func() bool { return s.m.drafts.Ready() })
	return s
}

func (s *screenTest) shows(want ...string) {
	s.t.Helper()
	for _, w := range want {
		if hidden, ok := strings.CutPrefix(w, "!"); ok == strings.Contains(s.screen(), hidden) && (ok || w != "") {
			s.t.Fatalf("%q on the screen:\n%s", w, s.screen())
		}
	}
}

// untilFollowed waits until the newest task, another one than before, is followed.
func (s *screenTest) untilFollowed(before *fakeTask) *fakeTask {
	s.t.Helper()
	s.until("a new task is followed", func() bool {
		task := s.backend.newest()
		return task != nil && task != before && task.following() > 0
	})
	return s.backend.newest()
}

func TestAnEditedMessageBecomesASibling(t *testing.T) {
	s := branching(t)
	s.typeText("a stashed draft")
	s.press("tab", "[", "e")
	if got := s.m.input.Value(); got != "second question" {
		t.Fatalf("the input is %q", got)
	}
	s.shows("edit > second question", "first answer", "!second answer")
	s.typeText(", edited")
	s.press("enter")
	task := s.untilFollowed(nil)
	if sub := s.backend.sent[0]; sub.Content != "second question, edited" || sub.ParentID != s.m.conversation.Shown()[1].ID {
		t.Fatalf("sent %+v", sub)
	}
	s.backend.finish(task, chat.TaskDone, "an answer to the edited one", nil)
	s.untilShown("an answer to the edited one")
	s.shows("‹2/2›", "first answer", "!second answer")
	s.untilDraft("a stashed draft")
	s.untilQuiet()
	s.press("tab", "[")
	s.golden("siblings_80x24")
	s.press("<")
	s.shows("‹1/2›", "second answer", "!edited one")
	s.press(">")
	s.shows("‹2/2›", "edited one", "!second answer")
	s.press(">", "<", "<", "<")
	s.shows("second answer", "!edited one")

	// The next message follows the last one shown, not the newest one.
	s.press("esc", "ctrl+c")
	s.typeText("going on from the older branch")
	s.press("enter")
	s.untilSent(2)
	s.backend.mu.Lock()
	defer s.backend.mu.Unlock()
	if got := s.backend.sent[1].ParentID; got != s.backend.messages[s.m.conversation.ID()][3].ID {
		t.Fatalf("it answers to %s", got)
	}
}

func TestEscCancelsAnEdit(t *testing.T) {
	s := branching(t)
	s.typeText("my draft")
	s.press("tab", "[", "e")
	s.shows("edit > ")
	s.press("esc")
	s.shows("!edit > ", "second answer", "> my draft")
}

func TestRefusedEditStaysAnEdit(t *testing.T) {
	s := branching(t)
	s.press("tab", "[", "e")
	s.backend.mu.Lock()
	s.backend.sendErr = chat.Errorf(chat.CodeUnavailable, "the database is down")
	s.backend.mu.Unlock()
	s.typeText("!")
	s.press("enter")
	s.untilShown("not sent: the database is down")
	s.shows("> second question!", "!second answer")
	s.press("esc")
	s.shows("second answer")
}

func TestEditedFirstMessageBecomesASibling(t *testing.T) {
	s := branching(t)
	old := s.m.conversation.ID()
	s.press("tab", "[", "[", "[", "e")
	s.shows("edit > first question", "!second", "the old message is kept")
	s.backend.mu.Lock()
	s.backend.sendErr = chat.Errorf(chat.CodeUnavailable, "the database is down")
	s.backend.mu.Unlock()
	s.typeText("?")
	s.press("enter")
	s.untilShown("not sent: the database is down")
	s.shows("edit > first question?", "!second answer")
	s.backend.mu.Lock()
	s.backend.sendErr = nil
	s.backend.mu.Unlock()
	s.press("enter")
	task := s.untilFollowed(nil)
	if s.m.conversation.ID() != old || s.backend.sent[0].Content != "first question?" || s.backend.sent[0].ParentID != chat.RootParent {
		t.Fatalf("sent %+v to %s", s.backend.sent[0], s.m.conversation.ID())
	}
	s.backend.finish(task, chat.TaskDone, "another beginning", nil)
	s.untilShown("another beginning")
	s.untilQuiet()
	s.shows("‹2/2›", "!second answer")
	s.press("tab", "[", "<")
	s.shows("‹1/2›", "second answer", "!another beginning")
}

func TestForkContinuesFromOlderAnswer(t *testing.T) {
	s := branching(t)
	s.press("tab", "[", "[", "f")
	s.shows("fork >", "first answer", "!second question")
	s.typeText("another way")
	s.press("enter")
	s.untilFollowed(nil)
	if sub := s.backend.sent[0]; sub.ParentID != s.m.conversation.Shown()[1].ID || len(s.m.conversation.Shown()) != 4 {
		t.Fatalf("sent %+v", sub)
	}
	s.shows("‹2/2›", "!second question")
}

func TestRegeneratedAnswerIsASibling(t *testing.T) {
	s := branching(t)
	s.press("tab", "r")
	task := s.untilFollowed(nil)
	s.shows("‹2/2›", "!second answer")
	s.backend.finish(task, chat.TaskDone, "a better answer", nil)
	s.untilShown("a better answer")
	s.press("<") // the focus is where it was
	s.shows("second answer", "‹1/2›", "!a better answer")
	s.press("[", "r") // of a question: its answer
	s.until("a third answer is asked for", func() bool { return strings.Contains(s.screen(), "‹3/3›") })
}

// A regenerated answer has the parameters of the old one, which the screen says if its header
// names others.
func TestRegeneratedAnswerKeepsItsParameters(t *testing.T) {
	seed := int64(7)
	for name, tc := range map[string]struct {
		own  *chat.Parameters
		want []string
	}{
		"the same": {nil, []string{"asking for another answer", "!as before"}},
		"others":   {&chat.Parameters{Seed: &seed}, []string{"asking for another answer, with seed 7 as before"}},
	} {
		t.Run(name, func(t *testing.T) {
			backend := newFake()
			id := backend.add("Tides", "question", "the answer")
			backend.messages[id][1].Parameters = tc.own
			s := start(t, backend, 80, 24, full, func(o *Options) { o.ConversationID = id })
			s.untilShown("the answer")
			s.until("it is ready", func() bool { return s.m.drafts.Ready() })
			s.press("tab", "r")
			s.shows(tc.want...)
		})
	}
}

func TestACutAnswerIsContinued(t *testing.T) {
	backend := newFake()
	id := backend.add("Tides", "Why are there tides?", "The moon pulls at the wat")
	cut := &backend.messages[id][1]
	cut.FinishReason = "length"
	s := start(t, backend, 80, 24, full, func(o *Options) { o.ConversationID = id })
	s.untilShown("The answer is incomplete: the model's limit on its length was reached.")
	s.golden("cut_80x24")
	s.press("tab", "c")
	task := s.untilFollowed(nil)
	s.shows("‹2/2›")
	task.chunk(chat.ChunkContent, "The moon pulls at the wat")
	task.chunk(chat.ChunkContent, "er.")
	s.backend.finish(task, chat.TaskDone, "The moon pulls at the water.", nil)
	s.untilShown("The moon pulls at the water.")
	s.until("nothing runs any more", func() bool { return len(s.m.server.Running()) == 0 && s.m.conversation.Shown()[1].Model() == "demo" })
	s.golden("continued_80x24")
	s.press("c")
	s.untilShown("not continued: the answer is complete")
	s.press("esc")
	s.press("ctrl+p")
	s.typeText("continue an")
	s.press("enter")
	s.untilShown("not continued: the answer is complete")
}

func TestRegenerateNeedsBackendSupport(t *testing.T) {
	s := start(t, newFake(), 120, 24)
	s.press("tab")
	s.shows("!again")
	s.press("r")
	if s.m.input.Value() != "r" {
		t.Fatalf("the key is swallowed: %q", s.m.input.Value())
	}
}

func TestNoBranchesWhileAnAnswerRuns(t *testing.T) {
	s := branching(t)
	s.ask("third question")
	for _, key := range []string{"e", "f", "r", "c"} {
		s.press("tab")
		if key == "e" {
			s.press("[")
		}
		s.press(key)
		s.shows("an answer is still running", "!> third")
		s.press("tab")
	}
}

func TestAnotherScreensRegenerationIsShown(t *testing.T) {
	s := branching(t)
	id := s.m.conversation.Shown()[3].ID
	if _, err := (fullBackend{s.backend}).Regenerate(t.Context(), id, ""); err != nil {
		t.Fatal(err)
	}
	s.poll()
	s.until("the new answer is followed", func() bool { return s.backend.newest().following() > 0 })
	s.shows("‹2/2›")
}

func TestTheSelectedMessageIsMarkedAndInSight(t *testing.T) {
	backend := newFake()
	var texts []string
	for range 20 {
		texts = append(texts, "question", essay)
	}
	id := backend.add("Long", texts...)
	s := start(t, backend, 80, 24, func(o *Options) { o.ConversationID = id })
	s.untilShown("日本語")
	s.press("tab")
	for _, key := range []string{"[", "[", "[", "]", "[", "[", "pgup", "pgup", "]", "up", "down", "g", "]", "]", "G", "["} {
		s.press(key)
		s.shows("▌")
		s.wellFormed()
	}
	s.press("esc")
	s.shows("!▌")
}

// Keys that are pressed quickly, or come over a slow line, are read in one piece: those
// that only move, and one other key after them. Anything else is a text.
func TestKeysReadTogetherAreKeys(t *testing.T) {
	s := branching(t)
	s.press("tab", "[e")
	if got := s.m.input.Value(); got != "second question" {
		t.Fatalf("the input is %q", got)
	}
	s.shows("edit > second question")
	s.press("esc", "esc", "tab", "[[]", "[hello")
	if got := s.m.input.Value(); got != "[hello" {
		t.Fatalf("the input is %q", got)
	}
}

func TestATaskIsShownOnItsBranch(t *testing.T) {
	s := branching(t)
	s.press("tab", "r")
	task := s.untilFollowed(nil)
	s.backend.finish(task, chat.TaskDone, "another second answer", nil)
	s.untilShown("another second answer")
	id, first := s.m.conversation.ID(), s.backend.messages[s.m.conversation.ID()][3].ID

	s = start(t, s.backend, 80, 24, full, func(o *Options) { o.ConversationID, o.MessageID = id, first })
	s.untilShown("‹1/2›")
	s.shows("second answer", "!another")
	s.press("ctrl+b")
	s.untilShown("done")
	s.press("enter")
	s.untilShown("‹2/2›")
	s.shows("another second answer")
}
