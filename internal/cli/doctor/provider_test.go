package doctor

import (
	"strings"
	"testing"

	"chat"
	"chat/daemon"
)

// A daemon's list and a list without a daemon are counted in the same way.
func TestModelsAreCountedByProvider(t *testing.T) {
	t.Parallel()
	demo := chat.Model{ID: daemon.DemoModel, Provider: daemon.DemoModel}
	a, b, c := chat.Model{ID: "a", Provider: "openai"}, chat.Model{ID: "b", Provider: "openai"}, chat.Model{ID: "c", Provider: "ollama"}
	for want, models := range map[string][]chat.Model{
		"only the built-in demo":                           {demo},
		"1 model, a by default":                            {a, demo},
		"2 models, a by default":                           {a, b, demo},
		"2 models of openai and 1 of ollama, a by default": {a, c, b, demo},
		"1 model of ollama and 2 of openai, a by default":  {c, a, b, demo},
	} {
		if got := modelsFinding(daemon.ProviderCheck{All: models, Default: "a"}); !strings.Contains(got.Says, want) {
			t.Errorf("%q, want %q", got.Says, want)
		}
	}
}
