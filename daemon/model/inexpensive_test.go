package model_test

import (
	"testing"

	"chat"
	"chat/daemon/model"
)

func TestInexpensiveModels(t *testing.T) {
	t.Parallel()
	big := provider("big", "gpt-5", "gpt-4o-mini-2024-07-18", "gpt-5-nano", "claude-opus-4-5")
	router := provider("router", "anthropic/claude-opus-4-5", "openai/gpt-5-nano", "anthropic/claude-haiku-4-5", "x/large", "x/ministral-8b")
	router.info = map[string]chat.ModelInfo{"x/large": {OutputPrice: 1}, "x/ministral-8b": {OutputPrice: 2}}
	home := provider("ollama", "qwen3:8b", "llama3")
	unlisted := provider("unlisted")
	unlisted.err = down()
	r := model.NewRegistry(model.Options{Providers: []model.Provider{big}, Named: []model.Provider{router, unlisted}, Demo: provider("demo", "demo"), Local: &fakeDetector{running: []*fakeProvider{home}}})
	for name, want := range map[string]string{
		"gpt-5":                            "big/gpt-5-nano",
		"big/claude-opus-4-5":              "big/gpt-5-nano",
		"gpt-4o-mini-2024-07-18":           "gpt-4o-mini-2024-07-18", // it is one
		"router/anthropic/claude-opus-4-5": "router/anthropic/claude-haiku-4-5",
		"router/x/large":                   "router/x/large", // the other one costs more
		"ollama/qwen3:8b":                  "ollama/qwen3:8b",
		"unlisted/m":                       "unlisted/m",
		"demo":                             "",
		"ollama/gone":                      "",
	} {
		if got := r.Inexpensive(t.Context(), name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
