package anthropic_test

import (
	"strings"
	"testing"

	"chat"
	"chat/daemon/model/modeltest"
)

// An answer that was cut is the beginning of the next one: without space at its end, which the
// API refuses.
func TestAnAnswerIsPrefilled(t *testing.T) {
	server := modeltest.NewAnthropic(t, said("\n\nSecond. First."))
	req := thread(text("hello"))
	req.Model, req.Partial = "claude-3-5-haiku-latest", "First.\n\n"
	g := stream(t, newRegistry(t, server.URL), req)
	requests := server.Requests()
	if g.Err != nil || len(requests) != 1 || g.Parts.Text() != "Second. First." {
		t.Fatalf("%v, %d requests, %q", g.Err, len(requests), g.Parts.Text())
	}
	turns := requests[0].Messages
	if last := turns[len(turns)-1]; len(turns) != 2 || last.Role != "assistant" || last.Content[0].Text != "First." {
		t.Errorf("%+v", turns)
	}
}

// A model that refuses that, as newer ones do, is asked instead, and no other answer of this
// process is prefilled.
func TestARefusedPrefillIsAskedFor(t *testing.T) {
	server := modeltest.NewAnthropic(t, said("of the First Republic."))
	registry := newRegistry(t, server.URL)
	req := thread(text("hello"))
	req.Partial = "The time of the Fir"
	for n, want := range []int{2, 3} {
		g := stream(t, registry, req)
		requests := server.Requests()
		if g.Err != nil || len(requests) != want || g.Parts.Text() != "st Republic." || len(g.Notices) != 0 {
			t.Fatalf("answer %d: %v, %d requests, %q, %q", n, g.Err, len(requests), g.Parts.Text(), g.Notices)
		}
		turns := requests[want-1].Messages
		if last := turns[len(turns)-1]; len(turns) != 3 || last.Role != "user" || !strings.Contains(last.Content[0].Text, "The time of the Fir") {
			t.Errorf("%+v", turns)
		}
	}
}

// A model that reasons cannot be prefilled, and what it reasons about the continuation is left out.
func TestAReasoningModelIsAsked(t *testing.T) {
	server := modeltest.NewAnthropic(t, modeltest.Script{Blocks: []modeltest.Block{modeltest.Thought("Go on.", "sig"), {Type: "text", Text: "rest."}}})
	req := thread(text("hello"))
	req.Partial, req.Parameters = "The ", chat.Parameters{Effort: "low"}
	g := stream(t, newRegistry(t, server.URL), req)
	requests := server.Requests()
	if g.Err != nil || len(requests) != 1 || g.Parts.Text() != "rest." || g.Parts.Reasoning() != "" || len(g.Parts) != 1 {
		t.Fatalf("%v, %d requests, %+v", g.Err, len(requests), g.Parts)
	}
	if turns := requests[0].Messages; len(turns) != 3 || requests[0].Thinking == nil {
		t.Errorf("%+v", requests[0])
	}
}

// The provider's own form of JSON is for whole answers.
func TestAStructuredAnswerIsContinuedAsText(t *testing.T) {
	req := thread(text("hello"))
	req.Model, req.Partial, req.Parameters = "claude-3-5-haiku-latest", `{"a`, chat.Parameters{Format: &chat.Format{Schema: []byte(`{"type":"object"}`)}}
	if a, _ := asked(t, req); a.Output != nil {
		t.Errorf("%s", a.Output)
	}
}
