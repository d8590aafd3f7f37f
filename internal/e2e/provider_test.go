package e2e

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// outcome is the result of a command.
type outcome struct {
	code           int
	stdout, stderr string
	took           time.Duration
}

// try runs chat with variables added to the laptop's.
func (l *laptop) try(t *testing.T, env []string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*waitLimit)
	defer cancel()
	cmd := l.command(ctx, args...)
	cmd.Env = append(append([]string{}, l.env...), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String(), time.Since(began)}
}

// says checks the exit code and stderr.
func (o outcome) says(t *testing.T, code int, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(o.stderr, part) {
			t.Errorf("no %q on stderr", part)
		}
	}
	if o.code != code || t.Failed() {
		t.Errorf("exit code %d, want %d\nstdout: %s\nstderr: %s", o.code, code, o.stdout, o.stderr)
	}
}

const hello = `{"choices":[{"message":{"content":"Hello from there."},"finish_reason":"stop"}]}`

// A provider whose certificate authority is known only to the client's shell.
func TestAuthorityUnknownToDaemon(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(hello)) // the client may have gone
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	send := []string{"send", "--no-stdin", "-m", "m-1", "hello"}
	for _, by := range []string{"the shell", "the daemon"} {
		t.Run(by, func(t *testing.T) {
			var base, client []string
			if base = []string{"OPENAI_BASE_URL=" + server.URL + "/v1"}; by == "the shell" {
				base, client = nil, base
			}
			l := newLaptop(t, base...)
			l.try(t, nil, "daemon", "start").says(t, 0)
			ca := ca
			if by == "the daemon" { // a path that depends on the shell's directory
				if err := os.Symlink(ca, filepath.Join(l.home, "ca.pem")); err != nil {
					t.Fatal(err)
				}
				ca = "ca.pem"
			}
			l.try(t, client, send...).says(t, 6, "Acme Co", "SSL_CERT_FILE", "chat daemon restart")
			with := append([]string{"SSL_CERT_FILE=" + ca}, client...)
			l.try(t, with, send...).says(t, 6, "Acme Co", "SSL_CERT_FILE is set in this shell", "chat daemon restart")
			l.try(t, with, "models").says(t, 6, "SSL_CERT_FILE is set in this shell", "chat daemon restart")
			l.try(t, with, "daemon", "restart").says(t, 0)
			if o := l.try(t, with, send...); !strings.Contains(o.stdout, "Hello from there.") {
				o.says(t, 0)
			}
		})
	}
	t.Run("a setting", func(t *testing.T) {
		l := newLaptop(t, "OPENAI_BASE_URL="+server.URL+"/v1")
		if err := os.Symlink(ca, filepath.Join(l.home, "ca.pem")); err != nil {
			t.Fatal(err)
		}
		l.try(t, nil, "config", "set", "ca_file", "~/ca.pem").says(t, 0)
		if o := l.try(t, nil, send...); !strings.Contains(o.stdout, "Hello from there.") {
			o.says(t, 0)
		}
	})
	t.Run("a setting that is wrong", func(t *testing.T) {
		l := newLaptop(t)
		l.try(t, []string{"CHATD_PROVIDER_CA_FILE=/nonexistent.pem"}, "daemon", "start").says(t, 7, "/nonexistent.pem", "ca_file")
	})
}

// A proxy that is known only to the client's shell, or only to the daemon.
func TestProxyUnknownToDaemon(t *testing.T) {
	t.Parallel()
	l := newLaptop(t)
	base := "OPENAI_BASE_URL=http://no-such-host.invalid/v1"
	models := []string{"models"}
	l.try(t, nil, "daemon", "start").says(t, 0)
	l.try(t, []string{base, "http_proxy=http://me:secret@127.0.0.1:1"}, models...).says(t, 6, "no-such-host.invalid", "http_proxy is set in this shell", "chat daemon restart")
	o := l.try(t, []string{base, "http_proxy=http://me:secret@127.0.0.1:1"}, "daemon", "restart")
	o.says(t, 0)
	o = l.try(t, []string{base}, models...)
	o.says(t, 6, "http_proxy (http://127.0.0.1:1)", "started with HTTP_PROXY, which this shell does not have")
	if info, err := os.ReadFile(filepath.Join(l.home, ".local/share/chat/daemon.json")); err != nil || strings.Contains(o.stderr+string(info), "secret") {
		t.Errorf("%v; the proxy's password is shown: %s%s", err, o.stderr, info)
	}
}

// The errors of providers, from the wire to the exit code.
func TestErrorsOfProvidersAreShown(t *testing.T) {
	t.Parallel()
	l := newLaptop(t)
	l.try(t, nil, "daemon", "start").says(t, 0)
	for name, tc := range map[string]struct {
		status int
		header string
		body   string
		code   int
		says   []string
	}{
		"too long":       {400, "", `{"error":{"code":400,"message":"request (33056 tokens) exceeds the available context size (32768 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":33056,"n_ctx":32768}}`, 5, []string{"the conversation is longer than the model takes", "33056", "32768"}},
		"nested":         {400, "", `{"error":{"message":"{\n \"error\": {\"code\":400,\"message\":\"Shorten them.\"}}","code":400}}`, 5, []string{"it said: Shorten them."}},
		"wait for hours": {429, "43200", `{"error":{"message":"slow down"}}`, 6, []string{"asks to wait 12h"}},
		"no credit":      {429, "", `{"error":{"message":"You exceeded your current quota.","type":"insufficient_quota"}}`, 5, []string{"no quota left"}},
		"a key":          {400, "", `[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}]`, 4, []string{"OPENAI_API_KEY in your shell"}},
		"a path":         {404, "", "404 page not found", 6, []string{"/v1/chat/completions", "OPENAI_BASE_URL in your shell"}},
		"a filter":       {400, "", `{"error":{"message":"filtered","code":"content_filter"}}`, 5, []string{"content filter"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tc.header != "" {
					w.Header().Set("Retry-After", tc.header)
				}
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body)) // the client may have gone
			}))
			defer server.Close()
			o := l.try(t, []string{"OPENAI_BASE_URL=" + server.URL + "/v1", "OPENAI_API_KEY=sk-0123456789"}, "send", "--no-stdin", "-m", "m-1", "hello")
			o.says(t, tc.code, tc.says...)
			if o.took > waitLimit/2 {
				t.Errorf("it took %s", o.took)
			}
		})
	}
}

// The next attempt is not earlier than an error's text asks for.
func TestNextAttemptIsNotEarlierThanAskedFor(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var calls []time.Time
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hello" { // is it a chatd?
			http.NotFound(w, r)
			return
		}
		mu.Lock()
		calls = append(calls, time.Now())
		first := len(calls) == 1
		mu.Unlock()
		if first {
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte(`{"error":{"message":"Quota exceeded. Please retry in 4.6s."}}`)) // the client may have gone
			return
		}
		_, _ = w.Write([]byte(hello)) // as above
	}))
	t.Cleanup(server.Close)
	l := newLaptop(t, "OPENAI_BASE_URL="+server.URL+"/v1", "CHAT_MODEL=m-1")
	if o := l.try(t, nil, "send", "--no-stdin", "hello"); !strings.Contains(o.stdout, "Hello from there.") {
		o.says(t, 0)
	}
	if len(calls) != 2 || calls[1].Sub(calls[0]) < 4600*time.Millisecond {
		t.Errorf("calls at %v", calls)
	}
}

// Base URLs of all kinds, from the shell and from the config file.
func TestBaseURLsFromTheShellToTheWire(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var calls []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case strings.HasPrefix(r.URL.Path, "/empty/v1/models"):
			_, _ = w.Write([]byte(`{"object":"list","data":null}`)) // the client may have gone
		case strings.HasSuffix(r.URL.Path, "/chat/completions") && !strings.HasPrefix(r.URL.Path, "/chat"):
			calls = append(calls, r.URL.String()+" "+r.Header.Get("api-key")+r.Header.Get("Authorization"))
			_, _ = w.Write([]byte(hello)) // as above
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	l := newLaptop(t)
	key := "OPENAI_API_KEY=sk-0123456789"
	for base, want := range map[string]string{
		server.URL + "/openai/deployments/d1?api-version=2024-10-21": "/openai/deployments/d1/chat/completions?api-version=2024-10-21 sk-0123456789",
		server.URL:                   "/v1/chat/completions Bearer sk-0123456789",
		server.URL + "/v1/?tenant=7": "/v1/chat/completions?tenant=7 Bearer sk-0123456789",
		server.URL[len("http://"):] + "/v1/chat/completions": "/v1/chat/completions Bearer sk-0123456789",
	} {
		mu.Lock()
		calls = nil
		mu.Unlock()
		args := []string{"send", "--no-stdin", "-m", "m-1", "hello"}
		if strings.Contains(base, "deployments") {
			args = []string{"send", "--no-stdin", "hello"} // the deployment is the model
		}
		o := l.try(t, []string{key + "\n", "OPENAI_BASE_URL= " + base + "\n"}, args...)
		mu.Lock()
		got := slices.Clone(calls)
		mu.Unlock()
		if o.code != 0 || len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q\n%s", base, got, o.stderr)
		}
	}
	host := server.URL[len("http://"):]
	empty := []string{"OPENAI_BASE_URL=" + server.URL + "/empty/v1"}
	l.try(t, empty, "send", "--no-stdin", "hello").says(t, 5, host+" has no models: pull one")
	o := l.try(t, empty, "models")
	o.says(t, 0, host+" has no models: pull one")
	if lines := strings.Split(strings.TrimSpace(o.stdout), "\n"); !strings.Contains(o.stdout, "demo") || len(lines) > 2 {
		t.Errorf("models: %s", o.stdout)
	}
	for base, says := range map[string]string{"http://me:secret@" + host + "/v1": "user name or a password", "ftp://" + host: "http:// or https://", "http://" + host + "/v1#x": "#", "http://x:70000/v1": "65535"} {
		o := l.try(t, []string{"OPENAI_BASE_URL=" + base}, "send", "--no-stdin", "-m", "m-1", "hello")
		o.says(t, 2, says)
		if strings.Contains(o.stderr, "secret") {
			t.Errorf("the password is shown: %s", o.stderr)
		}
	}
	l.try(t, []string{"OPENAI_API_KEY=sk-01\n23"}, "send", "--no-stdin", "-m", "m-1", "hello").says(t, 4, "line break", "OPENAI_API_KEY")
	config := filepath.Join(l.home, ".config/chat/config.toml")
	if err := os.MkdirAll(filepath.Dir(config), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte("# mine\nmodel = \"m-1\"\nbase_url = \"http://127.0.0.1:1/v1\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.try(t, nil, "daemon", "restart").says(t, 0)
	l.try(t, nil, "models").says(t, 6, "127.0.0.1:1", "nothing listens there", "base_url in "+config+", line 3", "http://127.0.0.1:1/v1")
}

// A server does not start with an unusable base URL, and names the setting.
func TestServerNamesUnusableBaseURL(t *testing.T) {
	t.Parallel()
	chatd := program(t, "chatd")
	for base, says := range map[string]string{"https://me:secret@api.example.com/v1": "user name or a password", "ftp://api.example.com": "http:// or https://"} {
		ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
		cmd := exec.CommandContext(ctx, chatd)
		home := t.TempDir()
		cmd.Dir, cmd.Env = home, []string{"HOME=" + home, "OPENAI_BASE_URL=" + base, "CHATD_LISTEN=tcp://127.0.0.1:0", "DATABASE_URL=sqlite://" + filepath.Join(home, "x.db"), "CHATD_TOKEN=chat_0123456789abcdef0123456789abcdef"}
		out, err := cmd.CombinedOutput()
		cancel()
		if err == nil || cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), says) || !strings.Contains(string(out), "OPENAI_BASE_URL") || strings.Contains(string(out), "secret") {
			t.Errorf("%s: %v\n%s", base, err, out)
		}
	}
}
