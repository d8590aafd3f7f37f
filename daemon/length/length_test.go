package length_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"chat"
	"chat/daemon/length"
	"chat/internal/tokens"
)

func message(role chat.Role, id string, parts ...chat.Part) chat.Message {
	m := chat.Message{ID: id, Role: role}
	m.SetParts(parts)
	return m
}

func text(size int) chat.Part {
	return chat.Part{Type: chat.PartText, Text: strings.Repeat("abcd", size)}
}

// talk is a thread of n questions and answers of size tokens each, and a last question.
func talk(n, size int) chat.Thread {
	var t chat.Thread
	for i := range n {
		t.Messages = append(t.Messages, message(chat.RoleUser, fmt.Sprint("q", i), text(size)), message(chat.RoleAssistant, fmt.Sprint("a", i), text(size)))
	}
	t.Messages = append(t.Messages, message(chat.RoleUser, "last", text(size)))
	return t
}

func TestACountIsThatOfTheModelAndAnEstimateOfTheRest(t *testing.T) {
	t.Parallel()
	th := talk(3, 996) // 1,000 tokens each, with the mark of a message
	if got := length.Count(th, nil, 1); got != 7000 {
		t.Errorf("estimated %d", got)
	}
	if got := length.Count(th, nil, 1.5); got != 10_500 {
		t.Errorf("estimated %d with a factor", got)
	}
	// a2 was made from 5,000 estimated tokens, and the model counted 10,000: two for each.
	last := &length.Counted{MessageID: "a2", PromptTokens: 10_000}
	if got := length.Count(th, last, 1); got != 14_000 {
		t.Errorf("counted %d", got)
	}
	for name, l := range map[string]*length.Counted{
		"on another branch":    {MessageID: "other", PromptTokens: 10_000},
		"with another summary": {MessageID: "a2", SummaryID: "s", PromptTokens: 10_000},
	} {
		if got := length.Count(th, l, 1); got != 7000 {
			t.Errorf("an answer %s counts: %d", name, got)
		}
	}
	th.Summary = &chat.Summary{ID: "s", Text: strings.Repeat("abcd", 96)}
	if got := length.Count(th, &length.Counted{MessageID: "a2", SummaryID: "s", PromptTokens: 20_000}, 1); got < 26_000 || got > 28_000 {
		t.Errorf("with its summary: %d", got)
	}
	if got := length.LastAnswer(th); got != "a2" {
		t.Errorf("the last answer is %q", got)
	}
}

func TestACutKeepsTwoFifthsOfTheContext(t *testing.T) {
	t.Parallel()
	th := talk(9, 996) // 19,000 tokens
	for _, c := range []struct {
		window int
		factor float64
		want   int
	}{
		{20_000, 1, 14}, // 40 % less 10 % for the summary are 6,000: two turns and the question
		{20_000, 2, 16}, // 3,000: one turn and the question
		{1000, 1, 18},   // the last message is kept, whatever its size
		{60_000, 1, 2},  // 20,000 are all, but there has to be a summary
	} {
		if got := length.Cut(th, c.window, c.factor); got != c.want {
			t.Errorf("a window of %d, %v: cut at %d, want %d", c.window, c.factor, got, c.want)
		}
	}
	if got := length.CutAll(th); got != 18 {
		t.Errorf("all is %d", got)
	}
	for n, th := range map[int]chat.Thread{0: {}, 1: talk(0, 10)} {
		if got := length.CutAll(th); got != 0 {
			t.Errorf("of %d messages: %d", n, got)
		}
	}
}

func TestACutDoesNotSeparateACallFromItsResult(t *testing.T) {
	t.Parallel()
	call := chat.Part{Type: chat.PartToolCall, CallID: "c", Name: "look", Text: "{}"}
	result := chat.Part{Type: chat.PartToolResult, CallID: "c", Text: strings.Repeat("abcd", 1000)}
	th := talk(2, 996)
	th.Messages = append(th.Messages, message(chat.RoleAssistant, "call", call), message(chat.RoleUser, "result", result))
	for _, window := range []int{100, 8000, 40_000} {
		if got := length.Cut(th, window, 1); got > 4 || got == 0 {
			t.Errorf("a window of %d: cut at %d", window, got)
		}
	}
	if got := length.CutAll(th); got != 4 {
		t.Errorf("all is %d", got)
	}
}

func TestAViewBeginsWithTheSummary(t *testing.T) {
	t.Parallel()
	th := talk(1, 10)
	if got := length.View(th); len(got) != 3 {
		t.Errorf("%d messages", len(got))
	}
	th.Summary = &chat.Summary{Text: "THE SUM"}
	got := length.View(th)
	if len(got) != 4 || got[0].Role != chat.RoleUser || !strings.HasSuffix(got[0].Content, "\n\nTHE SUM") || got[1].ID != "q0" {
		t.Errorf("%+v", got)
	}
}

func TestTheStepsOfASummaryFit(t *testing.T) {
	t.Parallel()
	th := talk(9, 996)
	th.Messages[3] = message(chat.RoleAssistant, "huge", text(5000), chat.Part{Type: chat.PartImage, Digest: "d"})
	th.Summary = &chat.Summary{Text: "THE SUM"}
	steps := length.Steps(th, 4000, 1)
	if len(steps) < 10 {
		t.Fatalf("%d steps", len(steps))
	}
	all, images := "", 0
	for i, s := range steps {
		before := ""
		if i > 0 {
			before = strings.Repeat("abcd", 400)
		}
		list := s.Messages(before, 4000)
		if n := tokens.Messages("", list); n > 3600 {
			t.Errorf("step %d takes %d", i, n)
		}
		if last := list[len(list)-1]; !strings.HasPrefix(last.Content, "Summarize") {
			t.Errorf("step %d ends with %q", i, last.Content)
		}
		for _, m := range s {
			all += m.Content
			images += len(m.Parts.Digests())
		}
	}
	want := ""
	for _, m := range length.View(th) {
		want += m.Content
	}
	if all != want || images != 1 {
		t.Errorf("the steps have %d bytes and %d images, want %d and 1", len(all), images, len(want))
	}
	if got := length.Steps(th, 0, 1); len(got) != 1 || len(got[0]) != 20 {
		t.Errorf("%d steps without a window", len(got))
	}
}

func TestAStepHasCallsOfToolsAsText(t *testing.T) {
	t.Parallel()
	th := chat.Thread{Messages: []chat.Message{
		message(chat.RoleUser, "q", text(1)),
		message(chat.RoleAssistant, "call", chat.Part{Type: chat.PartReasoning, Text: "hm"}, chat.Part{Type: chat.PartToolCall, CallID: "c", Name: "look", Text: `{"at":1}`}),
		message(chat.RoleUser, "result", chat.Part{Type: chat.PartToolResult, CallID: "c", Text: "rain"}),
	}}
	step := length.Steps(th, 10_000, 1)[0]
	if got := step[1].Content + step[2].Content; got != "[called the tool look: {\"at\":1}]\n[result of a tool: rain]\n" {
		t.Errorf("%q", got)
	}
	if slices.ContainsFunc(step, func(m chat.Message) bool { return m.Reasoning != "" }) {
		t.Error("reasoning is summarized")
	}
}

func TestTheReserveOfAnAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p            *chat.Parameters
		window, want int
	}{{nil, 8000, 1000}, {nil, 200_000, 4096}, {&chat.Parameters{MaxTokens: 100}, 8000, 100}, {&chat.Parameters{MaxTokens: 100_000}, 8000, 4000}} {
		if got := length.Reserve(c.p, c.window); got != c.want {
			t.Errorf("%+v of %d: %d, want %d", c.p, c.window, got, c.want)
		}
	}
}
