package api_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"chat"
	"chat/daemon/api"
	"chat/internal/services"
	"chat/sql"
	"chat/sql/sqltest"
)

func TestEveryCallAnswersThoughTheDatabaseIsSilent(t *testing.T) {
	proxy := sqltest.NewProxy(t, services.Postgres(t))
	store, err := sql.Open(t.Context(), proxy.URL, sql.Options{ResponseTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	h := newHarnessWithStore(t, api.Options{StoreTimeout: 200 * time.Millisecond}, func(api.Store) api.Store { return store })
	proxy.FreezeAll()
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/conversations", `{}`},
		{"GET", "/conversations", ""},
		{"GET", "/conversations/" + unknownID, ""},
		{"PATCH", "/conversations/" + unknownID, `{"title":"x"}`},
		{"DELETE", "/conversations/" + unknownID, ""},
		{"GET", "/conversations/" + unknownID + "/messages", ""},
		{"POST", "/conversations/" + unknownID + "/messages", `{"content":"x"}`},
		{"POST", "/messages/" + unknownID + "/regenerate", `{}`},
		{"GET", "/tasks", ""},
		{"GET", "/tasks/" + unknownID, ""},
		{"POST", "/tasks/" + unknownID + "/cancel", ""},
		{"GET", "/stream/" + unknownID, ""},
		{"GET", "/workers", ""},
		{"GET", "/readyz", ""},
	} {
		began := time.Now()
		a := h.call(c.method, c.path, c.body)
		took := time.Since(began)
		if a.status != http.StatusServiceUnavailable || a.problem(t) != chat.CodeUnavailable || a.header.Get("Retry-After") == "" {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
		}
		if took > 4*time.Second {
			t.Errorf("%s %s: it took %s", c.method, c.path, took)
		}
	}
}

// heldStore answers no question for a task while it is held.
type heldStore struct {
	api.Store
	held chan struct{} // closed when it is let go
	hold atomic.Bool
	asks atomic.Int32 // questions that wait
}

func (s *heldStore) Task(ctx context.Context, owner, id string) (chat.Task, error) {
	if s.hold.Load() {
		s.asks.Add(1)
		<-s.held
	}
	return s.Store.Task(ctx, owner, id)
}

func TestAStreamGoesOnWhileTheDatabaseDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := &heldStore{held: make(chan struct{})}
	h := newHarnessWithStore(t, api.Options{Recheck: 20 * time.Millisecond, Heartbeat: 50 * time.Millisecond},
		func(store api.Store) api.Store { s.Store = store; return s })
	acc := h.submitted()
	a := h.claim(acc)
	f := h.open(acc.TaskID, "")
	a.write("a")
	f.next(1)
	s.hold.Store(true)
	h.eventually("the stream asks SQL", func() bool { return s.asks.Load() > 0 })

	read := make(chan string, 1)
	go func() { read <- formatChunks(f.next(2)) }()
	a.write("b", "c")
	wait := func(what string, ok func() bool) {
		t.Helper()
		late := time.After(testTimeout)
		for !ok() {
			select {
			case <-late:
				close(s.held)
				t.Fatalf("no %s while SQL does not answer", what)
			case <-time.After(time.Millisecond):
			}
		}
	}
	wait("chunk", func() bool { return len(read) > 0 })
	if got := <-read; got != "1-1:content=b 1-2:content=c" {
		t.Error(got)
	}
	rest := make(chan string, 1)
	go func() {
		chunks, err := f.rest()
		h.check(err)
		rest <- formatChunks(chunks)
	}()
	for len(f.notes) > 0 {
		<-f.notes
	}
	wait("heartbeat", func() bool { return len(f.notes) > 2 })
	if n := s.asks.Load(); n != 1 {
		t.Errorf("%d concurrent queries", n)
	}
	a.commit() // no one publishes the end
	close(s.held)
	select {
	case got := <-rest:
		if got != "1-3:done" {
			t.Error(got)
		}
	case <-time.After(testTimeout):
		t.Error("the end is not found")
	}
}
