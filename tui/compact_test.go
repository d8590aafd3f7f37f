package tui

import (
	"slices"
	"testing"

	"chat"
)

// asked returns what was asked of summaries.
func (f *fakeBackend) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.compacted)
}

func TestASummaryIsAskedForAndRemovedInThePalette(t *testing.T) {
	backend := newFake()
	id := backend.add("Tides", "first question", "first answer")
	s := start(t, backend, 80, 24, full, func(o *Options) { o.ConversationID = id })
	s.untilShown("first answer")
	choose := func(command string) {
		s.press("ctrl+p")
		s.typeText(command)
		s.press("enter")
	}
	choose("summarize the beginning")
	s.untilShown("a summary is being written")
	choose("remove the summary")
	s.untilShown("the summary is removed")
	if got := backend.asked(); !slices.Equal(got, []string{"compact Tides", "undo Tides"}) {
		t.Errorf("%q", got)
	}
	backend.compactErr = chat.Errorf(chat.CodeConflict, "there is nothing to summarize")
	choose("summarize the beginning")
	s.untilShown("there is nothing to summarize")
}

func TestAConversationThatIsTooLongOffersASummary(t *testing.T) {
	tooLong := chat.Errorf(chat.CodeProviderContext, "the conversation takes about 5000 tokens, and the model accepts 4000 with the answer: chat compact summarizes its beginning")
	for name, c := range map[string]struct {
		keys []string
		want []string
	}{
		"accepted": {[]string{"enter"}, []string{"compact first question"}},
		"refused":  {[]string{"ctrl+u", "n", "enter"}, nil},
		"left":     {[]string{"esc"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			backend := newFake()
			s := start(t, backend, 80, 24, full)
			task := s.ask("first question")
			backend.finish(task, chat.TaskFailed, "", tooLong)
			s.untilShown("summarize the beginning? > yes")
			if name == "accepted" {
				s.untilShown("Assistant · demo") // its record is loaded
				s.until("no task runs", func() bool { return len(s.m.server.Running()) == 0 })
				s.golden("too_long_80x24")
			}
			s.press(c.keys...)
			s.until("the question is answered", func() bool { return s.m.question == nil && len(backend.asked()) == len(c.want) })
			if got := backend.asked(); !slices.Equal(got, c.want) {
				t.Errorf("%q", got)
			}
		})
	}
	t.Run("not while a message is being written", func(t *testing.T) {
		backend := newFake()
		s := start(t, backend, 80, 24, full)
		task := s.ask("first question")
		s.typeText("a draft")
		backend.finish(task, chat.TaskFailed, "", tooLong)
		s.untilShown("5000 tokens")
		if s.m.question != nil || s.m.input.Value() != "a draft" {
			t.Errorf("asked despite the draft %q", s.m.input.Value())
		}
	})
}
