package openai_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/network"
	"chat/daemon/model/providers"
	"chat/daemon/model/transport"
)

// Base URLs are taken as people write and paste them.
func TestWhereABaseURLLeads(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://api.example.com/v1":                               "https://api.example.com/v1/chat/completions",
		"https://api.example.com/v1/":                              "https://api.example.com/v1/chat/completions",
		"https://api.example.com//v1//":                            "https://api.example.com/v1/chat/completions",
		"https://api.example.com/v1/v1":                            "https://api.example.com/v1/chat/completions",
		"https://api.example.com/v1/v1/":                           "https://api.example.com/v1/chat/completions",
		"https://api.example.com/v1/chat/completions":              "https://api.example.com/v1/chat/completions",
		"https://api.example.com/v1/chat/completions/":             "https://api.example.com/v1/chat/completions",
		"https://api.example.com/v1/completions":                   "https://api.example.com/v1/chat/completions",
		"https://api.example.com/v1/models":                        "https://api.example.com/v1/chat/completions",
		"https://api.example.com/v1/responses":                     "https://api.example.com/v1/chat/completions",
		"HTTPS://API.Example.COM/v1":                               "https://api.example.com/v1/chat/completions",
		"https://api.example.com/V2/Case":                          "https://api.example.com/V2/Case/chat/completions",
		"https://api.example.com:443/v1":                           "https://api.example.com:443/v1/chat/completions",
		"https://api.example.com/v1beta/openai/":                   "https://api.example.com/v1beta/openai/chat/completions",
		"https://api.example.com/a%2Fb/v1":                         "https://api.example.com/a%2Fb/v1/chat/completions",
		"https://api.example.com":                                  "https://api.example.com/chat/completions",
		"api.example.com/v1":                                       "https://api.example.com/v1/chat/completions",
		"//api.example.com/v1":                                     "https://api.example.com/v1/chat/completions",
		"https:api.example.com/v1":                                 "https://api.example.com/v1/chat/completions",
		"https:/api.example.com/v1":                                "https://api.example.com/v1/chat/completions",
		" https://api.example.com/v1\n":                            "https://api.example.com/v1/chat/completions",
		"\"https://api.example.com/v1\"":                           "https://api.example.com/v1/chat/completions",
		"'https://api.example.com/v1'":                             "https://api.example.com/v1/chat/completions",
		"<https://api.example.com/v1>,":                            "https://api.example.com/v1/chat/completions",
		"“https://api.example.com/v1”":                             "https://api.example.com/v1/chat/completions",
		"https://api.example.com/v1\u200b":                         "https://api.example.com/v1/chat/completions",
		"export OPENAI_BASE_URL='https://api.example.com/v1'":      "https://api.example.com/v1/chat/completions",
		"https://api.example.com/v1?":                              "https://api.example.com/v1/chat/completions",
		"https://api.example.com/v1?tenant=7":                      "https://api.example.com/v1/chat/completions?tenant=7",
		"https://api.example.com/v1/chat/completions?a=1&b=%20":    "https://api.example.com/v1/chat/completions?a=1&b=+",
		"localhost:11434/v1":                                       "http://localhost:11434/v1/chat/completions",
		"localhost:11434":                                          "http://localhost:11434/chat/completions",
		"127.0.0.1:1234/v1":                                        "http://127.0.0.1:1234/v1/chat/completions",
		"0.0.0.0:11434/v1":                                         "http://127.0.0.1:11434/v1/chat/completions",
		"http://0.0.0.0:11434/v1":                                  "http://127.0.0.1:11434/v1/chat/completions",
		":11434/v1":                                                "http://127.0.0.1:11434/v1/chat/completions",
		"192.168.1.7:8000/v1":                                      "http://192.168.1.7:8000/v1/chat/completions",
		"nas.local:8000/v1":                                        "http://nas.local:8000/v1/chat/completions",
		"gpu:8000/v1":                                              "http://gpu:8000/v1/chat/completions",
		"8.8.8.8:8000/v1":                                          "https://8.8.8.8:8000/v1/chat/completions",
		"[::1]:8080/v1":                                            "http://[::1]:8080/v1/chat/completions",
		"http://[::1]:8080/v1":                                     "http://[::1]:8080/v1/chat/completions",
		"http://[::]:8080/v1":                                      "http://[::1]:8080/v1/chat/completions",
		"http://[FD00::1]/v1":                                      "http://[fd00::1]/v1/chat/completions",
		"https://bücher.example/v1":                                "https://b%C3%BCcher.example/v1/chat/completions",
		"https://r.openai.azure.com":                               "https://r.openai.azure.com/openai/v1/chat/completions",
		"https://r.openai.azure.com/":                              "https://r.openai.azure.com/openai/v1/chat/completions",
		"https://r.openai.azure.com/openai?api-version=2024-10-21": "https://r.openai.azure.com/openai/v1/chat/completions",
		"https://r.openai.azure.com/openai/v1/":                    "https://r.openai.azure.com/openai/v1/chat/completions",
		"https://r.services.ai.azure.com/openai/v1":                "https://r.services.ai.azure.com/openai/v1/chat/completions",
		"https://r.openai.azure.com/openai/deployments/d1?api-version=2024-10-21":                                 "https://r.openai.azure.com/openai/deployments/d1/chat/completions?api-version=2024-10-21 key",
		"https://r.openai.azure.com/openai/deployments/d1/?api-version=2024-10-21":                                "https://r.openai.azure.com/openai/deployments/d1/chat/completions?api-version=2024-10-21 key",
		"https://r.openai.azure.com/openai/deployments/d1/chat/completions?api-version=2025-01-01-preview":        "https://r.openai.azure.com/openai/deployments/d1/chat/completions?api-version=2025-01-01-preview key",
		"https://r.cognitiveservices.azure.com/openai/deployments/d1/chat/completions?api-version=2025-01-01":     "https://r.cognitiveservices.azure.com/openai/deployments/d1/chat/completions?api-version=2025-01-01 key",
		"https://r.services.ai.azure.com/models?api-version=2024-05-01-preview":                                   "https://r.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview key",
		"https://r.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview":                  "https://r.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview key",
		"http://127.0.0.1:9/openai/deployments/d1?api-version=2024-10-21":                                         "http://127.0.0.1:9/openai/deployments/d1/chat/completions?api-version=2024-10-21 key",
		"https://gateway.example.com/team/openai/deployments/d%201/chat/completions?api-version=2024-10-21&x=%2F": "https://gateway.example.com/team/openai/deployments/d%201/chat/completions?api-version=2024-10-21&x=%2F key",
	} {
		for where, asks := range map[string]func(r *providers.Registry, req model.Request) model.Request{
			"configured": func(_ *providers.Registry, req model.Request) model.Request { return req },
			"a client's": func(_ *providers.Registry, req model.Request) model.Request {
				req.Credentials = &model.Credentials{Key: modeltest.Key, BaseURL: base}
				return req
			},
		} {
			net := &headers{}
			r := newRegistry(t, providers.Config{BaseURL: base, Key: modeltest.Key, Transport: net})
			req := modeltest.Ask("hello")
			req.Model = "m"
			_ = modeltest.Collect(t.Context(), t, r, asks(r, req)) // where it went is what counts
			if len(net.seen) != 1 || net.seen[0] != want {
				t.Errorf("%s: %q leads to %q, want %s", where, base, net.seen, want)
			}
		}
		if err := network.CheckBaseURL(base); err != nil {
			t.Errorf("%q: %v", base, err)
		}
	}
}

// headers notes where requests for answers go and how they carry their key, and
// refuses them.
type headers struct {
	mu   sync.Mutex
	seen []string
}

func (h *headers) RoundTrip(req *http.Request) (*http.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	how := ""
	switch {
	case req.Header.Get("api-key") == modeltest.Key && req.Header.Get("Authorization") == "":
		how = " key"
	case req.Header.Get("Authorization") != "Bearer "+modeltest.Key || req.Header.Get("api-key") != "":
		how = " without its key"
	}
	if req.Method == http.MethodPost {
		h.seen = append(h.seen, req.URL.String()+how)
	}
	return nil, http.ErrServerClosed
}

// An Azure deployment is the model, whatever name a message has; a token of Entra
// ID is no key.
func TestADeploymentOfAzureIsItsModel(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Method+" "+r.URL.String()+" "+r.Header.Get("api-key")+r.Header.Get("Authorization"))
		_, _ = w.Write([]byte(`{"choices":[{"message":{"content":"Hello."},"finish_reason":"stop"}]}`)) // the client may have gone
	}))
	t.Cleanup(server.Close)
	base := server.URL + "/openai/deployments/d1?api-version=2024-10-21"
	r := newRegistry(t, providers.Config{BaseURL: base, Key: modeltest.Key})
	for _, model := range []string{"", "d1", "gpt-4o"} {
		req := modeltest.Ask("hello")
		req.Model = model
		if err := r.CheckModel(t.Context(), model, nil); err != nil {
			t.Errorf("%q: %v", model, err)
		}
		if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil || g.Content != "Hello." {
			t.Errorf("%q: %+v", model, g)
		}
	}
	list, err := r.Models(t.Context(), nil)
	if err != nil || list[0].ID != "d1" || !list[0].Default {
		t.Errorf("%s, %v", modeltest.FormatModels(list), err)
	}
	const call = "POST /openai/deployments/d1/chat/completions?api-version=2024-10-21 "
	if want := strings.Repeat(call+modeltest.Key+"\n", 3); strings.Join(seen, "\n")+"\n" != want {
		t.Errorf("calls %q", seen)
	}
	r = newRegistry(t, providers.Config{BaseURL: base, Key: "eyJ0eXAiOiJKV1Qi.e30.x"})
	if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")); g.Err != nil || seen[3] != call+"Bearer eyJ0eXAiOiJKV1Qi.e30.x" {
		t.Errorf("%v; %q", g.Err, seen)
	}
}

// A base URL without its /v1 is found out by one request, and remembered.
func TestAMissingVersionIsFound(t *testing.T) {
	t.Parallel()
	answer := `{"choices":[{"message":{"content":"Hello."},"finish_reason":"stop"}]}`
	for name, elsewhere := range map[string]http.HandlerFunc{
		"Go's mux": http.NotFound,
		"FastAPI": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"detail":"Not Found"}`))
		},
		"OpenAI": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"error":{"message":"Invalid URL"}}`))
		},
		"a web page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>Welcome</html>"))
		},
		"nginx, POST": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) },
		"LM Studio": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			_, _ = w.Write([]byte(`{"error":"Unexpected endpoint or method. (` + r.Method + " " + r.URL.Path + `)"}`))
		},
		"a site's API": http.NotFound,
	} {
		prefix := ""
		if name == "a site's API" {
			prefix = "/api/openai"
		}
		var mu sync.Mutex
		var seen []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			seen = append(seen, r.Method+" "+r.URL.String())
			mu.Unlock()
			switch {
			case !strings.HasPrefix(r.URL.Path, prefix+"/v1/"):
				elsewhere(w, r)
			case r.Method == http.MethodGet:
				_, _ = w.Write([]byte(`{"object":"list","data":[{"id":"m","object":"model"}]}`))
			default:
				_, _ = w.Write([]byte(answer))
			}
		}))
		t.Cleanup(server.Close)
		for where, own := range map[string]*model.Credentials{"configured": nil, "a client's": {BaseURL: server.URL + prefix + "/?k=1"}} {
			seen = nil
			r := newRegistry(t, providers.Config{BaseURL: server.URL + prefix + "?k=1"})
			for range 2 {
				req := modeltest.Ask("hello")
				req.Model, req.Credentials = "m", own
				if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil || g.Content != "Hello." {
					t.Errorf("%s, %s: %+v", name, where, g)
				}
			}
			if list, err := r.Models(t.Context(), own); err != nil || list[0].ID != "m" {
				t.Errorf("%s, %s: %s, %v", name, where, modeltest.FormatModels(list), err)
			}
			if want := "POST " + prefix + "/chat/completions?k=1 POST " + prefix + "/v1/chat/completions?k=1 POST " + prefix + "/v1/chat/completions?k=1 GET " + prefix + "/v1/models?k=1"; strings.Join(seen, " ") != want {
				t.Errorf("%s, %s: %q", name, where, seen)
			}
		}
	}
}

// A server that has nothing below /v1 either is asked twice at most, and its own
// answer is what is told.
func TestAnURLWithoutAnAPISaysWhichURLItIs(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	for base, url := range map[string]string{server.URL: server.URL + "/chat/completions", server.URL + "/v2": server.URL + "/v2/chat/completions"} {
		r := newRegistry(t, providers.Config{BaseURL: base, DefaultModel: "m", Sources: transport.Sources{BaseURL: "base_url in /etc/x.toml, line 3"}})
		e := modeltest.ErrorOf(t, modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err, chat.CodeProviderProtocol, false)
		if base == server.URL && !strings.Contains(e.Message, "/v1") {
			t.Errorf("%s: %q", base, e.Message)
		}
		for _, want := range []string{url, "404", "base_url in /etc/x.toml, line 3", base} {
			if !strings.Contains(e.Message, want) {
				t.Errorf("%s: no %q in %q", base, want, e.Message)
			}
		}
	}
	r := newRegistry(t, providers.Config{BaseURL: server.URL + "/openai/deployments/d1", Key: modeltest.Key})
	if e := chat.AsError(modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err); !strings.Contains(e.Message, "?api-version=") {
		t.Error(e.Message)
	}
}
