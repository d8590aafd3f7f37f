package openai_test

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
	"chat/daemon/model/demo"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

func TestKeysArePrintedNowhere(t *testing.T) {
	own := model.Credentials{Key: modeltest.Key, BaseURL: "https://user:" + modeltest.Key + "@example.com/v1?k=" + modeltest.Key}
	cfg := providers.Config{Key: modeltest.Key, BaseURL: own.BaseURL}
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
	data, err := json.Marshal(model.Credentials{Key: modeltest.Key})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(data)
	if strings.Contains(out.String(), modeltest.Key) {
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
	hidden := modeltest.Key[:5] + "%E2%80%8B" + modeltest.Key[5:]
	for _, lie := range []string{
		"status=401 message=" + modeltest.Key, "status=500 shape=text message=" + modeltest.Key, "status=503 shape=html message=" + modeltest.Key,
		"status=400 kind=" + modeltest.Key, "error=1 message=" + modeltest.Key, "error=1 style=string message=" + modeltest.Key,
		"status=401 message=" + hidden, "error=0 message=" + hidden,
	} {
		_, r := newFake(t, func(c *providers.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: "+lie))
		if text := chain(g.Err); strings.Contains(text, modeltest.Key) {
			t.Errorf("%s: %s", lie, text)
		}
	}
	if strings.Contains(logged.String(), modeltest.Key) {
		t.Errorf("the key is in the log: %s", logged.String())
	}
}

// A key in a header is one as well: on a server, it is the administrator's.
func TestAProviderCannotMakeUsPrintTheHeaders(t *testing.T) {
	const secret = "hush-0123456789"
	for name, header := range map[string]string{"Authorization": "Bearer " + secret, "X-Api-Key": secret, "X-Gateway-Token": secret} {
		for _, lie := range []string{"status=401 message=" + secret, "status=500 shape=text message=" + secret, "error=1 style=string message=" + secret} {
			server := modeltest.New(t)
			r := newRegistry(t, providers.Config{Named: []providers.Named{{Name: "work", BaseURL: server.URL, Headers: map[string]string{name: header, "X-Team": "search"}}}, DefaultModel: "work/lying"})
			g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: "+lie))
			if text := chain(g.Err); g.Err == nil || strings.Contains(text, secret) || !strings.Contains(text, "(the key)") {
				t.Errorf("%s, %s: %s", name, lie, text)
			}
		}
	}
}

// A redirect is an error and its target gets neither a request nor the key.
func TestRedirectsAreNotFollowed(t *testing.T) {
	other := modeltest.New(t)
	_, r := newFake(t)
	g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: redirect="+other.URL+"/chat/completions"))
	modeltest.WantCode(t, g.Err, chat.CodeProviderProtocol, false)
	if n := len(other.Calls()); n != 0 {
		t.Errorf("the target was called %d times", n)
	}

	list := httptest.NewServer(http.RedirectHandler(other.URL+"/models", http.StatusFound))
	t.Cleanup(list.Close)
	r = newRegistry(t, providers.Config{BaseURL: list.URL, Key: modeltest.Key})
	_, err := r.Models(t.Context(), nil)
	modeltest.WantCode(t, err, chat.CodeProviderProtocol, false)
}

// Own credentials lead to their own server, and the configured key stays home.
func TestAClientsOwnProvider(t *testing.T) {
	theirs := modeltest.New(t)
	ours, r := newFake(t)
	for _, own := range []model.Credentials{{Key: "sk-own", BaseURL: theirs.URL}, {BaseURL: theirs.URL + "/"}} {
		req := modeltest.Ask("hello")
		req.Credentials, req.Model = &own, "lying-too"
		if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil {
			t.Fatal(g.Err)
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
	req := modeltest.Ask("hello")
	req.Credentials = &model.Credentials{}
	if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil || len(ours.Calls()) != 1 {
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
	r := newRegistry(t, providers.Config{Key: "sk-configured", BaseURL: "http://configured.test/v1", Transport: net})
	req := modeltest.Ask("hello")
	req.Credentials = &model.Credentials{Key: "sk-own"}
	modeltest.WantCode(t, modeltest.Collect(t.Context(), t, r, req).Err, chat.CodeProviderConnect, true)
	r = newRegistry(t, providers.Config{Key: "sk-configured", Transport: net})
	list, err := r.Models(t.Context(), nil)
	modeltest.WantCode(t, err, chat.CodeProviderConnect, true)
	if modeltest.FormatModels(list) != "openai:gpt-4o-mini* demo:demo" {
		t.Error(modeltest.FormatModels(list))
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
		r := newRegistry(t, providers.Config{BaseURL: base, DefaultModel: "m", Demo: demo.Options{TokensPerSecond: -1}})
		e := modeltest.ErrorOf(t, modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err, chat.CodeNotConfigured, false)
		if strings.Contains(e.Message, "pw") || !strings.Contains(e.Message, "OPENAI_BASE_URL") {
			t.Errorf("%s: %q", base, e.Message)
		}
		if list, err := r.Models(t.Context(), nil); !chat.IsCode(err, chat.CodeNotConfigured) || !strings.Contains(modeltest.FormatModels(list), "demo") {
			t.Errorf("%s: %s, %v", base, modeltest.FormatModels(list), err)
		}
		req := modeltest.Ask("hello")
		req.Model = "demo"
		if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil {
			t.Errorf("%s: the demo: %v", base, g.Err)
		}
	}
	r := newRegistry(t, providers.Config{BaseURL: "http://x.test/v1", Key: "a\r\nHost: b", DefaultModel: "m"})
	modeltest.WantCode(t, modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err, chat.CodeNotConfigured, false)
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
		{modeltest.ClosedURL(t), true, "cannot connect"},
		{"http://no-such-host.invalid/v1", true, "no-such-host.invalid"},
		{tls.URL + "/v1", false, "certificate"},
		{strings.Replace(plain.URL, "http:", "https:", 1), false, "http://"},
		{"http://169.254.169.254/v1", false, "link-local"},
	} {
		r := newRegistry(t, providers.Config{BaseURL: tc.base, Key: modeltest.Key, DefaultModel: "m"})
		e := modeltest.ErrorOf(t, modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err, chat.CodeProviderConnect, tc.retryable)
		if !strings.Contains(e.Message, tc.says) {
			t.Errorf("%s: %q", tc.base, e.Message)
		}
	}
}
