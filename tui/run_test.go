package tui

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
	"github.com/creack/pty"

	"chat"
	"chat/internal/term/paint"
)

// fakeTerminal is the other side of a pseudo terminal: it types, and remembers what
// was written. It answers no query.
type fakeTerminal struct {
	t       *testing.T
	side    *os.File // ours
	tty     *os.File // the program's
	mu      sync.Mutex
	out     bytes.Buffer
	news    chan struct{}
	drained chan struct{}
}

func newTerminal(t *testing.T, width, height int) *fakeTerminal {
	t.Helper()
	side, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(tty, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		t.Fatal(err)
	}
	x := &fakeTerminal{t: t, side: side, tty: tty, news: make(chan struct{}, 1), drained: make(chan struct{})}
	go x.read()
	t.Cleanup(func() {
		if err := errors.Join(tty.Close(), side.Close()); err != nil {
			t.Error(err)
		}
		<-x.drained
	})
	return x
}

func (x *fakeTerminal) read() {
	defer close(x.drained)
	buf := make([]byte, 4096)
	for {
		n, err := x.side.Read(buf)
		x.mu.Lock()
		x.out.Write(buf[:n])
		x.mu.Unlock()
		select {
		case x.news <- struct{}{}:
		default:
		}
		if err != nil {
			return // closed: the test is over
		}
	}
}

func (x *fakeTerminal) output() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.out.String()
}

func (x *fakeTerminal) typeKeys(keys string) {
	x.t.Helper()
	if _, err := x.side.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

func (x *fakeTerminal) until(text string) {
	x.t.Helper()
	x.wait(text, func(out string) bool { return strings.Contains(ansi.Strip(out), text) })
}

// untilWritten waits for bytes, sequences included.
func (x *fakeTerminal) untilWritten(bytes string) {
	x.t.Helper()
	x.wait(bytes, func(out string) bool { return strings.Contains(out, bytes) })
}

func (x *fakeTerminal) wait(text string, ok func(out string) bool) {
	x.t.Helper()
	deadline := time.After(10 * time.Second)
	for !ok(x.output()) {
		select {
		case <-x.news:
		case <-deadline:
			x.t.Fatalf("timed out waiting for %q in %q", text, x.output())
		}
	}
}

type outcome struct {
	exit Exit
	err  error
}

// run starts Run on the terminal.
func (x *fakeTerminal) run(ctx context.Context, backend *fakeBackend) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		e, err := Run(ctx, Options{
			Backend: backend, In: x.tty, Out: x.tty, Host: "local",
			Env: []string{"TERM=xterm-256color", "COLORTERM=truecolor"},
		})
		done <- outcome{e, err}
	}()
	return done
}

func (x *fakeTerminal) state() *term.State {
	x.t.Helper()
	s, err := term.GetState(x.tty.Fd())
	if err != nil {
		x.t.Fatal(err)
	}
	return s
}

func TestRunInATerminal(t *testing.T) {
	x := newTerminal(t, 80, 24)
	before := *x.state()
	backend := newFake()
	done := x.run(t.Context(), backend)
	x.until("live")
	x.typeKeys("hello there")
	x.until("hello there")
	x.typeKeys("\r")
	x.until("waiting for the first words")
	task := backend.newest()
	for _, word := range []string{"An ", "answer ", "that ", "**streams**."} {
		task.chunk(chat.ChunkContent, word)
	}
	x.until("An answer that streams.")
	x.typeKeys("\x04") // ctrl+d leaves; the task continues
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	if got.exit.ConversationID != task.task.ConversationID || len(got.exit.Running) != 1 || got.exit.Running[0] != task.task.ID {
		t.Errorf("exit %+v", got.exit)
	}
	if after := *x.state(); after != before {
		t.Error("the terminal's modes are not what they were")
	}
	x.untilWritten("\x1b[?1049l")
	checkOutput(t, x.output())
}

// checkOutput checks what holds for every byte that was written.
func checkOutput(t *testing.T, out string) {
	t.Helper()
	for _, query := range []string{"\x1b]10;?", "\x1b[6n", "\x1b[c", "\x1b[>"} {
		if strings.Contains(out, query) {
			t.Errorf("it asks the terminal %q", query)
		}
	}
	if n := strings.Count(out, "\x1b]11;?"); n > 1 {
		t.Errorf("it asks for the background %d times", n)
	}
	if n := strings.Count(out, "\x1b[2J"); n > 0 {
		t.Errorf("the screen is cleared %d times", n)
	}
	if strings.Contains(out, paint.MarkerBegin) {
		t.Error("a marker of the caret reached the terminal")
	}
	for _, pair := range [][2]string{{"\x1b[?1049h", "\x1b[?1049l"}, {"\x1b[?2004h", "\x1b[?2004l"}, {"\x1b[?25l", "\x1b[?25h"}, {"\x1b[?1004h", "\x1b[?1004l"}, {"\x1b[?2026h", "\x1b[?2026l"}} {
		if !strings.Contains(out, pair[0]) || strings.LastIndex(out, pair[1]) < strings.LastIndex(out, pair[0]) {
			t.Errorf("%q is not undone by %q at the end", pair[0], pair[1])
		}
	}
	frames := strings.Count(out, "\x1b[?2026h")
	if frames == 0 || frames != strings.Count(out, "\x1b[?2026l") {
		t.Errorf("%d frames begin, %d end", frames, strings.Count(out, "\x1b[?2026l"))
	}
	if !strings.Contains(out, "\x1b[22;15H\x1b[?25h") { // after " > hello there" in the input
		t.Errorf("the cursor was never after the typed text: %q", out)
	}
}

func TestLateBackgroundReplyOnlyChangesTheme(t *testing.T) {
	x := newTerminal(t, 80, 24)
	done := x.run(t.Context(), newFake())
	x.untilWritten("\x1b]11;?\x07")
	x.typeKeys("he\x1b]11;rgb:fdfd/f6f6/e3e3\x1b\\llo")
	x.until("hello")
	x.untilWritten("\x1b[38;5;250m") // the rules of the light theme
	x.typeKeys("\x03\x03\x03")
	if got := <-done; got.err != nil {
		t.Error(got.err)
	}
	if out := ansi.Strip(x.output()); strings.Contains(out, "rgb:") {
		t.Errorf("the answer was typed: %q", out)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	x := newTerminal(t, 80, 24)
	before := *x.state()
	ctx, cancel := context.WithCancelCause(t.Context())
	done := x.run(ctx, newFake())
	x.until("live")
	reason := errors.New("the terminal went away")
	cancel(reason)
	if got := <-done; !errors.Is(got.err, reason) {
		t.Errorf("Run returned %v", got.err)
	}
	if after := *x.state(); after != before {
		t.Error("the terminal's modes are not what they were")
	}
}

func TestPastedTextIsNotSubmitted(t *testing.T) {
	x := newTerminal(t, 80, 24)
	backend := newFake()
	done := x.run(t.Context(), backend)
	x.until("live")
	x.typeKeys("\x1b[200~first\rsecond\r\x1b[201~")
	x.until("second")
	x.typeKeys("\x03\x03\x03") // clear, then twice to quit
	if got := <-done; got.err != nil || got.exit.ConversationID != "" {
		t.Errorf("exit %+v, %v", got.exit, got.err)
	}
	if backend.newest() != nil {
		t.Error("a paste was submitted")
	}
}

func TestEndedTasksAreNotReportedAsRunning(t *testing.T) {
	x := newTerminal(t, 80, 24)
	backend := newFake()
	done := x.run(t.Context(), backend)
	x.until("live")
	x.typeKeys("hello\r")
	x.until("1 running")
	x.typeKeys("\x0ezzz") // ctrl+n: the task continues in the background
	x.until("zzz")
	backend.finish(backend.newest(), chat.TaskDone, "done", nil)
	x.typeKeys("\x15\x04")
	if got := <-done; got.err != nil || len(got.exit.Running) != 0 {
		t.Errorf("exit %+v, %v", got.exit, got.err)
	}
}

func TestPlainUsesLines(t *testing.T) {
	x := newTerminal(t, 80, 24)
	backend := newFake()
	done := make(chan outcome, 1)
	go func() {
		e, err := Run(t.Context(), Options{Backend: backend, In: x.tty, Out: x.tty, Plain: true})
		done <- outcome{e, err}
	}()
	x.until("Enter /help for the commands.")
	x.typeKeys("hello\n")
	x.until("hello")
	var task *fakeTask
	for task == nil {
		if task = backend.newest(); task == nil {
			runtime.Gosched()
		}
	}
	task.chunk(chat.ChunkContent, "A whole sentence. And half")
	x.until("A whole sentence.")
	backend.finish(task, chat.TaskDone, "", nil)
	x.until("End of the answer.")
	x.typeKeys("/quit\n")
	if got := <-done; got.err != nil || got.exit.ConversationID != task.task.ConversationID {
		t.Errorf("%+v", got)
	}
	if out := x.output(); strings.Contains(out, "\x1b") {
		t.Errorf("not plain: %q", out)
	}
}
