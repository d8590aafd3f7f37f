package openai_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/local"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

// Ollama truncates to the context with which a model was loaded.
func TestTheContextOfALoadedModelIsThatOfOllama(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"loaded":             {`{"models":[{"name":"qwen3:8b","model":"qwen3:8b","context_length":8192}]}`, 8192},
		"not loaded":         {`{"models":[]}`, 0},
		"an older server":    {`{"models":[{"model":"qwen3:8b"}]}`, 0},
		"no such list":       {``, 0},
		"something else":     {`<html>`, 0},
		"an impossible size": {`{"models":[{"model":"qwen3:8b","context_length":-1}]}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprint(w, `{"object":"list","data":[{"id":"qwen3:8b","object":"model"},{"id":"llama3:latest","object":"model"}]}`)
			})
			if c.body != "" {
				mux.HandleFunc("GET /api/ps", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, c.body) })
			}
			r := newRegistry(t, withLocal(local.Server{Name: "ollama", BaseURL: httptestURL(t, mux) + "/v1"}))
			full, info := r.Describe(t.Context(), "qwen3:8b", nil)
			if full != "ollama/qwen3:8b" || info.Context != c.want {
				t.Errorf("%s has %+v, want %d", full, info, c.want)
			}
			if _, info := r.Describe(t.Context(), "ollama/llama3", nil); info.Context != 0 {
				t.Errorf("another model has %+v", info)
			}
		})
	}
}

// roundTripper answers in place of the network.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWhatARefusalSaysAboutLengths(t *testing.T) {
	t.Parallel()
	for _, refusal := range modeltest.Refusals() {
		t.Run(refusal.Name, func(t *testing.T) {
			t.Parallel()
			provider := modeltest.NewLimited(t, 1000, refusal)
			r := newRegistry(t, providers.Config{BaseURL: provider.URL + "/v1"})
			ask := modeltest.Ask(strings.Repeat("words ", 2000))
			ask.Model = "limited"
			err := modeltest.Collect(t.Context(), t, r, ask).Err
			modeltest.WantCode(t, err, chat.CodeProviderContext, false)
			got := model.RefusedLength(err)
			if refusal.Name == "without numbers" {
				if got != (model.Length{}) {
					t.Errorf("%+v", got)
				}
			} else if got.Window != 1000 || got.Used < 3000 || got.Used > 3100 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestOnlyOpenAIGetsTheKeyOfItsCache(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{"https://api.openai.com/v1": "conversation-1", "https://llm.example.com/v1": ""} {
		var keys []string
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			var sent struct {
				Key string `json:"prompt_cache_key"`
			}
			if err := json.Unmarshal(body, &sent); err != nil {
				return nil, err
			}
			keys = append(keys, sent.Key)
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Request: r, Body: io.NopCloser(strings.NewReader(
				"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"))}, nil
		})
		r := newRegistry(t, providers.Config{BaseURL: base, Key: "sk-x", Transport: transport})
		ask := modeltest.Ask("hello")
		ask.Model, ask.Conversation = "gpt-4o-mini", "conversation-1"
		if err := modeltest.Collect(t.Context(), t, r, ask).Err; err != nil {
			t.Error(err)
		}
		if len(keys) == 0 || keys[len(keys)-1] != want {
			t.Errorf("%s got %q, want %q", base, keys, want)
		}
	}
}
