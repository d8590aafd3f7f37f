package tui

import (
	"strings"
	"testing"

	"chat"
)

func TestHeaderShowsContextAndCost(t *testing.T) {
	backend := newFake()
	id := backend.add("A conversation with a rather long title, longer than there is room", "first", "one", "second", "two")
	backend.messages[id][1].Usage = &chat.Usage{PromptTokens: 400, CompletionTokens: 600, TotalTokens: 1000}
	backend.messages[id][3].Usage = &chat.Usage{PromptTokens: 1500, CompletionTokens: 500, TotalTokens: 2000}
	facts := func(model string) chat.ModelInfo {
		if model != "demo" {
			t.Errorf("asked for %q", model)
		}
		return chat.ModelInfo{Context: 8000, InputPrice: 1, OutputPrice: 2}
	}
	for _, c := range []struct {
		facts func(string) chat.ModelInfo
		want  string
	}{{facts, "ctx 25%  $0.004"}, {nil, "ctx 2.0k"}} {
		s := start(t, backend, 80, 24, func(o *Options) { o.ConversationID, o.ModelInfo = id, c.facts })
		s.untilShown("two")
		if head, _, _ := strings.Cut(s.screen(), "\n"); !strings.HasSuffix(head, c.want) {
			t.Errorf("the header is %q, want %q at its end", head, c.want)
		}
	}
	// The provider's values are used where the settings have none.
	backend.modelInfo = chat.ModelInfo{Context: 4000, InputPrice: 10, OutputPrice: 20}
	some := func(string) chat.ModelInfo { return chat.ModelInfo{InputPrice: 1} }
	s := start(t, backend, 80, 24, func(o *Options) { o.ConversationID, o.ModelInfo = id, some })
	s.untilShown("ctx 50%  $0.024")
	backend.modelInfo = chat.ModelInfo{}
	for _, width := range []int{20, 30, 40, 59, 60, 80, 120} {
		s := start(t, backend, width, 12, func(o *Options) { o.ConversationID, o.ModelInfo = id, facts })
		s.until("it is opened", func() bool { return len(s.m.conversation.Shown()) > 0 })
		s.ask("and?")
		s.wellFormed()
		s.backend.finish(s.backend.newest(), chat.TaskDone, "so", nil)
	}
}
