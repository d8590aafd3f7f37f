package worker_test

import (
	"context"
	"iter"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/local"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

// resolving is a worker.Model that resolves names as the daemon does.
type resolving struct {
	*models
	registry *providers.Registry
}

func (m resolving) Name(ctx context.Context, t chat.Task) string {
	if t.Model != "" {
		return t.Model
	}
	return m.registry.ModelName(ctx, "", nil)
}

func (m resolving) Admit(ctx context.Context, t chat.Task, _ bool) (*model.Turn, error) {
	return m.registry.Admit(ctx, model.Admission{Model: t.Model})
}

func (m resolving) Stream(ctx context.Context, t chat.Task, req model.Request) iter.Seq2[model.Event, error] {
	req.Model = t.Model
	return m.registry.Stream(ctx, req)
}

// The default model may be one of two with the same id. The provider's name must not be
// lost between the log and the request.
func TestTheDefaultModelKeepsItsProvider(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	ollama := modeltest.New(t)
	registry := providers.New(providers.Config{
		BaseURL: h.provider.URL, Key: modeltest.Key, DefaultModel: "ollama/lying", Discover: true,
		Local: local.Options{Servers: []local.Server{{Name: "ollama", BaseURL: ollama.URL}}, Budget: testTimeout},
	})
	t.Cleanup(registry.Close)
	h.work(workerOptions{model: resolving{h.models, registry}})
	acc := h.submit("lie: chunks=2")
	_, m := h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 2))
	if len(ollama.Calls()) != 1 || len(h.provider.Calls()) != 0 || m.Model != "lying" {
		t.Errorf("%d calls of the local server, %d of the configured provider, model %q", len(ollama.Calls()), len(h.provider.Calls()), m.Model)
	}
	if logged := h.rdb.HGet(t.Context(), names.Metadata(acc.TaskID), "model").Val(); logged != "lying" {
		t.Errorf("the log names %q", logged)
	}
}
