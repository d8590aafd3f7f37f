package openai_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/local"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
	"chat/daemon/model/transport"
)

// A server that has no models says so, in whatever form it lists none.
func TestAServerWithoutModelsIsToldApart(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"object":"list","data":null}`, `{"object":"list","data":[]}`, `{"object":"list"}`, `{"data":null}`, `{"data":[]}`, `[]`, ` [ ] `,
		`{"models":[]}`, `{"models":null}`, `{"object":"list","data":null,"models":[]}`, "\xEF\xBB\xBF" + `{"object":"list","data":[]}`,
		`{"object":"list","data":[{"object":"model"}]}`, `{"data":[null,{},{"id":""},7]}`, `{"data":[{"id":"nomic-embed-text:latest"}]}`,
	} {
		base := modeltest.ListServer(t, body, nil)
		host := strings.TrimSuffix(strings.TrimPrefix(base, "http://"), "/v1")
		r := newRegistry(t, providers.Config{BaseURL: base})
		list, err := r.Models(t.Context(), nil)
		e := modeltest.ErrorOf(t, err, chat.CodeProviderModel, false)
		if want := host + " has no models: pull one"; modeltest.FormatModels(list) != "demo:demo*" || !strings.HasPrefix(e.Message, want) {
			t.Errorf("%s: %s, %q", body, modeltest.FormatModels(list), e.Message)
		}
		e = modeltest.ErrorOf(t, modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err, chat.CodeProviderModel, false)
		if !strings.Contains(e.Message, host+" has no models: pull one") {
			t.Errorf("%s: %q", body, e.Message)
		}
	}
	r := newRegistry(t, providers.Config{BaseURL: httptestURL(t, http.NotFoundHandler()) + "/v1"})
	if e := modeltest.ErrorOf(t, modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err, chat.CodeProviderModel, false); !strings.Contains(e.Message, "name one with --model") || !strings.Contains(e.Message, "OPENAI_BASE_URL") {
		t.Error(e.Message)
	}
}

func httptestURL(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// A local server that was found and has no models is said, and the demo does not
// answer in its place.
func TestALocalServerWithoutModelsIsNamed(t *testing.T) {
	t.Parallel()
	empty := local.Server{Name: "ollama", BaseURL: modeltest.ListServer(t, `{"object":"list","data":null}`, nil)}
	full := local.Server{Name: "lmstudio", BaseURL: modeltest.ListServer(t, `{"object":"list","data":[{"id":"m","object":"model"}]}`, nil)}
	r := newRegistry(t, withLocal(empty))
	list, err := r.Models(t.Context(), nil)
	e := modeltest.ErrorOf(t, err, chat.CodeProviderModel, false)
	if modeltest.FormatModels(list) != "demo:demo*" || !strings.Contains(e.Message, "has no models: pull one") || !strings.Contains(e.Message, "ollama pull") {
		t.Errorf("%s, %q", modeltest.FormatModels(list), e.Message)
	}
	for _, model := range []string{"", "llama3"} {
		req := modeltest.Ask("hello")
		req.Model = model
		e := modeltest.ErrorOf(t, modeltest.Collect(t.Context(), t, r, req).Err, chat.CodeProviderModel, false)
		if !strings.Contains(e.Message, "has no models: pull one") {
			t.Errorf("%q: %q", model, e.Message)
		}
	}
	req := modeltest.Ask("hello")
	req.Model = "demo"
	if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil {
		t.Error(g.Err)
	}
	r = newRegistry(t, withLocal(empty, full))
	if list, err := r.Models(t.Context(), nil); err != nil || !strings.Contains(modeltest.FormatModels(list), "m*") {
		t.Errorf("%s, %v", modeltest.FormatModels(list), err)
	}
}

func TestListsOfAllShapesAreRead(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`[{"id":"a"},{"id":"b"}]`:                                  "a b",
		`{"models":[{"name":"a","model":"a"},{"name":"b"}]}`:       "a b",
		`{"data":null,"models":[{"id":"a"}]}`:                      "a",
		`{"data":["a","b"]}`:                                       "a b",
		`["a"]`:                                                    "a",
		`{"data":[{"id":7},{"id":"a"},{"name":"b"},null,7]}`:       "7 a b",
		`{"data":[{"id":"a","object":{"x":1}},{"id":"b"}]}`:        "a b",
		`{"data":[{"id":"a"},{"id":"a"},{"id":"b"},{"id":"a"}]}`:   "a b",
		`{"data":[{"id":null,"name":"a"},{"id":true},{"id":[1]}]}`: "a",
		`{"object":"list","data":[{"id":"a"}],"has_more":false}`:   "a",
		`{"models":[{"name":"models/a","displayName":"A"}]}`:       "models/a",
		`{"data":[{"id":"a","created":"yesterday","owned_by":1}]}`: "a",
	} {
		r := newRegistry(t, providers.Config{BaseURL: modeltest.ListServer(t, body, nil)})
		list, err := r.Models(t.Context(), nil)
		var ids []string
		for _, m := range list[:len(list)-1] {
			ids = append(ids, m.ID)
		}
		if err != nil || strings.Join(ids, " ") != want {
			t.Errorf("%s: %q, %v", body, ids, err)
		}
	}
	for body, code := range map[string]chat.Code{
		`{}`: chat.CodeProviderProtocol, `{"data":{"x":1}}`: chat.CodeProviderProtocol, `{"data":7}`: chat.CodeProviderProtocol, `"x"`: chat.CodeProviderProtocol, `{"data":[`: chat.CodeProviderProtocol,
		`{"error":{"message":"Invalid API key","code":"invalid_api_key"}}`: chat.CodeProviderAuth, `{"error":"slow down","code":429}`: chat.CodeProviderRateLimit,
	} {
		r := newRegistry(t, providers.Config{BaseURL: modeltest.ListServer(t, body, nil)})
		if _, err := r.Models(t.Context(), nil); !chat.IsCode(err, code) {
			t.Errorf("%s: %s %v, want %s", body, chat.CodeOf(err), err, code)
		}
	}
}

// A default model that the provider does not list may be a slip, and is marked.
func TestADefaultThatIsNotListedIsMarked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body, model string
		marked      bool
	}{
		{`{"data":[{"id":"a"},{"id":"b"}]}`, "a", false},
		{`{"data":[{"id":"a"},{"id":"b"}]}`, "c", true},
		{`{"data":[{"id":"a"},{"id":"b"}]}`, "a:free", false},
		{`{"data":[{"id":"a:latest"}]}`, "a", false},
		{`{"data":[{"id":"a"},{"id":"text-embedding-3"}]}`, "text-embedding-3", false},
		{`{"data":[]}`, "c", false},
	} {
		r := newRegistry(t, providers.Config{BaseURL: modeltest.ListServer(t, c.body, nil), DefaultModel: c.model})
		list, err := r.Models(t.Context(), nil)
		if err != nil && c.body != `{"data":[]}` {
			t.Fatal(err)
		}
		for _, m := range list {
			if m.Default && m.Unlisted != c.marked || !m.Default && m.Unlisted {
				t.Errorf("%s, %s: %+v", c.body, c.model, m)
			}
		}
	}
}

// A check says what is asked, from where it is set, and what came of it.
func TestACheckAsksTheProvider(t *testing.T) {
	t.Parallel()
	keyed := func(public bool) string {
		return httptestURL(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			right := r.Header.Get("Authorization") == "Bearer "+modeltest.Key
			switch {
			case r.Method == http.MethodGet && (public || right):
				_, _ = w.Write([]byte(`{"object":"list","data":[{"id":"m","object":"model"}]}`))
			case !right:
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = w.Write([]byte(`{"error":{"message":"No auth credentials found","code":401}}`))
			default:
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(`{"error":{"message":"messages must not be empty"}}`))
			}
		})) + "/v1"
	}
	from := transport.Sources{BaseURL: "base_url in /etc/x.toml, line 3", Key: "OPENAI_API_KEY"}
	for name, tc := range map[string]struct {
		base, key string
		code      chat.Code
	}{
		"right":                  {keyed(false), modeltest.Key, ""},
		"right, public list":     {keyed(true), modeltest.Key, ""},
		"wrong":                  {keyed(false), "sk-wrong-key", chat.CodeProviderAuth},
		"wrong, public list":     {keyed(true), "sk-wrong-key", chat.CodeProviderAuth},
		"missing":                {keyed(false), "", chat.CodeProviderAuth},
		"nobody":                 {modeltest.ClosedURL(t), modeltest.Key, chat.CodeProviderConnect},
		"nothing to answer with": {modeltest.ListServer(t, `{"data":[]}`, nil), modeltest.Key, chat.CodeProviderModel},
		"not a URL":              {"x", modeltest.Key, chat.CodeNotConfigured},
	} {
		c := newRegistry(t, providers.Config{BaseURL: tc.base, Key: tc.key, Sources: from, Lookup: noEnvironment}).Check(t.Context(), nil)
		if (c.Outcome == nil) != (tc.code == "") || c.Outcome != nil && c.Outcome.Code != tc.code || c.Source != from.BaseURL || strings.Contains(tc.base, "://") && c.URL != tc.base {
			t.Errorf("%s: %+v", name, c)
		}
		if tc.code == "" && (c.Default != "m" || c.Models != 1 || c.Key != "OPENAI_API_KEY") {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if c := newRegistry(t, providers.Config{}).Check(t.Context(), nil); c.Provider != "demo" || c.Outcome != nil || c.URL != "" {
		t.Errorf("without a provider: %+v", c)
	}
	own := &model.Credentials{BaseURL: keyed(true), Key: "sk-wrong-key"}
	if c := newRegistry(t, providers.Config{}).Check(t.Context(), own); c.Outcome == nil || !strings.Contains(c.Outcome.Message, "OPENAI_API_KEY in your shell") || c.Source != "OPENAI_BASE_URL in your shell" {
		t.Errorf("a client's: %+v", c)
	}
	proxied := newRegistry(t, providers.Config{BaseURL: "https://p.example/v1", Lookup: environment("HTTPS_PROXY=http://me:SECRET@" + net.JoinHostPort("127.0.0.1", "1"))})
	if c := proxied.Check(t.Context(), nil); c.Proxy != "HTTPS_PROXY (http://127.0.0.1:1)" || c.Outcome == nil {
		t.Errorf("through a proxy: %+v", c)
	}
}
