package screen

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// terminal is the other side of a pseudo terminal on which a program runs. It
// types, remembers what was written, and answers no query.
type terminal struct {
	t       testing.TB
	side    *os.File // ours
	tty     *os.File // the program's
	before  *term.State
	cmd     *exec.Cmd
	started time.Time
	ended   chan struct{}
	closing sync.Once

	mu      sync.Mutex
	out     bytes.Buffer
	first   map[string]time.Time // when a text was first written
	changed chan struct{}
	drained chan struct{}
}

// open starts a program on a terminal of 90×30. It remembers when each text in
// watched first appeared.
func open(t testing.TB, cmd *exec.Cmd, watched ...string) *terminal {
	t.Helper()
	side, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(tty, &pty.Winsize{Cols: 90, Rows: 30}); err != nil {
		t.Fatal(err)
	}
	before, err := term.GetState(tty.Fd())
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{
		t: t, side: side, tty: tty, before: before, cmd: cmd, ended: make(chan struct{}),
		first: map[string]time.Time{}, changed: make(chan struct{}), drained: make(chan struct{}),
	}
	for _, w := range watched {
		x.first[w] = time.Time{}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	go x.read()
	x.started = time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // how it ended is in cmd
		close(x.ended)
	}()
	t.Cleanup(x.close)
	return x
}

// terminal starts chat on a terminal, and waits until its screen is shown.
func (h *home) terminal(args ...string) *terminal {
	h.t.Helper()
	x := open(h.t, h.command(h.t.Context(), args...))
	x.until("live")
	return x
}

func (x *terminal) close() {
	x.hangUp()
	<-x.drained
	<-x.ended
	if out := x.output(); x.t.Failed() {
		x.t.Logf("the terminal got, at last, %q", out[max(0, len(out)-3000):])
	}
}

// hangUp closes the terminal's window.
func (x *terminal) hangUp() {
	x.closing.Do(func() {
		if err := errors.Join(x.tty.Close(), x.side.Close()); err != nil {
			x.t.Error(err)
		}
	})
}

func (x *terminal) read() {
	defer close(x.drained)
	buf := make([]byte, 64<<10)
	for {
		n, err := x.side.Read(buf)
		now := time.Now()
		x.mu.Lock()
		x.out.Write(buf[:n])
		for w, at := range x.first {
			if at.IsZero() && bytes.Contains(x.out.Bytes(), []byte(w)) {
				x.first[w] = now
			}
		}
		close(x.changed)
		x.changed = make(chan struct{})
		x.mu.Unlock()
		if err != nil {
			return // closed: the test is over, or the window
		}
	}
}

func (x *terminal) output() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return strings.TrimSuffix(x.out.String(), theEnd)
}

// seen is when a watched text was first written, from the program's start.
func (x *terminal) seen(text string) time.Duration {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.first[text].Sub(x.started)
}

// press types keys.
func (x *terminal) press(keys string) {
	x.t.Helper()
	if _, err := x.side.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

// arrive types keys and waits until the program has read them, so that the next
// ones are another read.
func (x *terminal) arrive(keys string) {
	x.t.Helper()
	x.press(keys)
	eventually(x.t, "the keys are read", func() bool {
		n, err := unix.IoctlGetInt(int(x.tty.Fd()), unix.TIOCINQ)
		return err == nil && n == 0
	})
}

// until waits until text was written, sequences aside.
func (x *terminal) until(text string) { x.t.Helper(); x.untilAfter(0, text) }

// untilAfter is until for the output after that many bytes.
func (x *terminal) untilAfter(from int, text string) {
	x.t.Helper()
	x.wait(text, func(out string) bool { return strings.Contains(ansi.Strip(out[from:]), text) })
}

// mark is the length of the output so far.
func (x *terminal) mark() int { return len(x.output()) }

func (x *terminal) wait(what string, enough func(out string) bool) {
	x.t.Helper()
	deadline := time.After(waitLimit)
	for {
		x.mu.Lock()
		changed := x.changed
		x.mu.Unlock()
		if enough(x.output()) {
			return
		}
		select {
		case <-changed:
		case <-x.drained:
			if !enough(x.output()) {
				x.t.Fatalf("waited in vain for %q: the terminal has closed", what)
			}
			return
		case <-deadline:
			x.t.Fatalf("waited in vain for %q", what)
		}
	}
}

// settle waits until nothing was written for as long as pause.
func (x *terminal) settle(pause time.Duration) {
	x.t.Helper()
	deadline := time.After(waitLimit)
	for {
		x.mu.Lock()
		changed := x.changed
		x.mu.Unlock()
		select {
		case <-changed:
		case <-time.After(pause):
			return
		case <-deadline:
			x.t.Fatal("the screen never settles")
		}
	}
}

// exit waits for the end and returns the exit code.
func (x *terminal) exit() int {
	x.t.Helper()
	select {
	case <-x.ended:
	case <-time.After(waitLimit):
		_ = x.cmd.Process.Kill()
		x.t.Fatal("chat did not end")
	}
	// Its last output may not have been read yet. It has, once the marker that we
	// write after it has arrived; a closed window has no more output.
	if _, err := x.tty.WriteString(theEnd); err == nil {
		x.wait("its last words", func(string) bool {
			x.mu.Lock()
			defer x.mu.Unlock()
			return bytes.HasSuffix(x.out.Bytes(), []byte(theEnd))
		})
	}
	return x.cmd.ProcessState.ExitCode()
}

// theEnd is the marker that exit writes after the program's output; it has no
// effect.
const theEnd = "\x1b[0m\x1b[m\x1b[0m"

// private are the private modes, and the keyboard protocol's stack.
var private = regexp.MustCompile(`\x1b\[\?([0-9;]+)([hl])|\x1b\[([><])[0-9;]*u|\x1b\[>4;([0-9])m`)

// alternateScroll is the mode by which the wheel sends arrows.
const alternateScroll = "1007"

// modes returns the private modes that out leaves on. Alternate scroll is on by
// default, and only reported where it is off.
func modes(out string) map[string]bool {
	on := map[string]bool{alternateScroll: true}
	for _, m := range private.FindAllStringSubmatch(out, -1) {
		switch {
		case m[3] != "":
			on["kitty keyboard"] = m[3] == ">"
		case m[4] != "":
			on["modifyOtherKeys"] = m[4] != "0"
		default:
			for _, n := range strings.Split(m[1], ";") {
				on[n] = m[2] == "h"
			}
		}
	}
	on["the wheel does nothing"] = !on[alternateScroll]
	delete(on, alternateScroll)
	for name, set := range on {
		if !set {
			delete(on, name)
		}
	}
	return on
}

// restored checks that the terminal is in its initial state: cursor shown,
// everything else off.
func (x *terminal) restored() {
	x.t.Helper()
	on := modes(x.output())
	if !on["25"] {
		x.t.Error("the cursor is hidden")
	}
	delete(on, "25")
	if len(on) > 0 {
		x.t.Errorf("these modes are still on: %v", on)
	}
	x.sameState("after the end")
}

// sameState checks termios.
func (x *terminal) sameState(when string) {
	x.t.Helper()
	now, err := term.GetState(x.tty.Fd())
	if err != nil {
		x.t.Fatal(err)
	}
	if *now != *x.before {
		x.t.Errorf("%s, the terminal's settings are not what they were", when)
	}
}

// neverCleared checks that the screen was only ever painted over.
func (x *terminal) neverCleared() {
	x.t.Helper()
	out := x.output()
	for _, seq := range []string{"\x1b[2J", "\x1b[3J", "\x1bc", "\x1b[J", "\x1b[0J", "\x1b[1J"} {
		if n := strings.Count(out, seq); n > 0 {
			x.t.Errorf("%d times %q", n, seq)
		}
	}
	if started, ended := strings.Count(out, "\x1b[?2026h"), strings.Count(out, "\x1b[?2026l"); started == 0 || started != ended {
		x.t.Errorf("%d synchronized updates begin, and %d end", started, ended)
	}
}
