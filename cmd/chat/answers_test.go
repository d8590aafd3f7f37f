package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/creack/pty"
)

func TestATokenThatIsNotAcceptedIsNamed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"code":"unauthorized","detail":"no"}`))
	}))
	defer server.Close()
	for token, want := range map[string]string{
		"":            "set CHAT_TOKEN",
		"wrong-token": "does not accept the token in CHAT_TOKEN",
	} {
		errs := tempFile(t)
		code := run(context.Background(), []string{"chat", "ls", "--host", server.URL}, stdio{devNull(t), tempFile(t), errs}, func(name string) (string, bool) {
			return token, name == "CHAT_TOKEN"
		})
		if got := contents(t, errs); code != exitSetup || !strings.Contains(got, want) || strings.Contains(got, "wrong-token") {
			t.Errorf("%q: %d: %s", token, code, got)
		}
	}
}

func TestDeletingIsConfirmed(t *testing.T) {
	for typed, want := range map[string]string{
		"\n":    "kept 0d8eee69",
		"no\n":  "kept 0d8eee69",
		"\x04":  "kept 0d8eee69",
		"y\n":   "deleted 0d8eee69",
		"Yes\n": "deleted 0d8eee69",
	} {
		master, slave, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		deleted := false
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodDelete {
				deleted = true
				w.WriteHeader(http.StatusNoContent)
				return
			}
			_, _ = w.Write([]byte(`{"conversations":[{"id":"00000000-0000-0000-0000-00000d8eee69","title":"A title"}]}`))
		})
		if _, err := master.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		got := start(t, h, slave, "rm", "0d8eee69")
		if got.code != exitOK || !strings.Contains(got.stderr, want) || deleted != strings.HasPrefix(want, "deleted") {
			t.Errorf("%q: deleted %v: %+v", typed, deleted, got)
		}
		_ = master.Close() // a terminal that nobody reads
		_ = slave.Close()
	}
}
