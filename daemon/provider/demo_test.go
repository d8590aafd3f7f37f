package provider_test

import (
	"context"
	"strings"
	"testing"

	"chat"
	"chat/daemon/provider"
)

func demoRegistry(t *testing.T, tokensPerSecond float64) *provider.Registry {
	t.Helper()
	return registry(t, provider.Config{Demo: provider.DemoOptions{TokensPerSecond: tokensPerSecond}})
}

func TestTheDemoSaysWhatItIs(t *testing.T) {
	r := demoRegistry(t, -1)
	g := read(t, t.Context(), r, ask("Why is the sky *blue*?\nTell me."))
	if g.err != nil || g.finish.Reason != "stop" || g.finish.Model != "demo" || g.finish.Usage == nil || g.reasoning == "" {
		t.Fatalf("%+v", g)
	}
	for _, want := range []string{
		"built-in demo, not an AI model", `> Why is the sky \*blue\*? Tell me.`, "```sh\n", "chat attach last", "chat send -d", "chat ps",
		"OPENAI_API_KEY", "OPENAI_BASE_URL", "Ollama", "LM Studio", "llama.cpp",
	} {
		if !strings.Contains(g.content, want) {
			t.Errorf("the demo does not say %q:\n%s", want, g.content)
		}
	}
	if g.events < 100 {
		t.Errorf("only %d events", g.events)
	}
	if again := read(t, t.Context(), r, ask("Why is the sky *blue*?\nTell me.")); again.content != g.content || again.reasoning != g.reasoning {
		t.Error("the same message got another answer")
	}
}

func TestTheDemoKnowsHowFarTheConversationIs(t *testing.T) {
	req := ask("one")
	req.Messages = append(req.Messages, chat.Message{Role: chat.RoleAssistant, Content: "…"}, chat.Message{Role: chat.RoleUser, Content: "two"})
	first := read(t, t.Context(), demoRegistry(t, -1), ask("two"))
	g := read(t, t.Context(), demoRegistry(t, -1), req)
	if g.err != nil || !strings.Contains(g.content, "message 2 of our conversation") || g.content == first.content {
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
		g := read(t, t.Context(), demoRegistry(t, -1), ask(message))
		if g.err != nil || !strings.Contains(g.content, want) || !strings.Contains(g.content, "not an AI model") {
			t.Errorf("%s: %v\n%.2000s", message, g.err, g.content)
		}
	}
}

// The pace is real, and stopping does not wait for it.
func TestTheDemoStopsWhenAsked(t *testing.T) {
	r := demoRegistry(t, 0.001) // the second token is due in a quarter of an hour
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var last error
	events := 0
	for _, err := range r.Stream(ctx, ask("hello")) {
		events++
		last = err
		cancel(errStop)
	}
	if events != 2 || last != errStop { //nolint:errorlint // the contract is the cause itself
		t.Errorf("%d events, %v", events, last)
	}
	for _, err := range r.Stream(t.Context(), ask("hello")) {
		if err != nil {
			t.Error(err)
		}
		break // goleak sees that the handler has ended too
	}
}
