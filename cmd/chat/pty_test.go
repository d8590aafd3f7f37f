package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"chat"
)

// onTerminal runs chat with its stdout on a terminal of 40 columns, and returns
// what the terminal got.
func onTerminal(t *testing.T, f *fake, env map[string]string, args ...string) string {
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
	server := httptest.NewUnstartedServer(f)
	server.Listener.Close()
	server.Listener = l
	server.Start()
	defer server.Close()
	var got bytes.Buffer
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(&got, master) // EIO once the other side has closed
	}()
	errs := tempFile(t)
	code := run(context.Background(), append([]string{"chat"}, args...), stdio{in: devNull(t), out: slave, err: errs}, func(name string) (string, bool) {
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
	if code != exitOK {
		t.Errorf("exit code %d: %s", code, contents(t, errs))
	}
	return strings.ReplaceAll(got.String(), "\r\n", "\n")
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
	first, second, ok := strings.Cut(got, "the answer starts again")
	if !ok || !strings.Contains(first, "first try") || !strings.Contains(second, "second try") {
		t.Errorf("%q", got)
	}
}
