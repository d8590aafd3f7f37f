package modeltest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Limited is a server with OpenAI's API that allows so many requests in a window, and so many at
// the same time. It says so in the headers of its responses, unless it is silent.
type Limited struct {
	URL string // for clients, with /v1

	Requests int
	Window   time.Duration
	Parallel int
	Hold     time.Duration // how long an answer takes
	Silent   bool

	mu      sync.Mutex // guards what follows
	began   time.Time  // the window
	used    int
	running int
	seen    Seen
}

// Seen is what a Limited server saw.
type Seen struct {
	Prompts []string // of the accepted requests, in order
	Refused int
	Running int // at most, at the same time
}

// NewLimited starts a server that ends with the test.
func NewLimited(t testing.TB, l *Limited) *Limited {
	t.Helper()
	h := httptest.NewServer(l)
	t.Cleanup(h.Close)
	l.URL = h.URL + "/v1"
	return l
}

// Seen returns what the server saw so far.
func (l *Limited) Seen() Seen {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.seen
	s.Prompts = append([]string{}, s.Prompts...)
	return s
}

// begin counts a request, and reports whether it is accepted.
func (l *Limited) begin(h http.Header, prompt string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.began) >= l.Window {
		l.began, l.used = now, 0
	}
	ok := l.used < l.Requests && l.running < l.Parallel
	if ok {
		l.used++
		l.running++
		l.seen.Prompts = append(l.seen.Prompts, prompt)
		l.seen.Running = max(l.seen.Running, l.running)
	} else {
		l.seen.Refused++
	}
	if !l.Silent {
		h.Set("X-Ratelimit-Limit-Requests", strconv.Itoa(l.Requests))
		h.Set("X-Ratelimit-Remaining-Requests", strconv.Itoa(l.Requests-l.used))
		h.Set("X-Ratelimit-Reset-Requests", l.began.Add(l.Window).Sub(now).Round(time.Millisecond).String())
	}
	return ok
}

func (l *Limited) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
}

// ServeHTTP answers with one word, or with 429.
func (l *Limited) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		reply(w, map[string]any{"object": "list", "data": []any{map[string]any{"id": "limited", "object": "model"}}})
		return
	}
	var req request
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	prompt, _ := req.prompt()
	if !l.begin(w.Header(), prompt) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"error":{"message":"Too many requests","type":"requests","code":"rate_limit_exceeded"}}`) // the client left
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(data string) {
		_, _ = fmt.Fprintf(w, "data: %s\n\n", data) // the client left
		_ = http.NewResponseController(w).Flush()   // as above
	}
	send(`{"choices":[{"index":0,"delta":{"role":"assistant","content":"word"}}]}`)
	timer := time.NewTimer(l.Hold)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
	l.end() // before the client can know
	send(`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`)
	send("[DONE]")
}
