package screen

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"chat/daemon/model/modeltest"
	"chat/internal/poll"
)

// TestTheFirstFrame measures on a terminal that answers no query. The fastest start
// counts: slower ones reflect the machine's load.
func TestTheFirstFrame(t *testing.T) {
	h := newHome(t)
	h.run("daemon", "start")
	const frame, limit = "A new conversation", 100 * time.Millisecond
	best := time.Hour
	for range 20 {
		x := open(t, h.command(t.Context()), frame)
		x.until(frame)
		best = min(best, x.seen(frame))
		x.press("\x04")
		x.exit()
		if best < limit/2 {
			break
		}
	}
	t.Logf("the first frame is there after %s", best.Round(time.Millisecond))
	if best > limit {
		t.Errorf("the first frame takes %s", best)
	}
}

func TestAnIdleScreenWritesNothing(t *testing.T) {
	t.Parallel()
	h, _ := lying(t)
	x := h.terminal()
	x.press("lie: chunks=40\r")
	x.until("c1t39")
	x.settle(2 * time.Second)
	from := x.mark()
	poll.Pause(5 * time.Second) // this is the measurement
	if out := x.output()[from:]; out != "" {
		t.Errorf("%d bytes in 5 s: %q", len(out), out)
	}
	x.press("\x04")
	if code := x.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	x.neverCleared()
	x.restored()
}

// replies are terminals' replies to queries, ours and those of the shell that ran
// before.
var replies = map[string]string{
	"background":         "\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\",
	"background, BEL":    "\x1b]11;rgb:1e1e/1e1e/2e2e\x07",
	"foreground":         "\x1b]10;rgb:dddd/dddd/dddd\x1b\\",
	"palette":            "\x1b]4;1;rgb:cdcd/0000/0000\x1b\\",
	"clipboard":          "\x1b]52;c;aGVsbG8=\x1b\\",
	"device attributes":  "\x1b[?62;22;52c",
	"secondary":          "\x1b[>41;377;0c",
	"tertiary":           "\x1bP!|00000000\x1b\\",
	"cursor":             "\x1b[24;80R",
	"kitty keyboard":     "\x1b[?1u",
	"kitty graphics":     "\x1b_Gi=31;OK\x1b\\",
	"mode":               "\x1b[?2026;2$y",
	"version":            "\x1bP>|tmux 3.4\x1b\\",
	"terminfo":           "\x1bP1+r5463=31\x1b\\",
	"window size":        "\x1b[8;30;90t",
	"colour scheme":      "\x1b[?997;1n",
	"status":             "\x1b[0n",
	"focus":              "\x1b[I",
	"focus lost":         "\x1b[O",
	"a mouse that is on": "\x1b[<35;12;7M",
}

func TestLateRepliesAreNotTyped(t *testing.T) {
	t.Parallel()
	h, p := lying(t)
	x := h.terminal()
	x.press("he")
	for name, reply := range replies {
		t.Log(name)
		x.arrive(reply)
		// From the third byte on: up to there it may be a key.
		for cut := 3; cut < len(reply); cut++ {
			x.arrive(reply[:cut])
			x.arrive(reply[cut:])
		}
	}
	x.press("llo\r")
	if got := asked(t, p, 1); got != "hello" {
		t.Errorf("what was sent is %q", got)
	}
	x.neverCleared()
}

func TestNewlinesAndPastesDoNotSend(t *testing.T) {
	t.Parallel()
	h, p := lying(t)
	x := h.terminal()
	for i, newline := range []string{"\x1b[13;2u", "\x1b[27;2;13~", "\x1b\r", "\n"} {
		x.press("one" + newline + "two\r")
		if got := asked(t, p, i+1); got != "one\ntwo" {
			t.Errorf("with %q, %q was sent", newline, got)
		}
		x.until(fmt.Sprintf("c%dt9", i+1))
		x.settle(100 * time.Millisecond)
	}
	x.arrive("\x1b[200~first\rsecond\r\nthi")
	x.arrive("rd\n\x1b[2")
	x.arrive("01~")
	x.settle(100 * time.Millisecond)
	if n := len(p.Calls()); n != 4 {
		t.Errorf("a paste was sent: %q", p.Calls()[n-1].Prompt)
	}
	x.press("\r")
	if got := asked(t, p, 5); strings.TrimSpace(got) != "first\nsecond\nthird" {
		t.Errorf("what was pasted and sent is %q", got)
	}
}

func TestClosedWindowLosesNothing(t *testing.T) {
	t.Parallel()
	h, p := lying(t)
	x := h.terminal()
	x.press("lie: chunks=60 gate\r")
	asked(t, p, 1)
	p.Step(20)
	x.until("c1t19")
	x.press("half a thought")
	x.until("half a thought")
	x.hangUp()
	x.exit()
	p.Step(100)
	if got := h.run("attach", "last"); got != modeltest.Answer(1, 60)+"\n" {
		t.Errorf("the answer is %q", got)
	}
	id := regexp.MustCompile(`(?m)^[0-9a-f]{8}`).FindString(h.run("ls"))
	again := h.terminal("-r", id)
	again.until("half a thought")
	again.until("c1t59")
	if n := len(p.Calls()); n != 1 {
		t.Errorf("%d calls of the provider", n)
	}
}

func TestThemes(t *testing.T) {
	t.Parallel()
	h := newHome(t, "CHAT_THEME=light")
	x := h.terminal()
	if out := x.output(); strings.Contains(out, "\x1b]11;?") || !strings.Contains(out, "\x1b[38;5;") {
		t.Errorf("that is not the light theme: %q", out)
	}
	x.press("\x04")
	x.exit()
	wrong := h.command(t.Context())
	wrong.Env = append(wrong.Env, "CHAT_THEME=pink")
	y := open(t, wrong)
	if code := y.exit(); code != 2 {
		t.Errorf("exit code %d", code)
	}
	y.until(`there is no theme "pink": use auto, dark, light, ansi16 or none`)
}
