package api_test

import (
	"net/http"
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
	store, err := sql.Open(t.Context(), proxy.URL, sql.Options{Silence: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	l := newLabWith(t, api.Options{StorePatience: 200 * time.Millisecond}, func(api.Store) api.Store { return store })
	proxy.FreezeAll()
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/conversations", `{}`},
		{"GET", "/conversations", ""},
		{"GET", "/conversations/" + nobody, ""},
		{"PATCH", "/conversations/" + nobody, `{"title":"x"}`},
		{"DELETE", "/conversations/" + nobody, ""},
		{"GET", "/conversations/" + nobody + "/messages", ""},
		{"POST", "/conversations/" + nobody + "/messages", `{"content":"x"}`},
		{"POST", "/messages/" + nobody + "/regenerate", `{}`},
		{"GET", "/tasks", ""},
		{"GET", "/tasks/" + nobody, ""},
		{"POST", "/tasks/" + nobody + "/cancel", ""},
		{"GET", "/stream/" + nobody, ""},
		{"GET", "/workers", ""},
		{"GET", "/readyz", ""},
	} {
		began := time.Now()
		a := l.call(c.method, c.path, c.body)
		took := time.Since(began)
		if a.status != http.StatusServiceUnavailable || a.problem(t) != chat.CodeUnavailable || a.header.Get("Retry-After") == "" {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
		}
		if took > 4*time.Second {
			t.Errorf("%s %s: it took %s", c.method, c.path, took)
		}
	}
}
