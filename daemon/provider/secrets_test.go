package provider_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/provider"
	"chat/daemon/provider/providertest"
)

func TestKeysArePrintedNowhere(t *testing.T) {
	own := model.Credentials{Key: testKey, BaseURL: "https://user:" + testKey + "@example.com/v1?k=" + testKey}
	cfg := provider.Config{Key: testKey, BaseURL: own.BaseURL}
	var out bytes.Buffer
	for _, v := range []any{own, &own, cfg, &cfg, model.Request{Credentials: &own}, map[string]any{"a": own, "b": &cfg}} {
		fmt.Fprintf(&out, "%v %+v %#v %s %q\n", v, v, v, v, v)
		if err := json.NewEncoder(&out).Encode(cfg); err != nil {
			t.Fatal(err)
		}
		for _, logger := range []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))} {
			logger.Info("look", "v", v)
		}
	}
	data, err := json.Marshal(model.Credentials{Key: testKey})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(data)
	if strings.Contains(out.String(), testKey) {
		t.Errorf("the key is printed:\n%s", out.String())
	}
}

// chain is all the texts in an error.
func chain(err error) string {
	var b strings.Builder
	for ; err != nil; err = errors.Unwrap(err) {
		fmt.Fprintf(&b, "%v %+v\n", err, err)
	}
	return b.String()
}

// A provider that repeats the key, whole or hidden in other characters, does
// not get it into an error, its causes, or the log.
func TestAProviderCannotMakeUsPrintTheKey(t *testing.T) {
	var logged bytes.Buffer
	hidden := testKey[:5] + "%E2%80%8B" + testKey[5:]
	for _, lie := range []string{
		"status=401 message=" + testKey, "status=500 shape=text message=" + testKey, "status=503 shape=html message=" + testKey,
		"status=400 kind=" + testKey, "error=1 message=" + testKey, "error=1 style=string message=" + testKey,
		"status=401 message=" + hidden, "error=0 message=" + hidden,
	} {
		_, r := lying(t, func(c *provider.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		g := read(t, t.Context(), r, ask("lie: "+lie))
		if text := chain(g.err); strings.Contains(text, testKey) {
			t.Errorf("%s: %s", lie, text)
		}
	}
	if strings.Contains(logged.String(), testKey) {
		t.Errorf("the key is in the log: %s", logged.String())
	}
}

// A redirect is an error and its target gets neither a request nor the key.
func TestRedirectsAreNotFollowed(t *testing.T) {
	other := providertest.New(t)
	_, r := lying(t)
	g := read(t, t.Context(), r, ask("lie: redirect="+other.URL+"/chat/completions"))
	wantCode(t, g.err, chat.CodeProviderProtocol, false)
	if n := len(other.Calls()); n != 0 {
		t.Errorf("the target was called %d times", n)
	}

	list := httptest.NewServer(http.RedirectHandler(other.URL+"/models", http.StatusFound))
	t.Cleanup(list.Close)
	r = registry(t, provider.Config{BaseURL: list.URL, Key: testKey})
	_, err := r.Models(t.Context(), nil)
	wantCode(t, err, chat.CodeProviderProtocol, false)
}

// Own credentials lead to their own server, and the configured key stays home.
func TestAClientsOwnProvider(t *testing.T) {
	theirs := providertest.New(t)
	ours, r := lying(t)
	for _, own := range []model.Credentials{{Key: "sk-own", BaseURL: theirs.URL}, {BaseURL: theirs.URL + "/"}} {
		req := ask("hello")
		req.Credentials, req.Model = &own, "lying-too"
		if g := read(t, t.Context(), r, req); g.err != nil {
			t.Fatal(g.err)
		}
		list, err := r.Models(t.Context(), &own)
		if err != nil || len(list) != 3 {
			t.Fatalf("%v, %v", list, err)
		}
	}
	calls := theirs.Calls()
	if len(calls) != 2 || calls[0].Header.Get("Authorization") != "Bearer sk-own" || calls[1].HasKey || len(ours.Calls()) != 0 {
		t.Errorf("calls %+v, ours %+v", calls, ours.Calls())
	}
	// No credentials at all are not a provider.
	req := ask("hello")
	req.Credentials = &model.Credentials{}
	if g := read(t, t.Context(), r, req); g.err != nil || len(ours.Calls()) != 1 {
		t.Errorf("%+v, %d calls", g, len(ours.Calls()))
	}
}

// recording notes where requests go, and refuses them.
type recording struct{ seen []string }

func (r *recording) RoundTrip(req *http.Request) (*http.Response, error) {
	r.seen = append(r.seen, req.URL.String()+" "+req.Header.Get("Authorization"))
	return nil, errors.New("no network in this test")
}

func TestAKeyWithoutABaseURLBelongsToOpenAI(t *testing.T) {
	net := &recording{}
	r := registry(t, provider.Config{Key: "sk-configured", BaseURL: "http://configured.test/v1", Transport: net})
	req := ask("hello")
	req.Credentials = &model.Credentials{Key: "sk-own"}
	wantCode(t, read(t, t.Context(), r, req).err, chat.CodeProviderConnect, true)
	r = registry(t, provider.Config{Key: "sk-configured", Transport: net})
	list, err := r.Models(t.Context(), nil)
	wantCode(t, err, chat.CodeProviderConnect, true)
	if show(list) != "openai:gpt-4o-mini* demo:demo" {
		t.Error(show(list))
	}
	want := []string{"https://api.openai.com/v1/chat/completions Bearer sk-own", "https://api.openai.com/v1/models Bearer sk-configured"}
	if fmt.Sprint(net.seen) != fmt.Sprint(want) {
		t.Errorf("requests %q, want %q", net.seen, want)
	}
}

func TestUnusableBaseURLsAreConfigurationErrors(t *testing.T) {
	for _, base := range []string{
		"x", "ftp://x/v1", "http://", "https://user:pw@x/v1", "user:pw@x.example/v1", "http://x/v1#f", "://", "http://a b/", "http://x:0/v1", "http://x:65536/v1", "x.example:port/v1", "http://x:/v1",
		"http://::1:8080/v1", "unix:///run/x.sock", "http:///v1", "\"\"", "http://[::1/v1", "http://%zz/v1", "sk-pw", "https://pw@x.example/v1",
	} {
		r := registry(t, provider.Config{BaseURL: base, DefaultModel: "m", Demo: provider.DemoOptions{TokensPerSecond: -1}})
		e := coded(t, read(t, t.Context(), r, ask("hello")).err, chat.CodeNotConfigured, false)
		if strings.Contains(e.Message, "pw") || !strings.Contains(e.Message, "OPENAI_BASE_URL") {
			t.Errorf("%s: %q", base, e.Message)
		}
		if list, err := r.Models(t.Context(), nil); !chat.IsCode(err, chat.CodeNotConfigured) || !strings.Contains(show(list), "demo") {
			t.Errorf("%s: %s, %v", base, show(list), err)
		}
		req := ask("hello")
		req.Model = "demo"
		if g := read(t, t.Context(), r, req); g.err != nil {
			t.Errorf("%s: the demo: %v", base, g.err)
		}
	}
	r := registry(t, provider.Config{BaseURL: "http://x.test/v1", Key: "a\r\nHost: b", DefaultModel: "m"})
	wantCode(t, read(t, t.Context(), r, ask("hello")).err, chat.CodeNotConfigured, false)
}

func TestFailuresToConnectSayWhatToDo(t *testing.T) {
	tls := httptest.NewUnstartedServer(http.NotFoundHandler())
	tls.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	tls.StartTLS()
	t.Cleanup(tls.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for _, tc := range []struct {
		base      string
		retryable bool
		says      string
	}{
		{nobody(t), true, "cannot connect"},
		{"http://no-such-host.invalid/v1", true, "no-such-host.invalid"},
		{tls.URL + "/v1", false, "certificate"},
		{strings.Replace(plain.URL, "http:", "https:", 1), false, "http://"},
		{"http://169.254.169.254/v1", false, "link-local"},
	} {
		r := registry(t, provider.Config{BaseURL: tc.base, Key: testKey, DefaultModel: "m"})
		e := coded(t, read(t, t.Context(), r, ask("hello")).err, chat.CodeProviderConnect, tc.retryable)
		if !strings.Contains(e.Message, tc.says) {
			t.Errorf("%s: %q", tc.base, e.Message)
		}
	}
}
