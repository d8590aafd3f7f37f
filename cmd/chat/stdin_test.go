package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chat"
	"chat/internal/cli/exit"
	"chat/internal/cli/prompt"
	"chat/internal/poll"
	"chat/sse"
)

// fake is a server that answers every message with the same chunks, and
// remembers what it was sent.
type fake struct {
	t      *testing.T
	chunks []chat.Chunk
	// stands is how the task stands, and told gets each question for that; the stream
	// says no more than first before the second one.
	stands *chat.Task
	first  *chat.Chunk
	told   chan struct{}

	mu   sync.Mutex
	body string
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/messages"):
		b, err := io.ReadAll(r.Body)
		if err != nil {
			f.t.Error(err)
		}
		f.mu.Lock()
		f.body = string(b)
		f.mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"task_id":"t1","message_id":"m1","conversation_id":"c1","status":"processing"}`)
	case r.URL.Path == "/tasks/t1" && f.stands != nil:
		if err := json.NewEncoder(w).Encode(f.stands); err != nil {
			f.t.Error(err)
		}
		f.told <- struct{}{}
	case r.URL.Path == "/stream/t1":
		w.Header().Set("Content-Type", sse.ContentType)
		var b []byte
		if f.first != nil {
			first, err := sse.AppendChunk(nil, *f.first)
			if err == nil {
				_, err = w.Write(first)
			}
			if err = errors.Join(err, http.NewResponseController(w).Flush()); err != nil {
				f.t.Error(err)
			}
			for range 2 {
				select {
				case <-f.told:
				case <-time.After(10 * time.Second):
					f.t.Error("nobody asks how the task stands")
				}
			}
		}
		for _, c := range f.chunks {
			var err error
			if b, err = sse.AppendChunk(b, c); err != nil {
				f.t.Error(err)
			}
		}
		_, _ = w.Write(b)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// sent is the message that the server got.
func (f *fake) sent() string { f.mu.Lock(); defer f.mu.Unlock(); return f.body }

// chatRun is one run of chat against the fake server.
type chatRun struct {
	code        int
	out, stderr string
}

// start runs chat in this process; stdin is whatever file is given.
func (f *fake) start(t *testing.T, stdin *os.File, args ...string) chatRun {
	t.Helper()
	return start(t, f, stdin, args...)
}

func start(t *testing.T, h http.Handler, stdin *os.File, args ...string) chatRun {
	t.Helper()
	return startIn(t, h, stdin, map[string]string{"HOME": t.TempDir()}, args...)
}

// startIn is start with an environment.
func startIn(t *testing.T, h http.Handler, stdin *os.File, env map[string]string, args ...string) chatRun {
	t.Helper()
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
	files := stdio{in: stdin, out: tempFile(t), err: tempFile(t)}
	code := run(context.Background(), append([]string{"chat"}, args...), files, func(name string) (string, bool) {
		v, ok := env[name]
		if name == "CHAT_HOST" && !ok {
			return "unix://" + path, true
		}
		return v, ok
	})
	return chatRun{code, contents(t, files.out), contents(t, files.err)}
}

func tempFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "f")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // a test may have closed it
	return f
}

func contents(t *testing.T, f *os.File) string {
	t.Helper()
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func devNull(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // a test may have closed it
	return f
}

// noProgram is a program whose commands are only looked at.
func noProgram() *program {
	return newProgram(stdio{}, func(string) (string, bool) { return "", false }, nil)
}

func textAnswer() []chat.Chunk {
	return []chat.Chunk{
		{Attempt: 1, Index: 0, Type: chat.ChunkReasoning, Content: "let me think"},
		{Attempt: 1, Index: 1, Type: chat.ChunkContent, Content: "He"},
		{Attempt: 2, Index: 2, Type: chat.ChunkReset},
		{Attempt: 2, Index: 3, Type: chat.ChunkContent, Content: "Good \x1b[1mday"},
		{Attempt: 2, Index: 4, Type: chat.ChunkDone, State: chat.TaskDone, MessageID: "m1", FinishReason: "stop"},
	}
}

func TestAnInheritedPipeDoesNotHangSilently(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }() // it was only read
	closed := make(chan struct{})
	go func() { // the pipe's other end is closed only after the notice
		defer close(closed)
		poll.Pause(prompt.StdinNotice + 500*time.Millisecond)
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	f := &fake{t: t, chunks: textAnswer()}
	got := f.start(t, r, "send", "x")
	<-closed
	if got.code != exit.OK || !strings.Contains(got.stderr, "waiting for stdin (--no-stdin to skip)") || !strings.Contains(f.sent(), `"text":"x"`) {
		t.Errorf("%+v, sent %s", got, f.sent())
	}
	r2, w2, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r2.Close() }() // it was only read
	defer func() { _ = w2.Close() }() // never closed while it runs
	if got := f.start(t, r2, "send", "--no-stdin", "x"); got.code != exit.OK || got.stderr != "" {
		t.Errorf("%+v", got)
	}
}

func TestStdinThatHoldsNothing(t *testing.T) {
	f := &fake{t: t, chunks: textAnswer()}
	if got := f.start(t, devNull(t), "send", "x"); got.code != exit.OK || got.stderr != "" || f.sent() != `{"parts":[{"type":"text","text":"x"}],"priority":"normal"}` {
		t.Errorf("/dev/null: %+v, sent %s", got, f.sent())
	}
	shut := devNull(t)
	if err := shut.Close(); err != nil {
		t.Fatal(err)
	}
	if got := f.start(t, shut, "send", "x"); got.code != exit.OK {
		t.Errorf("closed: %+v", got)
	}
	if got := f.start(t, devNull(t), "send"); got.code != exit.Usage {
		t.Errorf("no prompt at all: %+v", got)
	}
}

func TestStdinThatIsNoText(t *testing.T) {
	f := &fake{t: t, chunks: textAnswer()}
	for name, content := range map[string][]byte{"binary": {0xff, 0xfe}, "nul": []byte("a\x00b"), "huge": bytes.Repeat([]byte("x"), chat.MaxText+1)} {
		in := tempFile(t)
		if _, err := in.WriteAt(content, 0); err != nil {
			t.Fatal(err)
		}
		if got := f.start(t, in, "send"); got.code != exit.Usage || f.sent() != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestOutputModes(t *testing.T) {
	for args, want := range map[string]string{
		"send x":                            "Good \x1b[1mday\n",
		"send x --raw":                      "Good \x1b[1mday\n",
		"x":                                 "Good \x1b[1mday\n",
		"send x --reasoning only":           "",
		"send x --reasoning show":           "Good \x1b[1mday\n", // a file is taken back
		"send x -d":                         "t1\n",
		"send x --no-stream --color always": "Good \x1b[1mday\n",
	} {
		f := &fake{t: t, chunks: textAnswer()}
		got := f.start(t, devNull(t), strings.Fields(args)...)
		if got.out != want {
			t.Errorf("%s: %+v", args, got)
		}
		if got.code != exit.OK {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

func TestAnAttemptThatFailedIsSaidWhileTheNextOneIsWaitedFor(t *testing.T) {
	t.Parallel()
	f := &fake{t: t, told: make(chan struct{}, 10)}
	f.first = &chat.Chunk{Attempt: 2, Index: 0, Type: chat.ChunkReset} // as each attempt but the first begins
	f.chunks = []chat.Chunk{
		{Attempt: 3, Index: 1, Type: chat.ChunkReset},
		{Attempt: 3, Index: 2, Type: chat.ChunkContent, Content: "at last"},
		{Attempt: 3, Index: 3, Type: chat.ChunkDone, State: chat.TaskDone, FinishReason: "stop"},
	}
	f.stands = &chat.Task{
		ID: "t1", State: chat.TaskQueued, Attempt: 2, RunAfter: time.Now().Add(time.Minute),
		Error: chat.Retryable(chat.Errorf(chat.CodeProviderRateLimit, "the provider allows no more for now")),
	}
	got := f.start(t, devNull(t), "send", "x")
	if got.code != exit.OK || got.out != "at last\n" || !strings.Contains(got.stderr, "chat: the provider allows no more for now; try 3 in ") {
		t.Errorf("%+v", got)
	}
}

func TestAFailedAnswerSaysWhy(t *testing.T) {
	f := &fake{t: t, chunks: []chat.Chunk{{
		Attempt: 1, Index: 0, Type: chat.ChunkError, State: chat.TaskFailed, Code: chat.CodeProviderAuth,
		Content: "the key is \x1b]0;wrong\x07: set OPENAI_API_KEY",
	}}}
	got := f.start(t, devNull(t), "send", "x")
	if got.code != exit.Setup || got.out != "" || got.stderr != "chat: the answer failed: the key is : set OPENAI_API_KEY\n" {
		t.Errorf("%+v", got)
	}
}

func TestAFullDiskIsSaid(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }() // nothing can be in it
	for _, args := range []string{"version", "--help", "send --help", "help daemon", "help exit-codes"} {
		errs := tempFile(t)
		code := run(context.Background(), append([]string{"chat"}, strings.Fields(args)...), stdio{in: devNull(t), out: full, err: errs}, os.LookupEnv)
		if code != exit.Internal || !strings.Contains(contents(t, errs), "no space left") {
			t.Errorf("%s: %d: %s", args, code, contents(t, errs))
		}
	}
}

func TestAReaderThatLeavesIsNoError(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }() // nobody is left to read what was written
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	errs := tempFile(t)
	code := run(context.Background(), []string{"chat", "help", "exit-codes"}, stdio{in: devNull(t), out: w, err: errs}, os.LookupEnv)
	if code != exit.Pipe || contents(t, errs) != "" {
		t.Errorf("%d: %s", code, contents(t, errs))
	}
}
