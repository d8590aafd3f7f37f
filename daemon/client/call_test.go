package client

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"chat"
)

func quick() Options {
	return Options{BackoffBase: time.Millisecond, BackoffCap: 2 * time.Millisecond, CallTimeout: 5 * time.Second}
}

func serve(t *testing.T, o Options, h http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(h)
	c := New(At(Endpoint{Network: "tcp", Address: server.Listener.Addr().String(), Token: "secret"}), o)
	t.Cleanup(func() { c.Close(); server.Close() })
	return c
}

func TestSubmitIsRepeatedWithItsKeyWhenTheConnectionIsLost(t *testing.T) {
	var n atomic.Int32
	var keys [3]string
	c := serve(t, quick(), func(w http.ResponseWriter, r *http.Request) {
		i := n.Add(1)
		keys[i-1] = r.Header.Get("Idempotency-Key")
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != `{"conversation_id":"c1","content":"hi"}` {
			t.Errorf("body %q, %v", body, err)
		}
		switch i {
		case 1:
			panic(http.ErrAbortHandler) // before any answer
		case 2: // in the middle of it
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte(`{"task_id":`))
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(chat.Accepted{TaskID: "t1"})
	})
	a, err := c.Submit(t.Context(), chat.Submission{ConversationID: "c1", Content: "hi"}, "")
	if err != nil || a.TaskID != "t1" {
		t.Fatalf("%+v, %v", a, err)
	}
	if keys[0] == "" || keys[0] != keys[1] || keys[1] != keys[2] {
		t.Errorf("keys %q", keys)
	}
}

func TestCreateWithoutAKeyIsNotRepeated(t *testing.T) {
	var n atomic.Int32
	c := serve(t, quick(), func(http.ResponseWriter, *http.Request) {
		n.Add(1)
		panic(http.ErrAbortHandler)
	})
	_, err := c.CreateConversation(t.Context(), NewConversation{}, "")
	if !chat.IsCode(err, chat.CodeDaemon) || n.Load() != 1 {
		t.Errorf("%v after %d requests", err, n.Load())
	}
}

func TestProblemsBecomeErrors(t *testing.T) {
	tests := map[string]struct {
		status      int
		media, body string
		want        chat.Error
	}{
		"problem document": {
			404, "application/problem+json; charset=utf-8",
			`{"type":"about:blank","title":"Not Found","status":404,"code":"not_found","detail":"no such task","retryable":false}`,
			chat.Error{Code: chat.CodeNotFound, Message: "no such task"},
		},
		"a code of its own": {
			409, "application/problem+json", `{"code":"provider_quota","title":"t","retryable":true}`,
			chat.Error{Code: chat.CodeProviderQuota, Message: "t", Retryable: true},
		},
		"a proxy's page": {502, "text/html", "<html>", chat.Error{Code: chat.CodeUnavailable, Message: "the server answered 502 Bad Gateway", Retryable: true}},
		"broken JSON":    {401, "application/problem+json", "{", chat.Error{Code: chat.CodeUnauthorized, Message: "the server answered 401 Unauthorized"}},
		"a redirect":     {302, "", "", chat.Error{Code: chat.CodeIncompatible, Message: "the server answered 302 Found"}},
		"not JSON":       {200, "application/json", "hello", chat.Error{Code: chat.CodeIncompatible}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			o := quick()
			o.Tries = 1
			c := serve(t, o, func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Authorization"); got != "Bearer secret" {
					t.Errorf("Authorization %q", got)
				}
				w.Header().Set("Content-Type", tc.media)
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			_, err := c.Task(t.Context(), "t1")
			e := chat.AsError(err)
			if e.Code != tc.want.Code || e.Retryable != tc.want.Retryable || (tc.want.Message != "" && e.Message != tc.want.Message) {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "99999999999999999999": 0,
		now.Add(90 * time.Second).Format(http.TimeFormat):  90 * time.Second,
		now.Add(-90 * time.Second).Format(http.TimeFormat): 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func TestUnavailableIsRepeatedForSafeCallsOnly(t *testing.T) {
	var n atomic.Int32
	c := serve(t, quick(), func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if _, err := c.Task(t.Context(), "t"); !chat.IsCode(err, chat.CodeUnavailable) || n.Swap(0) != 4 {
		t.Errorf("reading: %v", err)
	}
	if _, err := c.CreateConversation(t.Context(), NewConversation{}, ""); !chat.IsCode(err, chat.CodeUnavailable) || n.Swap(0) != 1 {
		t.Errorf("creating: %v", err)
	}
	if _, err := c.Hello(t.Context()); err == nil || n.Load() != 1 {
		t.Errorf("hello: %v after %d", err, n.Load())
	}
}

func TestASlowServerIsATimeoutNotAHang(t *testing.T) {
	o := quick()
	o.CallTimeout, o.Tries = 50*time.Millisecond, 1
	c := serve(t, o, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err := c.Stats(t.Context())
	if !chat.IsCode(err, chat.CodeDaemon) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Stats(ctx); err != context.Canceled { //nolint:errorlint // not dressed up as a failure of the daemon
		t.Errorf("cancelled: %v", err)
	}
}

func TestProviderCredentialsTravelOverUnixSocketsOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var seen http.Header
	h := func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		_, _ = w.Write([]byte("{}"))
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(h))
	server.Listener.Close()
	server.Listener = l
	server.Start()
	defer server.Close()
	o := quick()
	o.ProviderKey, o.ProviderBaseURL, o.ProviderKind = "sk-1", "http://p", "anthropic"
	// A proxy of the environment must not get between us and a socket.
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	c := New(At(Endpoint{Network: "unix", Address: path, Token: "unused"}), o)
	defer c.Close()
	if _, err := c.Models(t.Context()); err != nil {
		t.Fatal(err)
	}
	if seen.Get("Chat-Provider-Key") != "sk-1" || seen.Get("Chat-Provider-Base-Url") != "http://p" || seen.Get("Chat-Provider-Kind") != "anthropic" || seen.Get("Authorization") != "" {
		t.Errorf("unix: %v", seen)
	}
	if _, err := c.Tasks(t.Context(), chat.TaskQuery{}); err != nil || seen.Get("Chat-Provider-Key") != "" {
		t.Errorf("a call that needs no provider carried its key: %v", seen)
	}
	tcp := serve(t, o, h)
	if _, err := tcp.Models(t.Context()); err != nil || seen.Get("Chat-Provider-Key") != "" {
		t.Errorf("tcp: %v %v", err, seen)
	}
}

func TestListsAndFilters(t *testing.T) {
	var asked string
	c := serve(t, quick(), func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.String()
		_, _ = w.Write([]byte(`{"tasks":[{"id":"t"}],"conversations":[{"id":"c"}],"next_cursor":"n","messages":[{"id":"m"}],"models":[{"id":"x"}],"workers":[{"id":"w"}]}`))
	})
	ctx := t.Context()
	tasks, err := c.Tasks(ctx, chat.TaskQuery{States: []chat.TaskState{StateActive, chat.TaskDone}, ID: "ab", Limit: 3})
	if err != nil || len(tasks) != 1 || asked != "GET /tasks?id=ab&limit=3&state=active&state=done" {
		t.Errorf("%v %v %s", tasks, err, asked)
	}
	convs, next, err := c.Conversations(ctx, chat.ConversationQuery{Search: "a b"})
	if err != nil || len(convs) != 1 || next != "n" || asked != "GET /conversations?q=a+b" {
		t.Errorf("%v %v %s", convs, err, asked)
	}
	if m, err := c.Messages(ctx, "a/b"); err != nil || len(m) != 1 || asked != "GET /conversations/a%2Fb/messages" {
		t.Errorf("%v %v %s", m, err, asked)
	}
	if m, err := c.Models(ctx); err != nil || len(m) != 1 {
		t.Errorf("%v %v", m, err)
	}
	if w, err := c.Workers(ctx); err != nil || len(w) != 1 {
		t.Errorf("%v %v", w, err)
	}
	if err := c.DeleteConversation(ctx, "c"); err != nil || asked != "DELETE /conversations/c" {
		t.Errorf("%v %s", err, asked)
	}
	title := "T"
	if _, err := c.UpdateConversation(ctx, "c", chat.ConversationPatch{Title: &title}); err != nil || asked != "PATCH /conversations/c" {
		t.Errorf("%v %s", err, asked)
	}
	if _, err := c.Cancel(ctx, "t"); err != nil || asked != "POST /tasks/t/cancel" {
		t.Errorf("%v %s", err, asked)
	}
}
