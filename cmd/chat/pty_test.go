package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"chat"
	"chat/internal/cli/exit"
)

// onTerminal runs chat with its stdout on a terminal of 40 columns, and returns
// what the terminal got.
func onTerminal(t *testing.T, h http.Handler, env map[string]string, args ...string) string {
	t.Helper()
	got := terminalRun(t, h, env, false, args...)
	if got.code != exit.OK {
		t.Errorf("exit code %d: %s", got.code, got.stderr)
	}
	return got.out
}

// terminalRun runs chat on a terminal of 40 columns. With both, stderr is the
// terminal, too, as it is for a person.
func terminalRun(t *testing.T, h http.Handler, env map[string]string, both bool, args ...string) chatRun {
	t.Helper()
	return typedRun(t, h, env, both, "", args...)
}

// typedRun is terminalRun with keys typed ahead.
func typedRun(t *testing.T, h http.Handler, env map[string]string, both bool, keys string, args ...string) chatRun {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: 24, Cols: 40}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(h)
	server.Listener.Close()
	server.Listener = l
	server.Start()
	defer server.Close()
	if _, err := master.WriteString(keys); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(&got, master) // EIO once the other side has closed
	}()
	errs := tempFile(t)
	files := stdio{in: devNull(t), out: slave, err: errs}
	if both {
		files.err = slave
	}
	code := run(context.Background(), append([]string{"chat"}, args...), files, func(name string) (string, bool) {
		if name == "CHAT_HOST" {
			return "unix://" + path, true
		}
		v, ok := env[name]
		return v, ok
	})
	err = slave.Close()
	<-read
	if err := errors.Join(err, master.Close()); err != nil {
		t.Error(err)
	}
	return chatRun{code, strings.ReplaceAll(got.String(), "\r\n", "\n"), contents(t, errs)}
}

func TestOnATerminalTheAnswerIsLaidOut(t *testing.T) {
	f := &fake{t: t, chunks: []chat.Chunk{
		{Attempt: 1, Index: 0, Type: chat.ChunkContent, Content: "A **bold** word \x1b]0;title\x07and a line that is longer than the terminal is wide.\n\n"},
		{Attempt: 1, Index: 1, Type: chat.ChunkContent, Content: "- one\n- two\n"},
		{Attempt: 1, Index: 2, Type: chat.ChunkDone, State: chat.TaskDone, FinishReason: "stop"},
	}}
	got := onTerminal(t, f, map[string]string{"TERM": "xterm"}, "send", "x")
	if !strings.Contains(got, "\x1b[1mbold") || strings.Contains(got, "**") || strings.Contains(got, "\x1b]") {
		t.Errorf("%q", got)
	}
	for _, line := range strings.Split(got, "\n") {
		if n := len([]rune(line)); n > 40+len("\x1b[1m\x1b[0m")*2 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	for name, env := range map[string]map[string]string{"a dumb terminal": {"TERM": "dumb"}, "NO_COLOR on it": {"TERM": "dumb", "NO_COLOR": "1"}} {
		if got := onTerminal(t, f, env, "send", "x"); strings.Contains(got, "\x1b") || !strings.Contains(got, "bold") {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := onTerminal(t, f, map[string]string{"TERM": "xterm"}, "send", "--raw", "x"); !strings.HasPrefix(got, "A **bold** word and") || strings.Contains(got, "\x1b") {
		t.Errorf("raw: %q", got)
	}
	if got := onTerminal(t, f, map[string]string{"TERM": "xterm"}, "send", "--no-stream", "x"); !strings.Contains(got, "bold") {
		t.Errorf("at once: %q", got)
	}
}

func TestOnATerminalAResetIsShown(t *testing.T) {
	f := &fake{t: t, chunks: []chat.Chunk{
		{Attempt: 1, Index: 0, Type: chat.ChunkContent, Content: "first try\n\nmore\n\n"},
		{Attempt: 2, Index: 1, Type: chat.ChunkReset},
		{Attempt: 2, Index: 2, Type: chat.ChunkContent, Content: "second try"},
		{Attempt: 2, Index: 3, Type: chat.ChunkDone, State: chat.TaskDone, FinishReason: "stop"},
	}}
	got := onTerminal(t, f, map[string]string{"TERM": "dumb"}, "send", "x")
	first, second, ok := strings.Cut(got, "the answer restarts")
	if !ok || !strings.Contains(first, "first try") || !strings.Contains(second, "second try") {
		t.Errorf("%q", got)
	}
}

func TestOnATerminalAnUnknownIDIsNotAPrompt(t *testing.T) {
	f := &fake{t: t, chunks: textAnswer()}
	got := terminalRun(t, f, map[string]string{"TERM": "xterm"}, false, "-r", "nope")
	if got.code != exit.NotFound || !strings.Contains(got.stderr, `"nope"`) || f.sent() != "" {
		t.Errorf("%+v, sent %q", got, f.sent())
	}
}

func TestADumbTerminalGetsLines(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		args []string
	}{
		"dumb":           {env: map[string]string{"TERM": "dumb"}},
		"none":           {env: map[string]string{"TERM": ""}},
		"asked for":      {env: map[string]string{"TERM": "xterm"}, args: []string{"--plain-ui"}},
		"in environment": {env: map[string]string{"TERM": "xterm", "ACCESSIBLE": "1"}},
	} {
		f := &fake{t: t, chunks: textAnswer()}
		got := typedRun(t, f, tc.env, false, "What?\n/quit\n", tc.args...)
		if got.code != exit.OK || !strings.Contains(f.sent(), "What?") || !strings.Contains(got.out, "Enter a message to send it.") || strings.Contains(got.out, "\x1b") {
			t.Errorf("%s: %+v, sent %q", name, got, f.sent())
		}
	}
	f := &fake{t: t, chunks: textAnswer()}
	got := terminalRun(t, f, map[string]string{"TERM": "dumb"}, false, "What?")
	if got.code != exit.OK || !strings.Contains(f.sent(), "What?") || strings.Contains(got.out, "\x1b") {
		t.Errorf("with a prompt: %+v", got)
	}
}

// A title that a model writes costs tokens, which a script has not asked for.
func TestOnlyTheScreenAsksForATitle(t *testing.T) {
	const asked = `"model_title":true`
	f := &fake{t: t, chunks: textAnswer()}
	env := map[string]string{"TERM": "dumb"}
	if typedRun(t, f, env, false, "What?\n/quit\n"); !strings.Contains(f.sent(), asked) {
		t.Errorf("the screen sent %q", f.sent())
	}
	for _, args := range [][]string{{"send", "What?"}, {"send", "-d", "What?"}} {
		f = &fake{t: t, chunks: textAnswer()}
		if terminalRun(t, f, env, false, args...); f.sent() == "" || strings.Contains(f.sent(), asked) {
			t.Errorf("%v sent %q", args, f.sent())
		}
	}
}

func TestReasoningStandsApartFromTheAnswer(t *testing.T) {
	f := &fake{t: t, chunks: []chat.Chunk{
		{Attempt: 1, Index: 0, Type: chat.ChunkReasoning, Content: "let me "},
		{Attempt: 1, Index: 1, Type: chat.ChunkReasoning, Content: "think"},
		{Attempt: 1, Index: 2, Type: chat.ChunkContent, Content: "It is so."},
		{Attempt: 1, Index: 3, Type: chat.ChunkDone, State: chat.TaskDone, FinishReason: "stop"},
	}}
	for name, tc := range map[string]struct {
		env  map[string]string
		args []string
		want string
	}{
		"in colour":   {map[string]string{"TERM": "xterm"}, nil, "\x1b[2mlet me \x1b[0m\x1b[2mthink\x1b[0m\n\nIt is so.\n"},
		"without":     {map[string]string{"TERM": "dumb"}, nil, "let me think\n\nIt is so.\n"},
		"as written":  {map[string]string{"TERM": "dumb"}, []string{"--raw"}, "let me think\n\nIt is so.\n"},
		"when ended":  {map[string]string{"TERM": "dumb"}, []string{"--no-stream"}, "let me think\n\nIt is so.\n"},
		"only it":     {map[string]string{"TERM": "dumb"}, []string{"--reasoning", "only"}, "let me think\n"},
		"none of it":  {map[string]string{"TERM": "dumb"}, []string{"--reasoning", "hide"}, "It is so.\n"},
		"in the file": {map[string]string{"TERM": "dumb"}, nil, "It is so.\n"},
	} {
		got := terminalRun(t, f, tc.env, name != "in the file", append([]string{"send", "x", "--reasoning", "show"}, tc.args...)...)
		if got.out != tc.want || got.code != exit.OK {
			t.Errorf("%s: %q, %q", name, got.out, got.stderr)
		}
		if name == "in the file" && got.stderr != "let me think\n" {
			t.Errorf("%s: %q", name, got.stderr)
		}
	}
}
