package api_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"chat"
	"chat/daemon/api"
	"chat/daemon/follow"
)

func TestTCPAsksForAToken(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	done := h.finished("because")
	for _, call := range []string{
		"GET /conversations", "POST /conversations", "GET /tasks", "GET /tasks/" + done.TaskID, "POST /tasks/" + done.TaskID + "/cancel",
		"GET /stream/" + done.TaskID, "GET /models", "GET /workers", "GET /stats", "GET /metrics", "POST /shutdown", "GET /nothing", "POST /hello",
	} {
		method, path, _ := strings.Cut(call, " ")
		for name, auth := range map[string]with{
			"no token": func(*http.Request) {}, "a wrong token": bearer(token[:len(token)-1] + "x"), "an empty token": bearer(""),
			"basic": header("Authorization", "Basic "+token), "a bare token": header("Authorization", token),
			"a token in the URL": func(r *http.Request) { r.URL.RawQuery = "token=" + token + "&access_token=" + token },
		} {
			a := h.remote(method, path, "", auth)
			if a.status != http.StatusUnauthorized || a.problem(t) != chat.CodeUnauthorized || a.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s with %s: %d %s", call, name, a.status, a.body)
			}
		}
	}
	for says, auth := range map[string]with{
		"is needed": func(*http.Request) {}, "is wrong": bearer("chat_of_another_server"), "has no bearer token": header("Authorization", "Basic x"),
	} {
		if a := h.remote("GET", "/tasks", "", auth); !strings.Contains(string(a.body), says) || !strings.Contains(string(a.body), "CHAT_TOKEN") {
			t.Errorf("it does not say that the token %s: %s", says, a.body)
		}
	}
	for _, path := range []string{"/hello", "/healthz", "/readyz"} {
		if a := h.remote("GET", path, ""); a.status != http.StatusOK {
			t.Errorf("%s without a token: %d %s", path, a.status, a.body)
		}
	}
	if a := h.remote("GET", "/tasks/"+done.TaskID, "", bearer(token)); a.status != http.StatusOK {
		t.Errorf("with the token: %d %s", a.status, a.body)
	}
}

func TestHostsAreFromAList(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{AllowHosts: []string{"chat.example"}})
	for name, want := range map[string]bool{
		"localhost": true, "LOCALHOST:80": true, "chat.example": true, "Chat.Example:8443": true, "127.0.0.1:99": true,
		"evil.example": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "127.0.0.2": false, "[::1]": false, "chat": false,
	} {
		for _, path := range []string{"/hello", "/tasks", "/nothing"} {
			a := h.remote("GET", path, "", host(name), bearer(token))
			if refused := a.status == http.StatusForbidden && a.problem(t) == chat.CodeForbidden; refused == want {
				t.Errorf("Host %s on TCP: %d %s", name, a.status, a.body)
			}
		}
	}
	for name, want := range map[string]bool{"localhost": true, "chat": true, "chat:80": true, "evil.example": false, "chat.example": false, "127.0.0.1": false} {
		a := h.call("GET", "/tasks", "", host(name))
		if (a.status == http.StatusOK) != want || !want && a.problem(t) != chat.CodeForbidden {
			t.Errorf("Host %s on the socket: %d %s", name, a.status, a.body)
		}
	}
}

func TestOriginsAreFromAList(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{AllowOrigins: []string{"https://app.example"}})
	done := h.finished("because")
	for _, path := range []string{"/hello", "/healthz", "/tasks", "/stream/" + done.TaskID, "/nothing", "/metrics"} {
		for origin, want := range map[string]bool{
			"https://app.example": true, "https://evil.example": false, "null": false, "http://app.example": false,
			"https://app.example.evil.example": false, "http://localhost": false,
		} {
			for over, a := range map[string]answer{
				"the socket": h.call("GET", path, "", header("Origin", origin)), "TCP": h.remote("GET", path, "", bearer(token), header("Origin", origin)),
			} {
				if refused := a.status == http.StatusForbidden; refused == want {
					t.Errorf("%s from %s over %s: %d", path, origin, over, a.status)
				}
			}
		}
	}
}

// raw sends bytes over TCP and returns the status line of the answer.
func (h *harness) raw(request string) string {
	h.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(h.tcp, "http://"))
	h.must(err)
	defer func() { _ = c.Close() }()
	_, _ = io.WriteString(c, request) // a server that refuses early may close before all was sent
	line, err := bufio.NewReader(c).ReadString('\n')
	h.must(err)
	return strings.TrimSpace(line)
}

func TestOddRequests(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	auth := "Authorization: Bearer " + token + "\r\n"
	for name, c := range map[string]struct{ request, want string }{
		"HTTP/1.0 without a Host":     {"GET /tasks HTTP/1.0\r\n" + auth + "\r\n", "HTTP/1.0 403 Forbidden"},
		"HTTP/1.0":                    {"GET /tasks HTTP/1.0\r\nHost: localhost\r\n" + auth + "\r\n", "HTTP/1.0 200 OK"},
		"HTTP/1.1 without a Host":     {"GET /tasks HTTP/1.1\r\n" + auth + "\r\n", "HTTP/1.1 400 Bad Request: missing required Host header"},
		"a header of a megabyte":      {"GET /tasks HTTP/1.1\r\nHost: localhost\r\n" + auth + "Last-Event-ID: " + strings.Repeat("1", 1<<20) + "\r\n\r\n", "HTTP/1.1 431 Request Header Fields Too Large"},
		"an address in the request":   {"GET http://evil.example/tasks HTTP/1.1\r\nHost: localhost\r\n" + auth + "\r\n", "HTTP/1.1 403 Forbidden"},
		"HEAD":                        {"HEAD /tasks HTTP/1.1\r\nHost: localhost\r\n" + auth + "\r\n", "HTTP/1.1 200 OK"},
		"HEAD of what does not exist": {"HEAD /tasks/" + unknownID + " HTTP/1.1\r\nHost: localhost\r\n" + auth + "\r\n", "HTTP/1.1 404 Not Found"},
	} {
		if got := h.raw(c.request); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// panicking is a store with a defect.
type panicking struct{ api.Store }

func (panicking) Engine() string { panic("a defect with a secret in it") }

func TestAPanicIsAnInternalErrorWithoutDetails(t *testing.T) {
	t.Parallel()
	h := newHarnessWithStore(t, api.Options{}, func(s api.Store) api.Store { return panicking{s} })
	a := h.call("GET", "/stats", "")
	if a.status != 500 || a.problem(t) != chat.CodeInternal || strings.Contains(string(a.body), "secret") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := h.call("GET", "/tasks", ""); a.status != 200 {
		t.Error(fmt.Sprint("the server did not survive: ", a.status))
	}
}

// brokenLog is a log whose stream meets a defect once it has begun.
type brokenLog struct{ api.Log }

func (brokenLog) Tail(string, chat.Position) follow.Tail { panic("a defect") }

func TestAPanicCutsAStreamThatHasBegun(t *testing.T) {
	t.Parallel()
	h := newHarnessWithLog(t, api.Options{}, nil, func(log api.Log) api.Log { return brokenLog{log} })
	chunks, err := h.open(h.submitted().TaskID, "").rest()
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(chunks) != 0 {
		t.Errorf("the stream ended with %v after %s: that looks like success", err, formatChunks(chunks))
	}
}

func TestAKnownPathSaysWhatItTakes(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	for call, allow := range map[string]string{
		"PUT /conversations": "GET, HEAD, POST", "PUT /conversations/" + unknownID: "DELETE, GET, HEAD, PATCH",
		"DELETE /tasks": "GET, HEAD", "POST /stream/" + unknownID: "GET, HEAD", "GET /tasks/" + unknownID + "/cancel": "POST",
		"GET /shutdown": "POST", "PATCH /hello": "GET, HEAD",
	} {
		method, path, _ := strings.Cut(call, " ")
		a := h.call(method, path, "")
		if a.status != http.StatusMethodNotAllowed || a.problem(t) != chat.CodeInvalid || a.header.Get("Allow") != allow {
			t.Errorf("%s: %d %q %s", call, a.status, a.header.Get("Allow"), a.body)
		}
	}
	for _, path := range []string{"/nothing", "/conversations/" + unknownID + "/nothing", "/web"} {
		if a := h.call("PUT", path, ""); a.status != http.StatusNotFound || a.problem(t) != chat.CodeNotFound {
			t.Errorf("PUT %s: %d %s", path, a.status, a.body)
		}
	}
}

func TestAnAllowedOriginMayCallFromABrowser(t *testing.T) {
	t.Parallel()
	const origin = "https://app.example"
	h := newHarness(t, api.Options{AllowOrigins: []string{origin, "https://other.example"}})
	acc := h.finished("because")
	from := header("Origin", origin)
	names := func(a answer, name string) map[string]bool {
		set := map[string]bool{}
		for _, v := range a.header.Values(name) {
			for part := range strings.SplitSeq(v, ",") {
				set[strings.ToLower(strings.TrimSpace(part))] = true
			}
		}
		return set
	}
	for path, method := range map[string]string{
		"/conversations": "POST", "/conversations/" + unknownID: "PATCH", "/stream/" + acc.TaskID: "GET", "/nothing": "DELETE",
	} {
		a := h.remote("OPTIONS", path, "", from, header("Access-Control-Request-Method", method), // and no token: browsers send none
			header("Access-Control-Request-Headers", "authorization,content-type,idempotency-key,last-event-id,x-stainless-lang, X-Stainless-Arch,x-evil"))
		if a.status != http.StatusNoContent || len(a.body) != 0 || a.header.Get("Access-Control-Allow-Origin") != origin || !names(a, "Vary")["origin"] {
			t.Errorf("preflight of %s %s: %d %v %s", method, path, a.status, a.header, a.body)
		}
		if !names(a, "Access-Control-Allow-Methods")[strings.ToLower(method)] || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("preflight of %s %s: %v", method, path, a.header)
		}
		if names(a, "Access-Control-Allow-Headers")["x-evil"] {
			t.Errorf("preflight of %s %s: %v", method, path, a.header)
		}
		for _, h := range []string{"authorization", "content-type", "idempotency-key", "last-event-id", "x-stainless-lang", "x-stainless-arch"} {
			if !names(a, "Access-Control-Allow-Headers")[h] {
				t.Errorf("preflight of %s %s: no %s in %v", method, path, h, a.header)
			}
		}
	}
	for call, want := range map[string]int{
		"GET /tasks": 200, "GET /tasks/" + unknownID: 404, "GET /stream/" + acc.TaskID: 200, "GET /hello": 200, "PUT /tasks": 405,
	} {
		method, path, _ := strings.Cut(call, " ")
		a := h.remote(method, path, "", from, bearer(token))
		if a.status != want || a.header.Get("Access-Control-Allow-Origin") != origin || !names(a, "Vary")["origin"] || !names(a, "Access-Control-Expose-Headers")["retry-after"] {
			t.Errorf("%s: %d %v", call, a.status, a.header)
		}
	}
	if a := h.remote("GET", "/tasks", "", from); a.status != 401 || a.header.Get("Access-Control-Allow-Origin") != origin {
		t.Errorf("a page cannot read why it is refused: %d %v", a.status, a.header)
	}
	if a := h.remote("GET", "/tasks", "", bearer(token)); a.header.Get("Access-Control-Allow-Origin") != "" || !names(a, "Vary")["origin"] {
		t.Errorf("without an origin: %v", a.header)
	}
	for _, method := range []string{"OPTIONS", "GET"} {
		a := h.remote(method, "/tasks", "", bearer(token), header("Origin", "https://evil.example"), header("Access-Control-Request-Method", "GET"))
		if a.status != http.StatusForbidden || a.header.Get("Access-Control-Allow-Origin") != "" || a.header.Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("%s from elsewhere: %d %v", method, a.status, a.header)
		}
	}
	if a := h.remote("OPTIONS", "/tasks", "", bearer(token), from); a.status != http.StatusMethodNotAllowed {
		t.Errorf("OPTIONS that is no preflight: %d %s", a.status, a.body)
	}
}
