package provider_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chat"
	"chat/daemon/provider"
	"chat/daemon/provider/providertest"
)

// modelServer lists ids and answers nothing.
func modelServer(t *testing.T, body string, asked *atomic.Int32) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked != nil {
			asked.Add(1)
		}
		_, _ = fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

// nobody is a base URL where nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return "http://" + l.Addr().String() + "/v1"
}

func discovering(locals ...provider.Local) provider.Config {
	return provider.Config{
		Discover: true, Demo: provider.DemoOptions{TokensPerSecond: -1},
		Discovery: provider.Discovery{Locals: locals, Budget: 5 * time.Second, Every: time.Hour},
	}
}

// show is a list as "provider:id", the default with a star.
func show(list []chat.Model) string {
	var b strings.Builder
	for _, m := range list {
		star := ""
		if m.Default {
			star = "*"
		}
		fmt.Fprintf(&b, "%s:%s%s ", m.Provider, m.ID, star)
	}
	return strings.TrimSpace(b.String())
}

func TestWithNothingThereIsTheDemo(t *testing.T) {
	for name, cfg := range map[string]provider.Config{
		"not looked for": {Demo: provider.DemoOptions{TokensPerSecond: -1}},
		"not found":      discovering(provider.Local{Name: "ollama", BaseURL: nobody(t)}),
	} {
		t.Run(name, func(t *testing.T) {
			r := registry(t, cfg)
			list, err := r.Models(t.Context(), nil)
			if err != nil || show(list) != "demo:demo*" {
				t.Fatalf("%s, %v", show(list), err)
			}
			if g := read(t, t.Context(), r, ask("hello")); g.err != nil || g.finish.Model != "demo" {
				t.Fatalf("%+v", g)
			}
			req := ask("hello")
			req.Model = "gpt-4o"
			e := coded(t, read(t, t.Context(), r, req).err, chat.CodeNotConfigured, false)
			if !strings.Contains(e.Message, "OPENAI_API_KEY") || !strings.Contains(e.Message, "gpt-4o") {
				t.Errorf("%q", e.Message)
			}
		})
	}
}

func TestLocalServersAreFound(t *testing.T) {
	ollama := providertest.New(t)
	studio := modelServer(t, `{"object":"list","data":[{"id":"text-embedding-x","object":"model"},{"id":"lying","object":"model"},{"id":"phi:latest","object":"model"}]}`, nil)
	r := registry(t, discovering(
		provider.Local{Name: "ollama", BaseURL: ollama.URL},
		provider.Local{Name: "llamacpp", BaseURL: nobody(t)},
		provider.Local{Name: "lmstudio", BaseURL: studio},
	))
	list, err := r.Models(t.Context(), nil)
	if want := "ollama:lying* ollama:lying-too lmstudio:lmstudio/lying lmstudio:phi:latest demo:demo"; err != nil || show(list) != want {
		t.Fatalf("%s, %v", show(list), err)
	}
	for name, at := range map[string]string{
		"": "lying", "lying": "lying", "lying-too": "lying-too", "ollama/lying-too": "lying-too", "demo": "demo",
	} {
		req := ask("lie: chunks=1")
		req.Model = name
		if g := read(t, t.Context(), r, req); g.err != nil || g.finish.Model != at {
			t.Errorf("%q: %+v", name, g)
		}
	}
	for name, code := range map[string]chat.Code{
		"lmstudio/phi": chat.CodeProviderProtocol, // reached: it answers with a list
		"phi":          chat.CodeProviderProtocol,
		"ollama/phi":   chat.CodeProviderModel,
		"gpt-4o":       chat.CodeProviderModel,
	} {
		req := ask("hello")
		req.Model = name
		if g := read(t, t.Context(), r, req); !chat.IsCode(g.err, code) {
			t.Errorf("%q: %v, want %s", name, g.err, code)
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
		r := registry(t, discovering(provider.Local{Name: "ollama", BaseURL: modelServer(t, body, nil)}))
		if list, err := r.Models(t.Context(), nil); err != nil || show(list) != "demo:demo*" {
			t.Errorf("%s: %s, %v", body, show(list), err)
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
	cfg := discovering(provider.Local{Name: "ollama", BaseURL: s.URL})
	cfg.Discovery.Budget = short
	began := time.Now()
	list, err := registry(t, cfg).Models(t.Context(), nil)
	if err != nil || show(list) != "demo:demo*" || time.Since(began) > patience/2 {
		t.Fatalf("%s, %v after %s", show(list), err, time.Since(began))
	}
}

func TestWhatWasFoundIsBelievedForAWhile(t *testing.T) {
	var asked atomic.Int32
	at := modelServer(t, `{"object":"list","data":[{"id":"m","object":"model"}]}`, &asked)
	cfg := discovering(provider.Local{Name: "ollama", BaseURL: at})
	r := registry(t, cfg)
	for range 5 {
		if _, err := r.Models(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	cfg.Discovery.Every = time.Nanosecond
	r = registry(t, cfg)
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
	s := httptest.NewServer(providertest.NewServer())
	cfg := discovering(provider.Local{Name: "ollama", BaseURL: s.URL + "/v1"})
	r := registry(t, cfg)
	if g := read(t, t.Context(), r, ask("hello")); g.err != nil || g.finish.Model != "lying" {
		t.Fatalf("%+v", g)
	}
	s.Close()
	for range 2 { // before and after it is noticed
		e := coded(t, read(t, t.Context(), r, ask("hello")).err, chat.CodeProviderConnect, true)
		if !strings.Contains(e.Message, "ollama") {
			t.Errorf("%q", e.Message)
		}
	}
}

func TestAConfiguredProviderIsAskedAlone(t *testing.T) {
	var asked atomic.Int32
	local := modelServer(t, `{"object":"list","data":[{"id":"m","object":"model"}]}`, &asked)
	cfg := discovering(provider.Local{Name: "ollama", BaseURL: local})
	server := providertest.New(t)
	cfg.BaseURL = server.URL
	r := registry(t, cfg)
	list, err := r.Models(t.Context(), nil)
	host := strings.TrimSuffix(strings.TrimPrefix(server.URL, "http://"), "/v1")
	if want := fmt.Sprintf("%s:lying* %s:lying-too demo:demo", host, host); err != nil || show(list) != want {
		t.Fatalf("%s, %v", show(list), err)
	}
	for _, name := range []string{"", "lying", host + "/lying"} {
		req := ask("hello")
		req.Model = name
		if g := read(t, t.Context(), r, req); g.err != nil || g.finish.Model != "lying" {
			t.Fatalf("%q: %+v", name, g)
		}
	}
	if asked.Load() != 0 {
		t.Error("a local server was asked although a provider is configured")
	}
}

func TestTheDefaultModelIsListed(t *testing.T) {
	_, r := lying(t, func(c *provider.Config) { c.DefaultModel = "lying-too" })
	if list, err := r.Models(t.Context(), nil); err != nil || !strings.HasSuffix(show(list), "lying-too* demo:demo") {
		t.Errorf("%s, %v", show(list), err)
	}
	_, r = lying(t, func(c *provider.Config) { c.DefaultModel = "other" })
	if list, err := r.Models(t.Context(), nil); err != nil || strings.Count(show(list), "*") != 1 || !strings.Contains(show(list), ":other* ") {
		t.Errorf("%s, %v", show(list), err)
	}
	r = registry(t, provider.Config{DefaultModel: "demo", BaseURL: nobody(t)})
	list, err := r.Models(t.Context(), nil)
	wantCode(t, err, chat.CodeProviderConnect, true)
	if show(list) != "demo:demo*" {
		t.Error(show(list))
	}
}

func TestListsOfOtherShapes(t *testing.T) {
	for body, want := range map[string]string{
		`[{"id":"a"}]`:                        "a",
		`{"data":[{"id":"a","created":1.5}]}`: "a",
	} {
		r := registry(t, provider.Config{BaseURL: modelServer(t, body, nil)})
		if list, err := r.Models(t.Context(), nil); err != nil || len(list) != 2 || list[0].ID != want {
			t.Errorf("%s: %s, %v", body, show(list), err)
		}
	}
	r := registry(t, provider.Config{BaseURL: modelServer(t, "<html>", nil)})
	_, err := r.Models(t.Context(), nil)
	wantCode(t, err, chat.CodeProviderProtocol, false)
}

// What servers tell of their models besides is taken where it is plain, and never
// a reason to refuse a list.
func TestFactsOfModelsAreTakenWhereTheyAreTold(t *testing.T) {
	for body, want := range map[string]chat.ModelInfo{
		`{"id":"m","context_length":131072,"pricing":{"prompt":"0.00000015","completion":"0.0000006","image":"x"}}`: {Context: 131072, InputPrice: 0.15, OutputPrice: 0.6},
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
		r := registry(t, provider.Config{BaseURL: modelServer(t, `{"data":[`+body+`]}`, nil), Key: "k"})
		list, err := r.Models(t.Context(), nil)
		if err != nil || len(list) == 0 || list[0].ID != "m" || list[0].ModelInfo != want {
			t.Errorf("%s: %+v, %v", body, list, err)
		}
	}
}
