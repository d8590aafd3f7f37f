package providers_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/local"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

const catalogue = `{"object":"list","data":[
	{"id":"gpt-4o","object":"model"},{"id":"gpt-4o-mini","object":"model"},{"id":"o3","object":"model"},
	{"id":"qwen3:latest","object":"model"},{"id":"vendor/large","object":"model"},{"id":"text-embedding-3","object":"model"}]}`

func TestAModelThatIsNotListedIsNamedBeforeItIsAsked(t *testing.T) {
	base := modeltest.ListServer(t, catalogue, nil)
	host := strings.TrimSuffix(strings.TrimPrefix(base, "http://"), "/v1")
	configured := newRegistry(t, providers.Config{BaseURL: base, Key: modeltest.Key, DefaultModel: "hidden-default"})
	own := &model.Credentials{BaseURL: base}
	for name, r := range map[string]*providers.Registry{"configured": configured, "own": newRegistry(t, providers.Config{}), "local": newRegistry(t, withLocal(local.Server{Name: "ollama", BaseURL: base}))} {
		creds := own
		if name != "own" {
			creds = nil
		}
		for _, model := range []string{"", "demo", "demo/demo", "gpt-4o", "qwen3", "qwen3:latest", "vendor/large"} {
			if err := r.CheckModel(t.Context(), model, creds); err != nil {
				t.Errorf("%s, %q: %v", name, model, err)
			}
		}
		for model, near := range map[string]string{
			"gtp-4o": `"gpt-4o"`, "gpt-4": `"gpt-4o"`, "GPT-4o-min": `"gpt-4o-mini"`, "gpt-4o-mini-high": `"gpt-4o-mini"`, "large": `"vendor/large"`, "qwen2:latest": `"qwen3:latest"`,
		} {
			e := modeltest.ErrorOf(t, r.CheckModel(t.Context(), model, creds), chat.CodeProviderModel, false)
			if !strings.Contains(e.Message, "did you mean") || !strings.Contains(e.Message, near) || !strings.Contains(e.Message, model) {
				t.Errorf("%s, %q: %q, want %s in it", name, model, e.Message, near)
			}
		}
		e := modeltest.ErrorOf(t, r.CheckModel(t.Context(), "zzzzzzzzzzzz", creds), chat.CodeProviderModel, false)
		if strings.Contains(e.Message, "did you mean") || !strings.Contains(e.Message, "chat models") {
			t.Errorf("%s: %q", name, e.Message)
		}
	}
	for _, model := range []string{"hidden-default", "text-embedding-3", host + "/gpt-4o", "vendor/large:free", "ft:gpt-4o:me"} {
		if err := configured.CheckModel(t.Context(), model, nil); err != nil {
			t.Errorf("%q: %v", model, err)
		}
	}
	if e := modeltest.ErrorOf(t, configured.CheckModel(t.Context(), "gtp\x1b[2J", nil), chat.CodeProviderModel, false); strings.Contains(e.Message, "\x1b") {
		t.Errorf("%q", e.Message)
	}
}

func TestAProviderThatListsNothingIsAskedAnyway(t *testing.T) {
	hold := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(hold); silent.Close() })
	missing := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(missing.Close)
	for name, base := range map[string]string{
		"nobody is there": modeltest.ClosedURL(t), "it is silent": silent.URL, "it has no list": missing.URL, "its list is empty": modeltest.ListServer(t, `{"data":[]}`, nil), "it is none": modeltest.ListServer(t, "<html>", nil),
	} {
		r := newRegistry(t, providers.Config{BaseURL: base})
		began := time.Now()
		if err := r.CheckModel(t.Context(), "gpt-4o", nil); err != nil || time.Since(began) > 5*time.Second {
			t.Errorf("%s: %v after %s", name, err, time.Since(began))
		}
		again := time.Now() // and is not asked at once again
		if err := r.CheckModel(t.Context(), "gpt-4o", nil); err != nil || name == "it is silent" && time.Since(again) > 500*time.Millisecond {
			t.Errorf("%s: %v after %s", name, err, time.Since(again))
		}
	}
	if err := newRegistry(t, providers.Config{}).CheckModel(t.Context(), "gpt-4o", nil); err != nil {
		t.Errorf("without any provider: %v", err) // the task says how to set one
	}
}

func TestTheListForChecksIsTheListForPeople(t *testing.T) {
	var asked atomic.Int32
	r := newRegistry(t, providers.Config{BaseURL: modeltest.ListServer(t, catalogue, &asked)})
	for range 3 {
		modeltest.WantCode(t, r.CheckModel(t.Context(), "nonsense", nil), chat.CodeProviderModel, false)
	}
	list, err := r.Models(t.Context(), nil)
	if err != nil || len(list) != 6 || asked.Load() != 1 {
		t.Errorf("%s, %v; asked %d times", modeltest.FormatModels(list), err, asked.Load())
	}
}
