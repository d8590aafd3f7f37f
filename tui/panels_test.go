package tui

import (
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
)

// full gives the screen a backend with every ability.
func full(o *Options) { o.Backend = fullBackend{o.Backend.(*fakeBackend)} } //nolint:errcheck // it is one, or the test panics

func TestTasksAreListedByTitleAndOpened(t *testing.T) {
	backend := newFake()
	s := start(t, backend, 80, 24, full)
	first := s.ask("How do tides work?")
	s.press("ctrl+n")
	second := s.ask("Write a poem")
	s.backend.finish(second, chat.TaskFailed, "", chat.Errorf(chat.CodeProviderServer, "503"))
	s.untilShown("✗ 503")
	s.until("one is running", func() bool { return len(s.m.server.Running()) == 1 && s.m.modelName() == "demo" })
	s.press("ctrl+b")
	s.untilShown("failed")
	s.golden("tasks_80x24")
	s.typeText("tides")
	s.press("enter")
	s.until("its conversation is opened", func() bool { return s.m.conversation.ID() == first.task.ConversationID && !s.m.conversation.Loading() })
	s.untilShown("How do tides work?")
}

func TestTasksAreStoppedFromTheList(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	task := s.ask("How do tides work?")
	s.press("ctrl+n", "ctrl+b")
	s.untilShown("How do tides work?")
	s.send(tea.KeyMsg{Type: tea.KeyCtrlX})
	s.untilShown("stopping “How do tides work?”")
	s.until("the stop reaches the server", func() bool {
		s.backend.mu.Lock()
		defer s.backend.mu.Unlock()
		return len(s.backend.stopped) == 1 && s.backend.stopped[0] == task.task.ID
	})
}

func TestTheScreenCanBeginWithTheListOfConversations(t *testing.T) {
	backend := newFake()
	backend.add("Alpha", "alpha question", "yes")
	backend.add("Beta", "beta question", "no")
	other := start(t, backend, 80, 24)
	other.ask("something that runs")
	s := start(t, backend, 80, 24, func(o *Options) { o.Choose = true })
	s.untilShown("● something that runs")
	s.golden("choose_80x24")
	s.typeText("bet")
	s.press("enter")
	s.untilShown("beta question")
}

func TestEndedAnswersElsewhereAreReportedAndMarked(t *testing.T) {
	s := start(t, newFake(), 80, 24, full)
	task := s.ask("How do tides work?")
	s.press("ctrl+n")
	s.poll()
	s.untilShown("1 running")
	s.backend.finish(task, chat.TaskDone, "By the moon.", nil)
	s.poll()
	s.untilShown("the answer in “How do tides work?” is complete")
	s.press("ctrl+k")
	s.untilShown("◆ How do tides work?")
	s.press("enter")
	s.untilShown("By the moon.")
	s.press("ctrl+k")
	s.untilShown("  How do tides work?")
	if strings.Contains(s.screen(), "◆") {
		t.Fatalf("seen, and still marked:\n%s", s.screen())
	}
}

func TestAListStaysUpToDate(t *testing.T) {
	backend := newFake()
	backend.add("Alpha", "alpha question", "yes")
	s := start(t, backend, 80, 24)
	s.press("ctrl+k")
	s.untilShown("Alpha")
	backend.add("Beta", "beta question", "no")
	s.poll()
	s.untilShown("Beta")
}

func TestHelpSaysThatThereIsMore(t *testing.T) {
	s := start(t, newFake(), 60, 14)
	s.press("?")
	s.untilShown("↓ more below")
	for range 20 {
		s.press("pgdown")
		s.wellFormed()
	}
	if strings.Contains(s.screen(), "more below") || !strings.Contains(s.screen(), "suspend") {
		t.Fatalf("the end of the help:\n%s", s.screen())
	}
}

func TestTinyTerminalsSayWhatTheyNeed(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	s.ask("hello")
	for _, size := range []struct{ width, height int }{{15, 5}, {1, 1}, {19, 6}, {20, 5}, {3, 40}, {200, 2}} {
		s.send(tea.WindowSizeMsg{Width: size.width, Height: size.height})
		s.wellFormed()
		if size.width == 15 && !strings.Contains(s.screen(), "too small") {
			t.Errorf("%v:\n%s", size, s.screen())
		}
		s.press("x", "ctrl+k", "esc", "backspace", "tab", "up", "tab")
	}
	for width := minWidth; width < 50; width += 3 {
		for height := minHeight; height < 16; height++ {
			s.send(tea.WindowSizeMsg{Width: width, Height: height})
			for _, open := range []string{"?", "ctrl+k", "ctrl+b", "ctrl+l"} {
				s.press(open)
				s.wellFormed()
				s.press("esc")
				s.wellFormed()
			}
		}
	}
}

func TestEmptyListsSaySo(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	for key, want := range map[string]string{"ctrl+k": "no conversation yet", "ctrl+b": "no task is running"} {
		s.press(key)
		s.untilShown(want)
		s.press("esc")
	}
	s.press("ctrl+b")
	s.typeText("zzz")
	s.untilShown("nothing fits")
}

func TestNoticesExpire(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	s.m.say("something happened")
	s.send(tickMsg{})
	s.untilShown("something happened")
	s.now = s.now.Add(11 * time.Second)
	s.send(tickMsg{})
	s.untilShown("enter send")
	if s.m.tick(); s.m.ticking {
		t.Fatal("the screen still ticks")
	}
}

func TestAPromptGoesToTheConversationThatIsChosen(t *testing.T) {
	backend := newFake()
	id := backend.add("Tides", "a question", "an answer")
	s := start(t, backend, 80, 24, func(o *Options) { o.Choose, o.Prompt = true, "and then?" })
	s.untilShown("Tides")
	s.press("enter")
	s.until("it is sent", func() bool { s.backend.mu.Lock(); defer s.backend.mu.Unlock(); return len(backend.sent) == 1 })
	if s.m.conversation.ID() != id {
		t.Fatalf("sent to %q", s.m.conversation.ID())
	}

	s = start(t, newFake(), 80, 24, func(o *Options) { o.Choose, o.Prompt = true, "and then?" })
	s.untilShown("no conversation yet")
	s.press("esc")
	s.shows("> and then?")
}

func TestSearchShowsSnippetAndOpensThere(t *testing.T) {
	backend := newFake()
	long := strings.Repeat("and so on\n\n", 40)
	backend.add("Rivers", "nothing of that")
	backend.add("Tides", "why does the \x1b[31mtide turn?", long, "and the second tide?", long)
	s := start(t, backend, 80, 24, full)
	s.until("it is ready", func() bool { return s.m.drafts.Ready() })
	s.press("ctrl+k")
	s.typeText("tide turn")
	s.untilShown("Tides  why does the tide turn?")
	s.golden("search_80x24")
	s.press("enter")
	s.untilShown("You · 12:00")
	s.shows("why does the tide turn?", "↓ more below")
	s.press("ctrl+k")
	s.typeText("s")
	s.shows("!why does the")
}
