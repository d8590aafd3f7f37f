package screen

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"chat/daemon/model/modeltest"
)

// TestTerminalIsRestored leaves in every way while an answer is running and the
// mouse is on.
func TestTerminalIsRestored(t *testing.T) {
	t.Parallel()
	h, p := lying(t)
	send := func(sig syscall.Signal) func(*terminal) {
		return func(x *terminal) {
			if err := x.cmd.Process.Signal(sig); err != nil {
				x.t.Fatal(err)
			}
		}
	}
	calls := 0
	for name, way := range map[string]struct {
		leave func(*terminal)
		code  int
	}{
		"ctrl+d":       {func(x *terminal) { x.press("\x04") }, 0},
		"ctrl+c twice": {func(x *terminal) { x.press("\x03"); x.until("Stopped."); x.press("\x03\x03") }, 0},
		"SIGINT":       {send(syscall.SIGINT), 130},
		"SIGTERM":      {send(syscall.SIGTERM), 143},
		"SIGHUP":       {send(syscall.SIGHUP), 129},
	} {
		x := h.terminal()
		x.press("\x19lie: chunks=9 hang=5\r")
		calls++
		asked(t, p, calls)
		x.until("t4")
		for _, mode := range []string{"1049", "1004", "2004", "1006", "the wheel does nothing"} {
			if !modes(x.output())[mode] {
				t.Errorf("mode %s is not on", mode)
			}
		}
		way.leave(x)
		if code := x.exit(); code != way.code {
			t.Errorf("%s: exit code %d, not %d", name, code, way.code)
		}
		x.restored()
		x.neverCleared()
		if t.Failed() {
			t.Fatalf("after %s: %q", name, x.output())
		}
		h.run("stop", "--all")
	}
}

// TestSignalAlwaysEnds sends it repeatedly: two handlers of the signal must not
// wait for each other.
func TestSignalAlwaysEnds(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for range 12 {
		x := h.terminal()
		if err := x.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if code := x.exit(); code != 143 {
			t.Fatalf("exit code %d", code)
		}
		x.restored()
	}
}

// TestSuspended suspends chat with its key under a shell, types in the shell, and
// resumes chat.
func TestSuspended(t *testing.T) {
	t.Parallel()
	h, p := lying(t)
	h.run("daemon", "start")
	script := filepath.Join(h.dir, "job.sh")
	text := "set -m; chat; echo suspended; stty -a; read line; echo \"read $line\"; fg; echo \"left $?\"\n"
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sh := h.command(t.Context())
	sh.Path, sh.Args = "/bin/sh", []string{"sh", script}
	x := open(t, sh)
	x.until("live")
	x.press("\x19lie: chunks=60 gate\r")
	asked(t, p, 1)
	p.Step(10)
	x.until("c1t9")
	x.press("half a thought")
	x.until("half a thought")
	x.press("\x1a")
	x.until("suspended")
	if on := modes(x.output()); len(on) != 1 || !on["25"] {
		t.Errorf("while suspended, these modes are on: %v", on)
	}
	x.until("iexten")
	if out := ansi.Strip(x.output()); !strings.Contains(out, " icanon") || !strings.Contains(out, " echo ") || !strings.Contains(out, "isig") {
		t.Errorf("while suspended, the terminal is raw")
	}
	from := x.mark()
	p.Step(20)
	x.press("a line\r")
	x.untilAfter(from, "read a line")
	x.untilAfter(from, "half a thought")
	x.untilAfter(from, "c1t29")
	for _, mode := range []string{"1049", "1004", "2004", "1006", "the wheel does nothing"} {
		x.wait("mode "+mode+" to be on again", func(out string) bool { return modes(out)[mode] })
	}
	p.Step(30)
	x.untilAfter(from, "c1t59")
	x.press("\x15\x04")
	x.untilAfter(from, "left 0")
	x.exit()
	x.restored()
	x.neverCleared()
}

// TestTheEditorHasTheTerminal opens $EDITOR, which finds the terminal in its
// initial state.
func TestTheEditorHasTheTerminal(t *testing.T) {
	t.Parallel()
	p := modeltest.New(t)
	h := newHome(t, "OPENAI_BASE_URL="+p.URL, "OPENAI_API_KEY=sk-lying", "CHAT_MODEL=lying", "EDITOR=ed.sh")
	script := "#!/bin/sh\necho editing\nread line\nread line2\necho \"$line $line2\" > \"$1\"\n"
	if err := os.WriteFile(filepath.Join(h.dir, "ed.sh"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	h.env = append(h.env, "PATH="+h.dir+":"+os.Getenv("PATH"))
	x := h.terminal()
	x.press("\x19\x0f")
	x.until("editing")
	if on := modes(x.output()); len(on) != 1 || !on["25"] {
		t.Errorf("in the editor, these modes are on: %v", on)
	}
	x.sameState("in the editor")
	from := x.mark()
	x.press("from the\reditor\r")
	x.untilAfter(from, "live")
	x.untilAfter(from, "> from the editor")
	for _, mode := range []string{"1049", "1004", "2004", "1006", "the wheel does nothing"} {
		x.wait("mode "+mode+" to be on again", func(out string) bool { return modes(out)[mode] })
	}
	x.press("\r")
	if got := strings.TrimSpace(asked(t, p, 1)); got != "from the editor" {
		t.Errorf("%q was sent", got)
	}
	x.press("\x04")
	x.exit()
	x.restored()
}

// TestKilledInTheMiddle kills the client with SIGKILL, and reads the answer in two
// ways.
func TestKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	h, p := lying(t)
	x := h.terminal()
	x.press("lie: chunks=100 gate\r")
	asked(t, p, 1)
	p.Step(40)
	x.until("c1t39")
	x.press("half a thought")
	x.until("half a thought")
	h.kept("half a thought")
	if err := x.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	x.exit()
	p.Step(20)
	id := strings.Fields(h.run("ps", "-q"))[0]
	again := h.terminal("-c")
	again.until("c1t59")
	again.until("half a thought")
	follower := open(t, h.command(t.Context(), "attach", "--raw", id))
	follower.until("c1t59")
	p.Step(60)
	again.until("c1t99")
	if code := follower.exit(); code != 0 {
		t.Errorf("attach ended with %d", code)
	}
	follower.settle(50 * time.Millisecond)
	if got := strings.Join(strings.Fields(follower.output()), " "); got != strings.TrimSpace(modeltest.Answer(1, 100)) {
		t.Errorf("attached: %q", got)
	}
	if n := len(p.Calls()); n != 1 {
		t.Errorf("%d calls of the provider", n)
	}
	if got := h.run("attach", id); got != modeltest.Answer(1, 100)+"\n" {
		t.Errorf("afterwards: %q", got)
	}
}
