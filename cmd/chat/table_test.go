package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"chat/internal/cli/exit"
)

// lists is a server with something to list.
func lists(w http.ResponseWriter, r *http.Request) {
	task := `{"id":"00000000-0000-0000-0000-00000b2b6669","conversation_id":"00000000-0000-0000-0000-0000d8eee698","state":"running","attempt":1,"priority":"background","model":"a-model-with-a-name-longer-than-a-line/of-a-terminal","created_at":"2020-01-01T00:00:00Z"}`
	switch r.URL.Path {
	case "/tasks":
		_, _ = w.Write([]byte(`{"tasks":[` + task + `]}`))
	case "/conversations":
		_, _ = w.Write([]byte(`{"conversations":[
			{"id":"00000000-0000-0000-0000-0000d8eee698","title":"日本語のとても長い題名はどこかで切らなければならない","model":"demo","updated_at":"2020-01-01T00:00:00Z"},
			{"id":"00000000-0000-0000-0000-0000d8eee699","title":"A \u001b[31mtitle that is longer than the terminal is wide","model":"m","updated_at":"2020-01-01T00:00:00Z"}]}`))
	case "/models":
		_, _ = w.Write([]byte(`{"models":[{"id":"a-model-with-a-name-longer-than-a-line/of-a-terminal","provider":"openai","default":true}]}`))
	}
}

func TestListsFitTheTerminal(t *testing.T) {
	for args, want := range map[string]string{"ps": "0b2b6669", "ls": "d8eee698", "models": "a-model"} {
		got := onTerminal(t, http.HandlerFunc(lists), map[string]string{"TERM": "xterm"}, args)
		if !strings.Contains(got, want) || !strings.Contains(got, "…") || strings.Contains(got, "\x1b") {
			t.Errorf("%s: %q", args, got)
		}
		for _, line := range strings.Split(got, "\n") {
			if n := ansi.StringWidth(line); n > 40 {
				t.Errorf("%s: %d columns: %q", args, n, line)
			}
		}
		whole := start(t, http.HandlerFunc(lists), devNull(t), args)
		if whole.code != exit.OK || strings.Contains(whole.out, "…") || !strings.Contains(whole.out, want) {
			t.Errorf("%s: %+v", args, whole)
		}
	}
}

func TestTheNoticeOfAListOfModelsIsOnStderr(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"models":[{"id":"phi","provider":"ollama"}],"notice":"p.example cannot be reached","notice_code":"provider_connect"}`))
	})
	for _, args := range [][]string{{"models"}, {"models", "--json"}} {
		got := start(t, h, devNull(t), args...)
		if got.code != exit.OK || !strings.Contains(got.out, "phi") || strings.Contains(got.out, "reached") || !strings.Contains(got.stderr, "chat: p.example cannot be reached") {
			t.Errorf("%v: %+v", args, got)
		}
	}
	// A key is not accepted on the word of a local server.
	got := start(t, h, devNull(t), "auth", "login", "--base-url", "http://p.example/v1")
	if got.code == exit.OK {
		t.Errorf("a key is stored: %+v", got)
	}
}
