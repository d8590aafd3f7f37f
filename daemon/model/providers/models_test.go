package providers_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chat"
	"chat/daemon/model/demo"
	"chat/daemon/model/local"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

func TestWithNothingThereIsTheDemo(t *testing.T) {
	for name, cfg := range map[string]providers.Config{
		"not looked for": {Demo: demo.Options{TokensPerSecond: -1}},
		"not found":      withLocal(local.Server{Name: "ollama", BaseURL: modeltest.ClosedURL(t)}),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t, cfg)
			list, err := r.Models(t.Context(), nil)
			if err != nil || modeltest.FormatModels(list) != "demo:demo*" {
				t.Fatalf("%s, %v", modeltest.FormatModels(list), err)
			}
			if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")); g.Err != nil || g.Finish.Model != "demo" {
				t.Fatalf("%+v", g)
			}
			req := modeltest.Ask("hello")
			req.Model = "gpt-4o"
			e := modeltest.ErrorOf(t, modeltest.Collect(t.Context(), t, r, req).Err, chat.CodeNotConfigured, false)
			if !strings.Contains(e.Message, "OPENAI_API_KEY") || !strings.Contains(e.Message, "gpt-4o") {
				t.Errorf("%q", e.Message)
			}
		})
	}
}

func TestLocalServersAreFound(t *testing.T) {
	ollama := modeltest.New(t)
	studio := modeltest.ListServer(t, `{"object":"list","data":[{"id":"text-embedding-x","object":"model"},{"id":"lying","object":"model"},{"id":"phi:latest","object":"model"}]}`, nil)
	r := newRegistry(t, withLocal(
		local.Server{Name: "ollama", BaseURL: ollama.URL},
		local.Server{Name: "llamacpp", BaseURL: modeltest.ClosedURL(t)},
		local.Server{Name: "lmstudio", BaseURL: studio},
	))
	list, err := r.Models(t.Context(), nil)
	if want := "ollama:ollama/lying* ollama:lying-too lmstudio:lmstudio/lying lmstudio:phi:latest demo:demo"; err != nil || modeltest.FormatModels(list) != want {
		t.Fatalf("%s, %v", modeltest.FormatModels(list), err)
	}
	for name, at := range map[string]string{
		"": "lying", "ollama/lying": "lying", "lying-too": "lying-too", "ollama/lying-too": "lying-too", "demo": "demo",
	} {
		req := modeltest.Ask("lie: chunks=1")
		req.Model = name
		if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil || g.Finish.Model != at {
			t.Errorf("%q: %+v", name, g)
		}
	}
	for name, code := range map[string]chat.Code{
		"lmstudio/phi": chat.CodeProviderProtocol, // reached: it answers with a list
		"phi":          chat.CodeProviderProtocol,
		"ollama/phi":   chat.CodeProviderModel,
		"gpt-4o":       chat.CodeProviderModel,
		"lying":        chat.CodeProviderModel, // both have it
	} {
		req := modeltest.Ask("hello")
		req.Model = name
		if g := modeltest.Collect(t.Context(), t, r, req); !chat.IsCode(g.Err, code) {
			t.Errorf("%q: %v, want %s", name, g.Err, code)
		}
	}
	for _, c := range ollama.Calls() {
		if c.HasKey {
			t.Error("a local server was sent a key")
		}
	}
}

func TestOtherProgramsAreNoModelServers(t *testing.T) {
	for _, body := range []string{
		"", "<html>", "{}", "[]", `{"data":[]}`, `{"data":[{"id":"x"}]}`, `{"data":[{"id":"x","object":"user"}]}`,
		`{"data":"x"}`, `{"object":"list"}`, `{"data":[{"object":"model"}]}`, `{"data":[{"id":"a\u001b[2J","object":"model"}]}`,
	} {
		r := newRegistry(t, withLocal(local.Server{Name: "ollama", BaseURL: modeltest.ListServer(t, body, nil)}))
		if list, err := r.Models(t.Context(), nil); err != nil || modeltest.FormatModels(list) != "demo:demo*" {
			t.Errorf("%s: %s, %v", body, modeltest.FormatModels(list), err)
		}
	}
}

func TestASilentLocalServerCostsNoMoreThanTheBudget(t *testing.T) {
	hold := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(hold); s.Close() })
	cfg := withLocal(local.Server{Name: "ollama", BaseURL: s.URL})
	cfg.Local.Budget = 200 * time.Millisecond
	began := time.Now()
	list, err := newRegistry(t, cfg).Models(t.Context(), nil)
	if err != nil || modeltest.FormatModels(list) != "demo:demo*" || time.Since(began) > modeltest.Timeout/2 {
		t.Fatalf("%s, %v after %s", modeltest.FormatModels(list), err, time.Since(began))
	}
}

func TestWhatWasFoundIsBelievedForAWhile(t *testing.T) {
	var asked atomic.Int32
	at := modeltest.ListServer(t, `{"object":"list","data":[{"id":"m","object":"model"}]}`, &asked)
	cfg := withLocal(local.Server{Name: "lmstudio", BaseURL: at})
	r := newRegistry(t, cfg)
	for range 5 {
		if _, err := r.Models(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	cfg.Local.MaxAge = time.Nanosecond
	r = newRegistry(t, cfg)
	for range 5 {
		if _, err := r.Models(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := asked.Load(); n != 6 {
		t.Errorf("asked %d times, want 1 and then 5", n)
	}
}

// A server that was there and has gone is not silently replaced by the demo.
func TestAGoneLocalServerIsAConnectError(t *testing.T) {
	s := httptest.NewServer(modeltest.NewServer())
	cfg := withLocal(local.Server{Name: "ollama", BaseURL: s.URL + "/v1"})
	r := newRegistry(t, cfg)
	if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")); g.Err != nil || g.Finish.Model != "lying" {
		t.Fatalf("%+v", g)
	}
	s.Close()
	for range 2 { // before and after it is noticed
		e := modeltest.ErrorOf(t, modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err, chat.CodeProviderConnect, true)
		if !strings.Contains(e.Message, "ollama") {
			t.Errorf("%q", e.Message)
		}
	}
}

// Local servers stay available beside a configured provider, which is the default and
// gets every name that no local server has.
func TestLocalServersStayBesideAConfiguredProvider(t *testing.T) {
	configured, ollama := modeltest.New(t), modeltest.New(t)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/models") {
			_, _ = fmt.Fprint(w, `{"object":"list","data":[{"id":"lying-too","object":"model"},{"id":"phi:latest","object":"model"}]}`)
			return
		}
		ollama.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	cfg := withLocal(local.Server{Name: "ollama", BaseURL: proxy.URL + "/v1"})
	cfg.BaseURL, cfg.Key = configured.URL, modeltest.Key
	r := newRegistry(t, cfg)
	host := strings.TrimSuffix(strings.TrimPrefix(configured.URL, "http://"), "/v1")
	list, err := r.Models(t.Context(), nil)
	if want := fmt.Sprintf("%s:lying* %s:%s/lying-too ollama:ollama/lying-too ollama:phi:latest demo:demo", host, host, host); err != nil || modeltest.FormatModels(list) != want {
		t.Fatalf("%s, %v, want %s", modeltest.FormatModels(list), err, want)
	}
	for name, local := range map[string]bool{
		"": false, "lying": false, host + "/lying": false, host + "/lying-too": false, "unlisted": false,
		"phi": true, "phi:latest": true, "ollama/phi": true, "ollama/lying-too": true,
	} {
		before := [2]int{len(configured.Calls()), len(ollama.Calls())}
		req := modeltest.Ask("lie: chunks=1")
		req.Model = name
		if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil {
			t.Errorf("%q: %v", name, g.Err)
		}
		if atConfigured, atLocal := len(configured.Calls()) > before[0], len(ollama.Calls()) > before[1]; atConfigured == local || atLocal != local {
			t.Errorf("%q: the configured provider was asked: %v, the local server: %v", name, atConfigured, atLocal)
		}
	}
	req := modeltest.Ask("hello")
	req.Model = "lying-too"
	for what, err := range map[string]error{
		"an answer": modeltest.Collect(t.Context(), t, r, req).Err,
		"a check":   r.CheckModel(t.Context(), "lying-too", nil),
	} {
		if e := modeltest.ErrorOf(t, err, chat.CodeProviderModel, false); !strings.Contains(e.Message, host+"/lying-too or ollama/lying-too") {
			t.Errorf("%s: %q", what, e.Message)
		}
	}
	for _, name := range []string{"phi", "lying", "ollama/phi"} {
		if err := r.CheckModel(t.Context(), name, nil); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	modeltest.WantCode(t, r.CheckModel(t.Context(), "gpt-4o", nil), chat.CodeProviderModel, false)
	for at, server := range map[string]*modeltest.Server{"the configured provider": configured, "the local server": ollama} {
		for _, c := range server.Calls() {
			if c.HasKey != (server == configured) {
				t.Errorf("%s was sent a key: %v", at, c.HasKey)
			}
		}
	}
}

// A local server that has gone keeps its models, also while another one is there.
func TestAGoneLocalServerKeepsItsModels(t *testing.T) {
	s := httptest.NewServer(modeltest.NewServer())
	cfg := withLocal(
		local.Server{Name: "ollama", BaseURL: s.URL + "/v1"},
		local.Server{Name: "lmstudio", BaseURL: modeltest.ListServer(t, `{"object":"list","data":[{"id":"phi","object":"model"}]}`, nil)},
	)
	configured := modeltest.New(t)
	cfg.BaseURL, cfg.Local.MaxAge = configured.URL, time.Nanosecond
	r := newRegistry(t, cfg)
	req := modeltest.Ask("lie: chunks=1")
	req.Model = "ollama/lying"
	if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil {
		t.Fatal(g.Err)
	}
	s.Close()
	for range 2 {
		modeltest.WantCode(t, modeltest.Collect(t.Context(), t, r, req).Err, chat.CodeProviderConnect, true)
		if err := r.CheckModel(t.Context(), req.Model, nil); err != nil {
			t.Error(err)
		}
	}
	if calls := configured.Calls(); len(calls) > 0 {
		t.Errorf("the configured provider was asked for %s", calls[0].Model)
	}
}

// A detected server that is also the configured provider is listed once.
func TestTheConfiguredServerIsNotListedTwice(t *testing.T) {
	server := modeltest.New(t)
	host := strings.TrimSuffix(strings.TrimPrefix(server.URL, "http://"), "/v1")
	cfg := withLocal(local.Server{Name: host, BaseURL: server.URL})
	cfg.BaseURL = server.URL
	r := newRegistry(t, cfg)
	list, err := r.Models(t.Context(), nil)
	if want := fmt.Sprintf("%s:lying* %s:lying-too demo:demo", host, host); err != nil || modeltest.FormatModels(list) != want {
		t.Errorf("%s, %v", modeltest.FormatModels(list), err)
	}
}

// A provider that cannot be used does not keep local servers from answering.
func TestLocalServersAnswerWhileTheProviderIsUnusable(t *testing.T) {
	cfg := withLocal(local.Server{Name: "ollama", BaseURL: modeltest.New(t).URL})
	cfg.Unusable = chat.Errorf(chat.CodeNotConfigured, "the keyring is locked")
	r := newRegistry(t, cfg)
	req := modeltest.Ask("lie: chunks=1")
	req.Model = "lying"
	if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil {
		t.Error(g.Err)
	}
	if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")); !chat.IsCode(g.Err, chat.CodeNotConfigured) {
		t.Errorf("without a name: %v", g.Err)
	}
}

func TestTheDefaultModelIsListed(t *testing.T) {
	_, r := newFake(t, func(c *providers.Config) { c.DefaultModel = "lying-too" })
	if list, err := r.Models(t.Context(), nil); err != nil || !strings.HasSuffix(modeltest.FormatModels(list), "lying-too* demo:demo") {
		t.Errorf("%s, %v", modeltest.FormatModels(list), err)
	}
	_, r = newFake(t, func(c *providers.Config) { c.DefaultModel = "other" })
	if list, err := r.Models(t.Context(), nil); err != nil || strings.Count(modeltest.FormatModels(list), "*") != 1 || !strings.Contains(modeltest.FormatModels(list), ":other* ") {
		t.Errorf("%s, %v", modeltest.FormatModels(list), err)
	}
	r = newRegistry(t, providers.Config{DefaultModel: "demo", BaseURL: modeltest.ClosedURL(t)})
	list, err := r.Models(t.Context(), nil)
	modeltest.WantCode(t, err, chat.CodeProviderConnect, true)
	if modeltest.FormatModels(list) != "demo:demo*" {
		t.Error(modeltest.FormatModels(list))
	}
}

func TestListsOfOtherShapes(t *testing.T) {
	for body, want := range map[string]string{
		`[{"id":"a"}]`:                        "a",
		`{"data":[{"id":"a","created":1.5}]}`: "a",
	} {
		r := newRegistry(t, providers.Config{BaseURL: modeltest.ListServer(t, body, nil)})
		if list, err := r.Models(t.Context(), nil); err != nil || len(list) != 2 || list[0].ID != want {
			t.Errorf("%s: %s, %v", body, modeltest.FormatModels(list), err)
		}
	}
	r := newRegistry(t, providers.Config{BaseURL: modeltest.ListServer(t, "<html>", nil)})
	_, err := r.Models(t.Context(), nil)
	modeltest.WantCode(t, err, chat.CodeProviderProtocol, false)
}

// What servers tell of their models besides is taken where it is plain, and never
// a reason to refuse a list.
func TestFactsOfModelsAreTakenWhereTheyAreTold(t *testing.T) {
	for body, want := range map[string]chat.ModelInfo{
		`{"id":"m","context_length":131072,"pricing":{"prompt":"0.00000015","completion":"0.0000006","image":"x"}}`: {Context: 131072, InputPrice: 0.15, OutputPrice: 0.6},
		`{"id":"m","pricing":{"prompt":"0.000003","completion":"0.000015","input_cache_read":"0.0000003","input_cache_write":"0.00000375"}}`: {
			InputPrice: 3, OutputPrice: 15, CachedInputPrice: 0.3, CacheWritePrice: 3.75,
		},
		`{"id":"m","context_window":8192}`:                     {Context: 8192},
		`{"id":"m","max_context_length":32768}`:                {Context: 32768},
		`{"id":"m","max_model_len":4096}`:                      {Context: 4096},
		`{"id":"m","meta":{"n_ctx_train":40960}}`:              {Context: 40960},
		`{"id":"m","meta":{"n_ctx":2048,"n_ctx_train":40960}}`: {Context: 2048},
		`{"id":"m"}`: {},
		`{"id":"m","meta":[],"pricing":"free","context_length":null}`:  {},
		`{"id":"m","context_length":-5,"pricing":{"prompt":"NaN"}}`:    {},
		`{"id":"m","context_length":1e300,"pricing":{"prompt":"Inf"}}`: {},
		`{"id":"m","context_length":{},"pricing":{"prompt":"-1"}}`:     {},
	} {
		r := newRegistry(t, providers.Config{BaseURL: modeltest.ListServer(t, `{"data":[`+body+`]}`, nil), Key: "k"})
		list, err := r.Models(t.Context(), nil)
		if err != nil || len(list) == 0 || list[0].ID != "m" || list[0].ModelInfo != want {
			t.Errorf("%s: %+v, %v", body, list, err)
		}
	}
}
