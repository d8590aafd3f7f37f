package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"chat/daemon/api"
)

// logged is a log that a test reads.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *logged) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *logged) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// lines are the log's records with a message.
func (w *logged) lines(t *testing.T, msg string) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(w.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if m["msg"] == msg {
			all = append(all, m)
		}
	}
	return all
}

func (w *logged) options() api.Options {
	return api.Options{Logger: slog.New(slog.NewJSONHandler(w, nil))}
}

func TestAuthorizationSchemeIgnoresCase(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	for header1, want := range map[string]int{
		"Bearer " + token: 200, "bearer " + token: 200, "BEARER " + token: 200, "bEaReR " + token: 200, "Bearer   " + token: 200, "Bearer " + token + " ": 200,
		"Bearer": 401, "Bearer ": 401, "bearer" + token: 401, token: 401, "Basic " + token: 401, "Bearer " + strings.ToUpper(token): 401, "Token " + token: 401,
		"Bearer " + token + ", Bearer x": 401, "Bearer\t" + token: 401,
	} {
		if a := h.remote("GET", "/tasks", "", header("Authorization", header1)); a.status != want || want == 401 && a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%q: %d %s", header1, a.status, a.body)
		}
	}
}

func TestARefusalIsLoggedWithoutWhatWasSent(t *testing.T) {
	t.Parallel()
	log := &logged{}
	h := newHarness(t, log.options())
	const secret = "a-token-that-is-not-the-right-one"
	for what, send := range map[string][]with{
		"the bearer token is wrong":                      {bearer(secret)},
		"a bearer token is needed":                       {},
		"the Authorization header has no bearer token":   {header("Authorization", "Basic "+secret)},
		`the host name "evil.example" is not served`:     {bearer(token), host("evil.example")},
		`the web origin "https://x.test" is not allowed`: {bearer(token), header("Origin", "https://x.test")},
	} {
		a := h.remote("GET", "/tasks?secret="+secret, "", append(send, header("X-Request-Id", "id-from-a-proxy"))...)
		if a.status/100 != 4 || a.header.Get("X-Request-Id") != "id-from-a-proxy" {
			t.Errorf("%s: %d, %v", what, a.status, a.header)
		}
		var found map[string]any
		for _, line := range log.lines(t, "api: a request was refused") {
			if line["reason"] == what {
				found = line
			}
		}
		if found == nil || found["level"] != "WARN" || found["path"] != "/tasks" || found["request"] != "id-from-a-proxy" || !strings.HasPrefix(fmt.Sprint(found["remote"]), "127.0.0.1:") {
			t.Errorf("%s: logged %v", what, found)
		}
	}
	for range 100 { // as when an attacker guesses
		h.remote("GET", "/tasks", "", bearer(secret))
	}
	if n := len(log.lines(t, "api: a request was refused")); n < 10 || n > 30 {
		t.Errorf("105 refusals made %d lines", n)
	}
	if strings.Contains(log.String(), secret) {
		t.Errorf("the log holds a token:\n%s", log)
	}
}

func TestTheAccessLog(t *testing.T) {
	t.Parallel()
	const secret = "not-for-the-log"
	log := &logged{}
	o := log.options()
	o.AccessLog = true
	h := newHarness(t, o)
	acc := h.finished("because")
	h.call("POST", "/conversations?x="+secret, `{"title":"`+secret+`"}`, header("X-Request-Id", "bad id, with blanks"))
	h.call("GET", "/nothing", "")
	h.call("DELETE", "/hello", "")
	h.remote("GET", "/tasks", "", bearer("wrong"), header("X-Request-Id", "abc"))
	h.remote("HEAD", "/stream/"+acc.TaskID, "", bearer(token))
	read := h.open(acc.TaskID, "?after=1-0")
	_, err := read.rest()
	h.must(err)
	h.eventually("the stream is logged", func() bool {
		for _, line := range log.lines(t, "request") {
			if sent, ok := line["bytes"].(float64); ok && sent > 100 && line["route"] == "GET /stream/{task_id}" && line["method"] == "GET" && line["status"] == 200.0 {
				return true
			}
		}
		return false
	})
	for _, want := range []struct {
		method, route, path string
		status              float64
	}{
		{"POST", "POST /conversations", "/conversations", 201},
		{"POST", "POST /conversations/{id}/messages", "/conversations/" + acc.ConversationID + "/messages", 202},
		{"GET", "", "/nothing", 404},
		{"DELETE", "", "/hello", 405},
		{"GET", "", "/tasks", 401},
		{"HEAD", "GET /stream/{task_id}", "/stream/" + acc.TaskID, 200},
	} {
		found := false
		for _, line := range log.lines(t, "request") {
			if line["method"] == want.method && line["route"] == want.route && line["path"] == want.path && line["status"] == want.status {
				found = line["request"] != "" && line["remote"] != "" && line["ms"] != nil && line["bytes"] != nil
			}
		}
		if !found {
			t.Errorf("%+v is not logged", want)
		}
	}
	if s := log.String(); strings.Contains(s, secret) || strings.Contains(s, "bad id") || !strings.Contains(s, `"request":"abc"`) {
		t.Errorf("the log:\n%s", s)
	}
}

// TestEveryAnswerHasARequestID, also without an access log.
func TestEveryAnswerHasARequestID(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.finished("because")
	ids := map[string]bool{}
	for _, path := range []string{"/hello", "/nothing", "/tasks", "/conversations/" + unknownID} {
		ids[h.call("GET", path, "").header.Get("X-Request-Id")] = true
	}
	f := h.open(acc.TaskID, "")
	ids[f.res.Header.Get("X-Request-Id")] = true
	if len(ids) != 5 || ids[""] || f.res.StatusCode != http.StatusOK {
		t.Errorf("ids %v", ids)
	}
}
