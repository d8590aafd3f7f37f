package providers_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model/demo"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

func demoRegistry(t *testing.T, tokensPerSecond float64) *providers.Registry {
	t.Helper()
	return newRegistry(t, providers.Config{Demo: demo.Options{TokensPerSecond: tokensPerSecond}})
}

func TestTheDemoSaysWhatItIs(t *testing.T) {
	r := demoRegistry(t, -1)
	g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("Why is the sky *blue*?\nTell me."))
	if g.Err != nil || g.Finish.Reason != "stop" || g.Finish.Model != "demo" || g.Finish.Usage == nil || g.Reasoning == "" {
		t.Fatalf("%+v", g)
	}
	for _, want := range []string{
		"built-in demo, not an AI model", `> Why is the sky \*blue\*? Tell me.`, "```sh\n", "chat attach last", "chat send -d", "chat ps",
		"OPENAI_API_KEY", "OPENAI_BASE_URL", "Ollama", "LM Studio", "llama.cpp",
	} {
		if !strings.Contains(g.Content, want) {
			t.Errorf("the demo does not say %q:\n%s", want, g.Content)
		}
	}
	if g.Events < 100 {
		t.Errorf("only %d events", g.Events)
	}
	if again := modeltest.Collect(t.Context(), t, r, modeltest.Ask("Why is the sky *blue*?\nTell me.")); again.Content != g.Content || again.Reasoning != g.Reasoning {
		t.Error("the same message got another answer")
	}
}

func TestTheDemoKnowsHowFarTheConversationIs(t *testing.T) {
	req := modeltest.Ask("one")
	req.Messages = append(req.Messages, chat.Message{Role: chat.RoleAssistant, Content: "…"}, chat.Message{Role: chat.RoleUser, Content: "two"})
	first := modeltest.Collect(t.Context(), t, demoRegistry(t, -1), modeltest.Ask("two"))
	g := modeltest.Collect(t.Context(), t, demoRegistry(t, -1), req)
	if g.Err != nil || !strings.Contains(g.Content, "message 2 of our conversation") || g.Content == first.Content {
		t.Fatalf("%+v", g)
	}
}

func TestTheDemoMakesLongAnswersOnRequest(t *testing.T) {
	for message, want := range map[string]string{
		"count to 12":                   "\n\n11 12\n\nThat was 12 numbers.",
		"Please COUNT up to 1.":         "\n\n1\n\nThat was 1 number.",
		"count to 99999999999999999999": " 10000\n\nThat was 10000 numbers.",
		"a long answer please":          "## 5. When something breaks",
	} {
		g := modeltest.Collect(t.Context(), t, demoRegistry(t, -1), modeltest.Ask(message))
		if g.Err != nil || !strings.Contains(g.Content, want) || !strings.Contains(g.Content, "not an AI model") {
			t.Errorf("%s: %v\n%.2000s", message, g.Err, g.Content)
		}
	}
}

var errStop = errors.New("the user stopped the answer")

// The pace is real, and stopping does not wait for it.
func TestTheDemoStopsWhenAsked(t *testing.T) {
	r := demoRegistry(t, 0.001) // the second token is due in a quarter of an hour
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var last error
	events := 0
	for _, err := range r.Stream(ctx, modeltest.Ask("hello")) {
		events++
		last = err
		cancel(errStop)
	}
	if events != 2 || last != errStop { //nolint:errorlint // the contract is the cause itself
		t.Errorf("%d events, %v", events, last)
	}
	for _, err := range r.Stream(t.Context(), modeltest.Ask("hello")) {
		if err != nil {
			t.Error(err)
		}
		break // goleak sees that the handler has ended too
	}
}
