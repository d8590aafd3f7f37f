package tui

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/paint"
	"chat/tui/conversation"
	"chat/tui/panel"
)

const essay = "# Work stealing\n\nThe run queue is **per processor**, see [the paper](https://example.com/p).\n\n" +
	"```go\nfunc steal() int {\n\treturn 0\n}\n```\n\n1. one\n2. two\n   - [x] nested\n\n| key | meaning |\n|---|---:|\n| a | 日本語 |\n"

var sizes = []struct{ width, height int }{{40, 10}, {80, 24}, {120, 40}}

func TestScreensAtEverySize(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size.width, size.height), func(t *testing.T) {
			name := func(what string) string { return fmt.Sprintf("%s_%dx%d", what, size.width, size.height) }
			s := start(t, newFake(), size.width, size.height)
			s.golden(name("empty"))

			task := s.ask("Why does my worker starve?")
			s.untilShown("waiting for the first words")
			s.golden(name("waiting"))

			task.chunk(chat.ChunkReasoning, "Let me *think* about queues.")
			s.untilShown("thinking")
			s.now = s.now.Add(12 * time.Second)
			task.chunk(chat.ChunkContent, essay[:strings.Index(essay, "\treturn")])
			s.untilShown("func steal")
			s.golden(name("streaming"))

			s.backend.finish(task, chat.TaskDone, essay, nil)
			s.until("the answer is as recorded", func() bool {
				return s.m.conversation.Shown()[1].Content() == essay && len(s.m.server.Running()) == 0
			})
			s.golden(name("done"))

			s.press("?")
			s.golden(name("help"))
			s.press("esc")

			s.backend.add("An older question", "hi", "hello")
			s.press("ctrl+k")
			s.untilShown("older")
			s.golden(name("conversations"))
		})
	}
}

func TestReasoningUnfolds(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	task := s.ask("hello")
	task.chunk(chat.ChunkReasoning, "First I *think*.")
	task.chunk(chat.ChunkContent, "Then I answer.")
	s.untilShown("Then I answer.")
	if strings.Contains(s.screen(), "First I think.") {
		t.Fatalf("the reasoning is not folded:\n%s", s.screen())
	}
	s.press("ctrl+t")
	s.golden("unfolded_80x24")
}

func TestStopKeepsWhatWasReceived(t *testing.T) {
	for _, key := range []string{"esc", "ctrl+c"} {
		t.Run(key, func(t *testing.T) {
			s := start(t, newFake(), 80, 24)
			task := s.ask("hello")
			task.chunk(chat.ChunkContent, "Half an")
			s.untilShown("Half an")
			s.press(key)
			s.until("the stop reaches the server", func() bool {
				s.backend.mu.Lock()
				defer s.backend.mu.Unlock()
				return slices.Contains(s.backend.stopped, task.task.ID)
			})
			s.untilShown("stopping…")
			s.backend.finish(task, chat.TaskCancelled, "Half an", nil)
			s.untilShown("Stopped. The text so far is kept.")
			if !strings.Contains(s.screen(), "Half an") {
				t.Fatalf("the text is gone:\n%s", s.screen())
			}
		})
	}
}

func TestErrorIsShownAndTextIsKept(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	task := s.ask("hello")
	task.chunk(chat.ChunkContent, "Half an")
	s.untilShown("Half an")
	s.backend.finish(task, chat.TaskInterrupted, "Half an",
		&chat.Error{Code: chat.CodeProviderCut, Message: "The provider\x1b[31m cut the stream; send it again"})
	s.untilShown("✗ The provider cut the stream; send it again. The text so far is kept.")
	s.until("nothing runs any more", func() bool { return len(s.m.server.Running()) == 0 && s.m.conversation.Shown()[1].Model() == "demo" })
	s.golden("interrupted_80x24")
}

func TestResetDropsThePartialText(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	task := s.ask("hello")
	task.chunk(chat.ChunkContent, "first attempt \x1b")
	s.untilShown("first attempt")
	task.chunk(chat.ChunkReset, "")
	task.chunk(chat.ChunkContent, "second attempt")
	s.untilShown("second attempt")
	if strings.Contains(s.screen(), "first") {
		t.Fatalf("a mixture of two attempts:\n%s", s.screen())
	}
	s.untilShown("restarted")
}

func TestRetypedReasoningIsNotARestart(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	task := s.ask("hello")
	task.chunk(chat.ChunkContent, "Let me count.")
	s.untilShown("Let me count.")
	task.yield(chat.FollowEvent{Chunk: &chat.Chunk{Type: chat.ChunkReset, Attempt: 1, Index: 1}})
	task.chunk(chat.ChunkReasoning, "Let me count.")
	task.chunk(chat.ChunkContent, "It is 4.")
	s.untilShown("It is 4.")
	if shown := s.screen(); strings.Contains(shown, "Let me count.") || strings.Contains(shown, "restarted") || !strings.Contains(shown, "▸ thought") {
		t.Fatalf("reasoning is not folded:\n%s", shown)
	}
}

func TestAnswersThatAreNotCompleteAreMarked(t *testing.T) {
	for reason, mark := range map[string]string{
		"length":         "The answer is incomplete: the model's limit on its length was reached.",
		"content_filter": "The answer is incomplete: the provider's content filter ended it.",
		"tool_calls":     "The answer is incomplete: the model asked for a tool, and chat has none.",
		"pause_turn":     "The answer is incomplete: the provider ended it for another reason",
	} {
		s := start(t, newFake(), 100, 24)
		task := s.ask("hello")
		task.chunk(chat.ChunkContent, "The har")
		task.yield(chat.FollowEvent{Chunk: &chat.Chunk{Type: chat.ChunkDone, Attempt: 1, State: chat.TaskDone, FinishReason: reason}})
		s.untilShown(mark)
	}
	s := start(t, newFake(), 100, 24)
	task := s.ask("hello")
	task.chunk(chat.ChunkReasoning, "It is 4.")
	task.yield(chat.FollowEvent{Chunk: &chat.Chunk{Type: chat.ChunkDone, Attempt: 1, State: chat.TaskDone, FinishReason: "stop"}})
	s.untilShown("There is no answer: the model ended after its reasoning.")
}

func TestRefusedMessageComesBackAsTheDraft(t *testing.T) {
	backend := newFake()
	backend.sendErr = chat.Errorf(chat.CodeUnavailable, "the database is down: try again in a minute")
	s := start(t, backend, 80, 24)
	s.typeText("precious words")
	s.press("enter")
	s.untilShown("not sent: the database is down")
	if s.m.input.Value() != "precious words" || len(s.m.conversation.Shown()) != 0 {
		t.Fatalf("draft %q, %d messages", s.m.input.Value(), len(s.m.conversation.Shown()))
	}
}

func TestStaleResultsAreDropped(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	task := s.ask("hello")
	task.chunk(chat.ChunkContent, "old text")
	s.untilShown("old text")
	old := s.m.conversation.Session()
	s.press("ctrl+n")
	s.send(conversation.BatchesMsg{{ID: 1, Chunks: []chat.Chunk{{Type: chat.ChunkContent, Content: "late"}}}})
	s.send(conversation.OpenedMsg{Session: old, Conversation: chat.Conversation{ID: "x", Title: "late title"}})
	s.send(conversation.RefreshedMsg{Session: old, Messages: []chat.Message{{ID: "m", Content: "late record"}}})
	s.send(conversation.SentMsg{Session: old, Accepted: chat.Accepted{ConversationID: "x", TaskID: "t"}})
	s.send(panel.FoundMsg{List: 99, Items: []panel.Item{{ID: "x", Title: "late choice"}}})
	if strings.Contains(s.screen(), "late") || s.m.conversation.ID() != "" || len(s.m.conversation.Shown()) != 0 {
		t.Fatalf("a stale result got through:\n%s", s.screen())
	}
	if e := s.m.exit(t.Context()); e.Running[0] != task.task.ID {
		t.Fatalf("the running task is not in %+v", e)
	}
}

func TestOpeningAConversationFollowsRunningAnswer(t *testing.T) {
	backend := newFake()
	first := start(t, backend, 80, 24)
	task := first.ask("a long question")
	task.chunk(chat.ChunkContent, "from the start, ")

	s := start(t, backend, 80, 24, func(o *Options) { o.ConversationID = task.task.ConversationID })
	s.untilShown("from the start,")
	task.chunk(chat.ChunkContent, "and on.")
	s.untilShown("from the start, and on.")
	s.backend.finish(task, chat.TaskDone, "from the start, and on.", nil)
	s.until("it is done", func() bool { return s.m.conversation.Busy() == nil })
}

func TestPromptIsSentImmediately(t *testing.T) {
	backend := newFake()
	id := backend.add("Old", "q", "a")
	s := start(t, backend, 80, 24, func(o *Options) { o.ConversationID, o.Prompt, o.Model = id, "go on", "big" })
	s.until("the prompt is accepted", func() bool { return backend.newest() != nil && len(s.m.conversation.Shown()) == 4 })
	if backend.sent[0].Content != "go on" || backend.sent[0].Model != "big" {
		t.Fatalf("sent %+v", backend.sent)
	}
}

func TestPasteNeverSubmits(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("one\r\ntwo\r?"), Paste: true})
	s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("\n"), Paste: true})
	if got := s.m.input.Value(); got != "one\ntwo\n?\n" || len(s.m.conversation.Shown()) != 0 {
		t.Fatalf("draft %q, %d messages", got, len(s.m.conversation.Shown()))
	}
}

func TestNewlineKeys(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	for _, raw := range []string{"\x1b[13;2u", "\x1b[27;2;13~"} {
		type unknown []byte // as Bubble Tea reports it
		s.typeText("a")
		s.send(filter(nil, unknown(raw)))
	}
	s.press("alt+enter", "ctrl+j")
	if got := s.m.input.Value(); got != "a\na\n\n\n" {
		t.Fatalf("draft %q", got)
	}
	type unknown []byte
	if filter(nil, unknown("\x1b[?1;2c")) != nil {
		t.Fatal("a late reply of the terminal gets through")
	}
}

func TestCtrlCClearsThenQuits(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	s.typeText("draft")
	s.press("ctrl+c")
	if !s.m.input.Empty() {
		t.Fatal("the draft is still there")
	}
	s.press("ctrl+c")
	s.untilShown("ctrl+c again quits")
	s.press("x", "backspace")
	s.press("ctrl+c", "ctrl+c")
	s.until("it quits", func() bool { return s.quit })
}

func TestCtrlDQuitsOnlyWhenEmpty(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	s.typeText("x")
	s.press("left", "ctrl+d")
	if !s.m.input.Empty() || s.quit {
		t.Fatal("ctrl+d did not delete")
	}
	s.press("ctrl+d")
	s.until("it quits", func() bool { return s.quit })
}

func TestReaderWhoScrolledUpIsNotMoved(t *testing.T) {
	s := start(t, newFake(), 60, 16)
	task := s.ask("count")
	for i := range 60 {
		task.chunk(chat.ChunkContent, fmt.Sprintf("line %d\n\n", i))
	}
	s.untilShown("line 59")
	s.press("pgup", "pgup")
	before := strings.Split(s.screen(), "\n")[2:9]
	for i := 60; i < 77; i++ {
		task.chunk(chat.ChunkContent, fmt.Sprintf("line %d\n\n", i))
	}
	s.untilShown("↓ 34 new lines")
	if after := strings.Split(s.screen(), "\n")[2:9]; !slices.Equal(before, after) {
		t.Fatalf("the reader was moved from\n%q to\n%q", before, after)
	}
	s.golden("unread_60x16")
	s.press("tab", "G")
	s.untilShown("line 76")
	if strings.Contains(s.screen(), "new lines") {
		t.Fatalf("the badge is still there:\n%s", s.screen())
	}
}

func TestAnyResizesEndInAFreshRender(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	backend := newFake()
	id := backend.add("Sizes", "question", essay, "more", strings.Repeat(essay, 3))
	open := func(o *Options) { o.ConversationID = id }
	s := start(t, backend, 80, 24, open)
	s.untilShown("日本語")
	fresh := start(t, backend, 80, 24, open)
	fresh.untilShown("日本語")
	for range 200 {
		size := tea.WindowSizeMsg{Width: 1 + r.IntN(200), Height: 1 + r.IntN(60)}
		s.send(size)
		if !s.m.tiny() {
			s.wellFormed()
		}
	}
	for _, size := range []tea.WindowSizeMsg{{Width: 40, Height: 10}, {Width: 80, Height: 24}, {Width: 120, Height: 40}} {
		s.send(size)
		fresh.send(size)
		if s.m.View() != fresh.m.View() {
			t.Fatalf("after 200 resizes:\n%s\na fresh render:\n%s", s.screen(), fresh.screen())
		}
	}
}

func TestForeignTextCannotReachTheTerminal(t *testing.T) {
	const evil = "x\x1b]0;pwned\x07\x1b[2J\u009b31m\u202Ey"
	backend := newFake()
	id := backend.add(evil, evil, "# "+evil+"\n\n```"+evil+"\n"+evil+"\n```\n\n&#27;[31m")
	backend.messages[id][1].Model = evil
	s := start(t, backend, 80, 24, func(o *Options) { o.ConversationID, o.Host = id, evil })
	s.untilShown("x⟦U+202E⟧y")
	s.press("ctrl+k")
	s.untilShown("Conversations")
	s.press("esc")
	backend.mu.Lock()
	backend.runningErr = chat.Errorf(chat.CodeDaemon, evil)
	backend.mu.Unlock()
	s.send(s.m.poll()())
	s.untilShown("reconnecting")
	view := strings.ReplaceAll(s.m.View(), paint.MarkerEnd, "")
	for _, part := range strings.Split(view, "\x1b")[1:] {
		if !strings.HasPrefix(part, "[") && !strings.HasPrefix(part, "_caret;") {
			t.Fatalf("foreign sequence %q", part)
		}
	}
	for _, bad := range []string{"pwned", "\x1b[2J", "\u009b", "\u202e", "\x1b[31m"} {
		if strings.Contains(view, bad) {
			t.Fatalf("%q is on the screen", bad)
		}
	}
}

func TestConversationsAreFoundByContentToo(t *testing.T) {
	backend := newFake()
	backend.add("Alpha", "about needles", "yes")
	backend.add("Beta", "about hay", "no")
	s := start(t, backend, 80, 24)
	s.press("ctrl+k")
	s.untilShown("Beta")
	s.typeText("needles")
	s.until("only the match is shown", func() bool {
		return len(s.m.list.Current().Shown()) == 1 && s.m.list.Current().Shown()[0].Title == "Alpha"
	})
	s.press("enter")
	s.untilShown("about needles")
}

func TestModelIsChosenForTheNextMessage(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	s.press("ctrl+l")
	s.untilShown("qwen3:8b")
	s.press("down", "enter")
	s.ask("hello")
	if got := s.backend.sent[0].Model; got != "qwen3:8b" {
		t.Fatalf("sent to %q", got)
	}
}

func TestIdleScreenDoesNotChange(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	before := s.m.View()
	if s.m.tick() != nil {
		t.Fatal("an idle screen ticks")
	}
	s.now = s.now.Add(time.Minute)
	s.send(s.m.poll()())
	if s.m.View() != before {
		t.Fatalf("an idle screen changed:\n%s", s.screen())
	}
}

func TestEveryKeyOfTheTableIsInTheHelpOrABasicKey(t *testing.T) {
	s := start(t, newFake(), 120, 40)
	help := strings.Join(s.m.keys.HelpRows(s.m.theme, 120), "\n")
	for _, b := range s.m.keys {
		if b.Do == nil || b.Name == "" || len(b.Keys) == 0 && b.What == "" {
			t.Fatalf("a row without keys or action: %+v", b.Keys)
		}
		if b.What != "" && !strings.Contains(help, b.What) {
			t.Errorf("%v is not in the help", b.Keys)
		}
	}
}
