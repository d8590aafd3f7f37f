package tui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chat"
)

// switchTo opens a conversation by the list.
func (s *screenTest) switchTo(title, text string) {
	s.t.Helper()
	s.press("ctrl+k")
	s.typeText(title)
	s.until("the conversation is listed", func() bool { return len(s.m.list.Current().Shown()) == 1 })
	s.press("enter")
	s.untilShown(text)
	s.until("its draft is read", func() bool { return s.m.drafts.Ready() })
}

func (s *screenTest) untilDraft(want string) {
	s.t.Helper()
	s.until("the draft is "+want, func() bool { return s.m.drafts.Ready() && s.m.input.Value() == want })
}

func TestDraftsStayWithTheirConversation(t *testing.T) {
	for _, dir := range []string{t.TempDir(), ""} {
		backend := newFake()
		backend.add("Alpha", "alpha question", "yes")
		backend.add("Beta", "beta question", "no")
		s := start(t, backend, 80, 24, func(o *Options) { o.StateDir = dir })
		s.until("it is ready", func() bool { return s.m.drafts.Ready() })
		s.typeText("for a new one")
		s.switchTo("Alpha", "alpha question")
		s.untilDraft("")
		s.typeText("for alpha")
		s.switchTo("Beta", "beta question")
		s.untilDraft("")
		s.switchTo("Alpha", "alpha question")
		s.untilDraft("for alpha")
		s.press("ctrl+n")
		s.untilDraft("for a new one")
	}
}

func TestTextTypedBeforeDraftIsLoadedIsKept(t *testing.T) {
	backend := newFake()
	id := backend.add("Alpha", "alpha question", "yes")
	s := start(t, backend, 80, 24)
	s.until("it is ready", func() bool { return s.m.drafts.Ready() })
	opening := s.m.openConversation(id)
	s.typeText("typed at once")
	s.press("ctrl+n")
	s.run(opening) // the disk was slow
	s.until("the draft is kept", func() bool {
		text, err := s.m.drafts.Store.Get(id)
		return err == nil && text == "typed at once"
	})
}

func TestDraftsSurviveAKilledScreen(t *testing.T) {
	dir, backend := t.TempDir(), newFake()
	id := backend.add("Alpha", "alpha question", "yes")
	options := map[string]func(*Options){
		"new conversation": func(o *Options) { o.StateDir = dir },
		"conversation":     func(o *Options) { o.StateDir, o.ConversationID = dir, id },
	}
	for name, open := range options {
		t.Run(name, func(t *testing.T) {
			s := start(t, backend, 80, 24, open)
			s.until("it is ready", func() bool { return s.m.drafts.Ready() })
			s.typeText("precious words")
			s.until("they are on disk", func() bool {
				data, err := os.ReadFile(filepath.Join(dir, "drafts", s.m.drafts.Key(s.m.conversation.ID())+".draft"))
				return err == nil && string(data) == "precious words"
			})
			_ = s.m.drafts.Store.Abandon() // as the kernel does for a killed process
			next := start(t, backend, 80, 24, open)
			next.untilDraft("precious words")
			next.untilShown("your unsent draft is restored")
			next.press("ctrl+c")
			next.until("the cleared draft is gone", func() bool {
				_, err := os.Stat(filepath.Join(dir, "drafts", next.m.drafts.Key(next.m.conversation.ID())+".draft"))
				return os.IsNotExist(err)
			})
		})
	}
}

func TestSentMessageIsNotADraft(t *testing.T) {
	dir, backend := t.TempDir(), newFake()
	backend.sendGate = make(chan struct{})
	s := start(t, backend, 80, 24, func(o *Options) { o.StateDir = dir })
	s.until("it is ready", func() bool { return s.m.drafts.Ready() })
	s.typeText("to be sent")
	s.press("enter")
	key := s.m.drafts.Key("")
	stored := func() string {
		text, err := s.m.drafts.Store.Get(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if stored() != "to be sent" {
		t.Fatalf("on its way, %q is kept", stored())
	}
	s.typeText("the next one")
	close(backend.sendGate)
	s.untilShown("waiting for the first words")
	if stored() != "" {
		t.Fatalf("accepted, and %q is still kept", stored())
	}
	if text, err := s.m.drafts.Store.Get(s.m.conversation.ID()); text != "the next one" || err != nil {
		t.Fatalf("the conversation's draft is %q, %v", text, err)
	}
}

func TestFailureToSaveDraftIsReported(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "drafts"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, newFake(), 120, 24, func(o *Options) { o.StateDir = dir })
	s.untilShown("cannot keep drafts: not a directory")
}

func TestRefusedMessageJoinsNewDraft(t *testing.T) {
	backend := newFake()
	backend.sendGate = make(chan struct{})
	backend.sendErr = chat.Errorf(chat.CodeUnavailable, "the database is down")
	s := start(t, backend, 80, 24)
	s.until("it is ready", func() bool { return s.m.drafts.Ready() })
	s.typeText("first")
	s.press("enter")
	s.typeText("second")
	close(backend.sendGate)
	s.untilShown("not sent: the database is down")
	s.untilDraft("first\n\nsecond")
}

func TestEarlierPromptsAreRecalled(t *testing.T) {
	dir, backend := t.TempDir(), newFake()
	open := func(o *Options) { o.StateDir = dir }
	s := start(t, backend, 80, 24, open)
	s.ask("one")
	s.press("ctrl+n")
	s.ask("two\nwith two rows")
	s.until("the history is written", func() bool {
		data, err := os.ReadFile(filepath.Join(dir, "history"))
		return err == nil && strings.Count(string(data), "\n") == 2
	})
	next := start(t, backend, 80, 24, open)
	next.until("the history is read", func() bool { return len(next.m.input.Prompts()) == 2 })
	next.typeText("being written")
	for i, step := range []struct{ key, want string }{
		{"up", "two\nwith two rows"},
		{"up", "one"},
		{"up", "one"},
		{"down", "two\nwith two rows"},
		{"down", "being written"},
		{"down", "being written"},
	} {
		if next.press(step.key); next.m.input.Value() != step.want {
			t.Fatalf("step %d, %s: %q", i, step.key, next.m.input.Value())
		}
	}
	next.press("ctrl+c", "up")
	if got := next.m.input.Value(); got != "being written" {
		t.Fatalf("the cleared draft is not in the history: %q", got)
	}
}

// A folded paste is folded wherever the draft comes back from.
func TestFoldedPasteIsRestoredFolded(t *testing.T) {
	backend := newFake()
	id := backend.add("Tides", "a question", "an answer")
	long := strings.TrimSuffix(strings.Repeat("a line\n", 30), "\n")
	for name, leave := range map[string]func(s *screenTest){
		"another conversation and back": func(s *screenTest) {
			s.press("ctrl+n")
			s.until("it is open", func() bool { return s.m.conversation.ID() == "" && s.m.drafts.Ready() })
			s.run(s.m.openAt(id, ""))
		},
		"a draft that is cleared":    func(s *screenTest) { s.press("ctrl+c", "up") },
		"the list of old prompts":    func(s *screenTest) { s.press("ctrl+c", "ctrl+r", "enter") },
		"an older prompt and back":   func(s *screenTest) { s.press("up", "up", "down", "down") },
		"another message, edited":    func(s *screenTest) { s.press("tab", "[", "e", "esc") },
		"the branch of an answer":    func(s *screenTest) { s.press("tab", "f", "esc") },
		"a conversation without one": func(s *screenTest) { s.press("ctrl+n"); s.run(s.m.openAt(id, "")) },
	} {
		s := start(t, backend, 80, 24, full, func(o *Options) { o.ConversationID, o.StateDir = id, t.TempDir() })
		s.untilShown("an answer")
		s.until("it is ready", func() bool { return s.m.drafts.Ready() })
		s.typeText("why? ")
		s.paste(long)
		s.shows("why? [pasted · 30 lines]")
		leave(s)
		s.until(name+": it is back", func() bool { return s.m.input.Value() == "why? "+long })
		s.shows("why? [pasted · 30 lines]", "!a line")
	}
	// What was unfolded stays so.
	s := start(t, backend, 80, 24, full, func(o *Options) { o.ConversationID = id })
	s.untilShown("an answer")
	s.paste(long)
	s.m.input.Unfold()
	s.press("ctrl+c", "up")
	s.shows("a line", "![pasted")
}
