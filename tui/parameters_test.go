package tui

import (
	"strings"
	"testing"

	"chat"
)

// lastSent is what the last message set of its parameters.
func (f *fakeBackend) lastSent() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent[len(f.sent)-1].Parameters.String()
}

// kept are the parameters that the newest conversation has on the server.
func (f *fakeBackend) kept() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.conversations[0].Parameters.String()
}

// answered sends a message and ends its answer.
func (s *screenTest) answered(text string) {
	s.t.Helper()
	s.backend.finish(s.ask(text), chat.TaskDone, "yes", nil)
	s.untilQuiet()
}

func modelParameters(model string) *chat.Parameters {
	p := &chat.Parameters{Effort: "low"}
	if model == "demo" {
		p.MaxTokens = 900
	}
	return p
}

func TestParametersAreSetInTheList(t *testing.T) {
	s := start(t, newFake(), 100, 24, full, func(o *Options) { o.ModelParameters = modelParameters })
	s.press("ctrl+p")
	s.typeText("parameters")
	s.press("enter")
	s.golden("parameters_100x24")
	s.press("enter")
	s.shows("temperature >", "an empty one, or default, leaves it to the provider")
	s.typeText("warm")
	s.press("enter")
	s.shows("temperature > warm", `temperature must be a number from 0 to 2, not "warm"`)
	s.golden("parameter_wrong_100x24")
	s.press("ctrl+u")
	s.typeText("0.2")
	s.press("enter")
	s.shows("✓ temperature  0.2", "temperature is 0.2 from the next message on", "temperature 0.2, max_tokens 900, effort low")
	s.typeText("stop")
	s.press("enter")
	s.typeText("END")
	s.press("enter")
	s.shows(`✓ stop         "END"`)
	s.press("enter", "esc") // the question
	s.press("esc")          // the list
	s.answered("first")
	if got := s.backend.lastSent(); got != `temperature 0.2, stop "END"` {
		t.Errorf("the first message set %s", got)
	}
	s.answered("second")
	if got := s.backend.lastSent(); got != "" {
		t.Errorf("the second message set %s", got)
	}
	s.shows("demo · temperature 0.2")
	s.press("ctrl+n")
	s.shows("!temperature")
}

func TestParametersOfAConversationAreChangedAndCleared(t *testing.T) {
	s := start(t, newFake(), 80, 24, full)
	s.answered("first")
	s.typeText("/temperature 0.5")
	s.press("enter")
	s.until("the server has it", func() bool { return s.backend.kept() == "temperature 0.5" && s.m.parameters == nil })
	s.shows("temperature is 0.5 from the next message on")
	s.untilShown("demo · temperature 0.5")
	s.typeText("/max-tokens none")
	s.press("enter")
	s.shows(`max_tokens must be a whole number from 1 to 1073741824, not "none"`)
	s.untilDraft("/max-tokens none")
	s.press("ctrl+u")
	s.typeText("/temperature default")
	s.press("enter")
	s.shows("temperature is not set")
	s.until("the server has none", func() bool {
		return s.backend.kept() == "" && s.m.parameters == nil && !strings.Contains(s.screen(), "demo · temperature")
	})
	s.backend.mu.Lock()
	s.backend.parametersErr = chat.Errorf(chat.CodeUnavailable, "the database is away")
	s.backend.mu.Unlock()
	s.typeText("/seed 7")
	s.press("enter")
	s.untilShown("the parameters were not changed: the database is away")
	s.shows("!seed 7 ·")
	s.typeText(" /seed 7 is a text")
	s.press("enter")
	s.until("it is sent", func() bool { return strings.Contains(s.backend.newestText(), "/seed 7 is a text") })
}

// newestText is the text of the last message that was sent.
func (f *fakeBackend) newestText() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent[len(f.sent)-1].Content
}

func TestTheParametersOfTheSelectedModel(t *testing.T) {
	s := start(t, newFake(), 100, 24, full, func(o *Options) {
		o.ModelParameters = modelParameters
		o.Parameters = &chat.Parameters{Effort: "high"}
	})
	s.press("ctrl+l")
	s.untilShown("qwen3:8b")
	s.golden("models_parameters_100x24")
	s.press("down", "ctrl+e")
	s.shows("Parameters of this conversation", "✓ effort       high", "!900")
	s.press("esc")
	s.shows("qwen3:8b · effort high · local")
}

func TestTheParametersOfTheSelectedConversation(t *testing.T) {
	backend := newFake()
	backend.add("Alpha", "alpha question", "yes")
	backend.conversations[0].Parameters = &chat.Parameters{Effort: "high"}
	s := start(t, backend, 80, 24, full)
	s.press("ctrl+k")
	s.untilShown("Alpha")
	s.press("ctrl+e")
	s.untilShown("✓ effort       high")
	s.shows("Parameters of this conversation", "Alpha · demo · effort high")
	s.press("enter")
	s.typeText("1")
	s.press("enter")
	s.until("the server has it", func() bool { return s.backend.kept() == "temperature 1, effort high" })
}

func TestParametersOfTheCommandLine(t *testing.T) {
	backend := newFake()
	one, two := backend.add("Alpha", "alpha question", "yes"), backend.add("Beta", "beta question", "no")
	zero := 0.0
	s := start(t, backend, 80, 24, full, func(o *Options) {
		o.ConversationID, o.Parameters = one, &chat.Parameters{Temperature: &zero}
	})
	s.untilShown("alpha question")
	for range 2 {
		s.answered("more")
		if got := backend.lastSent(); got != "temperature 0" {
			t.Errorf("the message set %q", got)
		}
	}
	if got := backend.kept(); got != "" {
		t.Errorf("the conversation has %q", got)
	}
	s.run(s.m.openAt(two, ""))
	s.untilShown("beta question")
	s.answered("more")
	if got := backend.lastSent(); got != "" {
		t.Errorf("a message of another conversation set %q", got)
	}
	s.press("ctrl+n")
	s.answered("new")
	if got := backend.lastSent(); got != "temperature 0" {
		t.Errorf("a new conversation has %q", got)
	}
}

func TestParametersNeedBackendSupport(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	s.press("ctrl+p")
	s.typeText("parameters")
	s.shows("nothing fits")
	s.press("esc")
	s.typeText("/seed 7")
	s.press("enter")
	s.until("it is a message", func() bool { return s.backend.newest() != nil })
}
