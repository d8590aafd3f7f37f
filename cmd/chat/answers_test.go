package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/creack/pty"

	"chat/internal/cli/exit"
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
		if got := contents(t, errs); code != exit.Setup || !strings.Contains(got, want) || strings.Contains(got, "wrong-token") {
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
		if got.code != exit.OK || !strings.Contains(got.stderr, want) || deleted != strings.HasPrefix(want, "deleted") {
			t.Errorf("%q: deleted %v: %+v", typed, deleted, got)
		}
		_ = master.Close() // a terminal that nobody reads
		_ = slave.Close()
	}
}

func TestAKeyIsTriedBeforeItIsKept(t *testing.T) {
	var key, base string
	status := http.StatusOK
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, base = r.Header.Get("Chat-Provider-Key"), r.Header.Get("Chat-Provider-Base-Url")
		if status != http.StatusOK {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"code":"provider_auth","detail":"the provider refused the key"}`))
			return
		}
		_, _ = w.Write([]byte(`{"models":[]}`))
	})
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = master.Close() }() // a terminal that nobody reads
	defer func() { _ = slave.Close() }()
	for code, said := range map[int]string{exit.OK: "stored the key in", exit.Setup: "not stored: the provider refused the key"} {
		if code == exit.Setup {
			status = http.StatusBadGateway
		}
		if _, err := master.WriteString("sk-typed\n"); err != nil {
			t.Fatal(err)
		}
		got := start(t, h, slave, "auth", "login", "--base-url", "http://p/v1")
		if got.code != code || !strings.Contains(got.stderr, said) || strings.Contains(got.stderr, "sk-typed") {
			t.Errorf("%d: %+v", code, got)
		}
		if key != "sk-typed" || base != "http://p/v1" {
			t.Errorf("tried %q at %q", key, base)
		}
		status = http.StatusOK
	}
}
