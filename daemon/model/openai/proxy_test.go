package openai_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

// environment is a lookup in a list of NAME=value.
func environment(vars ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, v := range vars {
			if n, value, _ := strings.Cut(v, "="); n == name {
				return value, true
			}
		}
		return "", false
	}
}

// proxyThat serves connections as a proxy that gives every request this response.
func proxyThat(t *testing.T, response string) string {
	t.Helper()
	return strings.TrimSuffix(strings.TrimPrefix(rawServer(t, func(c net.Conn) { _, _ = io.WriteString(c, response) }), "http://"), "/v1")
}

func TestProxiesAreNamedWithTheirVariable(t *testing.T) {
	t.Parallel()
	closed := strings.TrimSuffix(strings.TrimPrefix(modeltest.ClosedURL(t), "http://"), "/v1")
	login := proxyThat(t, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
	forbidding := proxyThat(t, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
	failing := proxyThat(t, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
	for _, tc := range []struct {
		base, variable string
		retryable      bool
		says           string
	}{
		{"https://p.example/v1", "HTTPS_PROXY=http://" + closed, true, "HTTPS_PROXY (http://" + closed + ") (nothing listens there)"},
		{"https://p.example/v1", "https_proxy=http://me:SECRET@" + closed, true, "https_proxy (http://" + closed + ")"},
		{"https://p.example/v1", "ALL_PROXY=" + closed, true, "ALL_PROXY (http://" + closed + ")"},
		{"https://p.example/v1", "all_proxy=socks5://" + closed, true, "all_proxy (socks5://" + closed + ")"},
		{"http://p.example/v1", "HTTP_PROXY=http://" + closed, true, "HTTP_PROXY (http://" + closed + ")"},
		{"http://p.example/v1", "http_proxy=" + closed, true, "http_proxy (http://" + closed + ")"},
		{"https://p.example/v1", "HTTPS_PROXY=http://no-such-proxy.invalid:3128", true, "(its host cannot be found)"},
		{"https://p.example/v1", "HTTPS_PROXY=http://me:SECRET@" + login, false, "HTTPS_PROXY (http://" + login + ") wants a user name and a password (407)"},
		{"http://p.example/v1", "HTTP_PROXY=http://" + login, false, "HTTP_PROXY (http://" + login + ") wants a user name and a password (407)"},
		{"https://p.example/v1", "HTTPS_PROXY=http://" + forbidding, false, "does not allow the connection (403)"},
		{"https://p.example/v1", "HTTPS_PROXY=http://" + failing, true, "could not make the connection (502)"},
		{"https://p.example/v1", "HTTPS_PROXY=http://me:SECRET@pro xy:3128", false, "HTTPS_PROXY"},
		{"https://p.example/v1", "HTTPS_PROXY=ftp://me:SECRET@proxy:21", false, "must begin with"},
		{"https://p.example/v1", "ALL_PROXY=http://", false, "ALL_PROXY"},
		{"https://p.example/v1", "HTTPS_PROXY=http://me:SECRET@proxy:port", false, "is not a URL"},
	} {
		r := newRegistry(t, providers.Config{BaseURL: tc.base, Key: modeltest.Key, DefaultModel: "m", Lookup: environment(tc.variable)})
		e := chat.AsError(modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err)
		if e.Retryable != tc.retryable || !strings.Contains(e.Message, tc.says) || strings.Contains(chain(e), "SECRET") {
			t.Errorf("%s: retryable %v: %s", tc.variable, e.Retryable, chain(e))
		}
	}
}

// What goes through a proxy and what goes past it.
func TestWhatGoesThroughAProxy(t *testing.T) {
	t.Parallel()
	const answer = `{"choices":[{"message":{"content":"Through it."},"finish_reason":"stop"}]}`
	asked := make(chan string, 1)
	proxy := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- r.URL.String()
			_, _ = fmt.Fprint(w, answer) // the client may have gone
		})}
		done := make(chan struct{})
		go func() { defer close(done); _ = server.Serve(l) }() // until it is closed
		t.Cleanup(func() { _ = server.Close(); <-done })
		return l.Addr().String()
	}()
	for base, vars := range map[string][]string{
		"http://p.example/v1":      {"HTTP_PROXY=" + proxy},
		"http://q.example:8080/v1": {"ALL_PROXY=http://" + proxy},
		"http://10.1.2.3/v1":       {"HTTP_PROXY=" + proxy, "NO_PROXY=10.2.0.0/16,example.com"},
		"http://notexample.com/v1": {"HTTP_PROXY=" + proxy, "NO_PROXY=example.com"},
		"http://r.example:81/v1":   {"http_proxy=" + proxy, "NO_PROXY=r.example:82"},
	} {
		r := newRegistry(t, providers.Config{BaseURL: base, DefaultModel: "m", Lookup: environment(vars...)})
		if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")); g.Err != nil || g.Content != "Through it." || <-asked != base+"/chat/completions" {
			t.Errorf("%s %v: %+v", base, vars, g)
		}
	}
	// Loopback always, and what NO_PROXY names: a proxy that nobody runs is not missed.
	direct := rawServer(t, func(c net.Conn) {
		_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(answer), answer)
	})
	r := newRegistry(t, providers.Config{BaseURL: direct, DefaultModel: "m", Lookup: environment("HTTP_PROXY=127.0.0.1:1", "ALL_PROXY=127.0.0.1:1")})
	if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")); g.Err != nil {
		t.Error(g.Err)
	}
	for host, list := range map[string]string{
		"no-such-host.invalid": "*", "a.no-such-host.invalid": "no-such-host.invalid", "b.no-such-host.invalid": ".no-such-host.invalid", "c.no-such-host.invalid": "*.no-such-host.invalid",
		"d.no-such-host.invalid": "x, D.no-such-host.invalid", "e.no-such-host.invalid:81": "e.no-such-host.invalid:81",
	} {
		r := newRegistry(t, providers.Config{BaseURL: "http://" + host + "/v1", DefaultModel: "m", Lookup: environment("HTTP_PROXY="+proxy, "NO_PROXY="+list)})
		if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")); g.Err == nil || !strings.Contains(g.Err.Error(), "host") {
			t.Errorf("%s with NO_PROXY=%s: %+v", host, list, g)
		}
	}
}

// A tunnel through a proxy carries TLS to the provider.
func TestATunnelThroughAProxy(t *testing.T) {
	t.Parallel()
	connects := make(chan string, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		connects <- req.Method + " " + req.Host + " " + req.Header.Get("Proxy-Authorization")
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nplain text") // not TLS
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	r := newRegistry(t, providers.Config{BaseURL: "https://p.example/v1", DefaultModel: "m", Lookup: environment("HTTPS_PROXY=http://me:pw@" + l.Addr().String())})
	g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello"))
	if got := <-connects; got != "CONNECT p.example:443 Basic bWU6cHc=" || !chat.IsCode(g.Err, chat.CodeProviderConnect) {
		t.Errorf("%q, %v", got, g.Err)
	}
}
