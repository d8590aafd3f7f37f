package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"chat"

	"chat/internal/term/attach"
)

func TestFit(t *testing.T) {
	columns := []column{{head: "ID"}, {head: "AGE", drop: 2}, {head: "MODEL", least: 4, drop: 1}, {head: "TITLE", least: 10}}
	for width, want := range map[int][]int{
		80: {8, 10, 5, 30}, // 59 of them are needed
		50: {8, 10, 5, 21},
		39: {8, 10, 5, 10},
		38: {8, 10, 4, 10},
		37: {8, 10, 0, 15},
		32: {8, 10, 0, 10},
		31: {8, 0, 0, 21},
		15: {6, 0, 0, 7},
		5:  {1, 0, 0, 2},
	} {
		got := fit(columns, []int{8, 10, 5, 30}, width)
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%d: %v, want %v", width, got, want)
				break
			}
		}
	}
}

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
		if whole.code != exitOK || strings.Contains(whole.out, "…") || !strings.Contains(whole.out, want) {
			t.Errorf("%s: %+v", args, whole)
		}
	}
}

func TestTitles(t *testing.T) {
	file := attach.Block("sched.go", "package main\n\nfunc main() {}")
	for content, want := range map[string]string{
		"Why is the sky blue?":     "Why is the sky blue?",
		"What is this?\n\n" + file: "What is this?",
		file:                       "sched.go",
		file + "\n\n" + attach.Block("go.mod", "module x"):   "sched.go, go.mod",
		file + "\n\nWhat is this?":                           "What is this?",
		attach.Block("stdin", "words"):                       "stdin",
		attach.Block(`a "b".go`, "x"):                        `a "b".go`,
		"<file name=\"x\">\nnever closed":                    "x",
		"<file name=x>\nnot ours":                            "<file name=x>",
		attach.Block("x", "a </file> inside\n</file>x") + "": "x",
		strings.Repeat("long ", 20):                          chat.TitleFrom(strings.Repeat("long ", 20)),
	} {
		if got := titleOf(content); got != want {
			t.Errorf("%q: %q, want %q", content, got, want)
		}
	}
}
