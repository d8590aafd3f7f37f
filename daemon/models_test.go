package daemon

import (
	"testing"

	"chat"
	"chat/daemon/model/local"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

// The name for the log and the request of the same task lead to the same model.
func TestTheNameOfAModelAndItsStreamAgree(t *testing.T) {
	t.Parallel()
	for def, want := range map[string]string{"ollama/lying": "ollama", "lying": "configured", "": "configured"} {
		configured, ollama := modeltest.New(t), modeltest.New(t)
		registry := providers.New(providers.Config{
			BaseURL: configured.URL, Key: modeltest.Key, DefaultModel: def, Discover: true,
			Local: local.Options{Servers: []local.Server{{Name: "ollama", BaseURL: ollama.URL}}, Budget: modeltest.Timeout},
		})
		t.Cleanup(registry.Close)
		m, task := newModels(registry, &windows{}), chat.Task{ID: "t"}
		if name := m.Name(t.Context(), task); name != "lying" {
			t.Errorf("default %q: the name is %q", def, name)
		}
		for e, err := range m.Stream(t.Context(), task, modeltest.Ask("lie: chunks=1")) {
			if err != nil {
				t.Errorf("default %q: %v, %+v", def, err, e)
			}
		}
		for name, server := range map[string]*modeltest.Server{"configured": configured, "ollama": ollama} {
			if asked := len(server.Calls()) > 0; asked != (name == want) {
				t.Errorf("default %q: %s was asked: %v", def, name, asked)
			}
		}
	}
}
