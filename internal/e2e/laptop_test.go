package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"chat/daemon/model/modeltest"
	"chat/internal/poll"
	"chat/internal/services"
)

// laptop is an empty HOME on a machine where no service runs.
type laptop struct {
	home string
	env  []string
	chat string
}

// newLaptop ends the laptop's daemon, if one was started, with the test.
func newLaptop(t *testing.T, env ...string) *laptop {
	t.Helper()
	home := t.TempDir()
	l := &laptop{home: home, chat: program(t, "chat")}
	l.env = append([]string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TERM=xterm-256color", "LANG=C.UTF-8",
		"CHAT_DISCOVER=off", "GORACE=atexit_sleep_ms=50",
	}, env...)
	t.Cleanup(func() {
		stop := exec.Command(l.chat, "daemon", "stop")
		stop.Env = l.env
		if out, err := stop.CombinedOutput(); err != nil {
			t.Errorf("daemon stop: %v\n%s", err, out)
		}
		log, err := os.ReadFile(filepath.Join(home, ".local/state/chat/daemon.log"))
		if err == nil && (t.Failed() || bytes.Contains(log, []byte("DATA RACE"))) {
			t.Errorf("the daemon said:\n%s", log)
		}
	})
	return l
}

func (l *laptop) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, l.chat, args...)
	cmd.Env, cmd.Dir = l.env, l.home
	return cmd
}

// run runs chat, which must succeed, and returns its stdout.
func (l *laptop) run(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*waitLimit)
	defer cancel()
	cmd := l.command(ctx, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chat %v: %v\n%s%s", args, err, out, stderr.String())
	}
	return string(out)
}

func TestTheFirstCommandOfTheREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	first := regexp.MustCompile(`(?m)^(go run \./cmd/chat send .*?)\s+#`).FindSubmatch(readme)
	if first == nil {
		t.Fatal("the README has no first command")
	}
	l := newLaptop(t)
	sh := exec.CommandContext(t.Context(), "sh", "-c", string(first[1]))
	sh.Dir = "../.."
	sh.Env = append(l.env, append(goEnv(t), "CGO_ENABLED=0")...) // as in task build, which then finds most compiled
	out, err := sh.Output()
	if err != nil || !strings.Contains(string(out), "Why is the sky blue?") || !strings.Contains(string(out), "demo") {
		t.Fatalf("%v\n%s", err, out)
	}
	pid := regexp.MustCompile(`process \d+`)
	one := pid.FindString(l.run(t, "daemon", "status"))
	if out := l.run(t, "send", "--no-stdin", "count to 3"); !strings.Contains(out, "1 2 3") {
		t.Fatalf("the second answer: %s", out)
	}
	if two := pid.FindString(l.run(t, "daemon", "status")); one == "" || one != two {
		t.Fatalf("the first daemon is %q, the second %q", one, two)
	}
	l.run(t, "daemon", "stop")
	if err := l.command(t.Context(), "daemon", "status").Run(); err == nil {
		t.Fatal("the daemon still runs")
	}
}

// goEnv keeps the caches of the machine for a go command in another HOME.
func goEnv(t *testing.T) []string {
	t.Helper()
	var env []string
	for _, k := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GOPATH"} {
		out, err := exec.CommandContext(t.Context(), "go", "env", k).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, k+"="+strings.TrimSpace(string(out)))
	}
	return env
}

func TestVanishAndAttach(t *testing.T) {
	t.Parallel()
	provider := modeltest.New(t)
	l := newLaptop(t, "OPENAI_BASE_URL="+provider.URL, "OPENAI_API_KEY=sk-lying", "CHAT_MODEL=lying")
	id := strings.TrimSpace(l.run(t, "send", "-d", "--no-stdin", "lie: chunks=200 pace=20ms"))
	first := l.command(t.Context(), "attach", id)
	var seen syncBuffer
	first.Stdout = &seen
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the attached client shows the answer live", waitLimit, func() bool { return strings.Contains(seen.String(), "t50 ") })
	if strings.Contains(seen.String(), "t199") {
		t.Fatal("that was not live")
	}
	if err := first.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait() // killed
	again := l.run(t, "attach", id)
	sent := provider.Calls()[0].Sent
	if again != sent+"\n" || sent != modeltest.Answer(1, 200) {
		t.Fatalf("attached again: %d bytes, the provider sent %d", len(again), len(sent))
	}
	if shown := l.run(t, "show", "--json", id); !strings.Contains(shown, fmt.Sprintf("%q", sent)) {
		t.Fatalf("chat show has another text: %s", shown)
	}
	if n := len(provider.Calls()); n != 1 {
		t.Fatalf("%d provider calls", n)
	}
}

func TestFiftyCommandsStartOneDaemon(t *testing.T) {
	l := newLaptop(t, "CHAT_DEMO_SPEED=0")
	var wg sync.WaitGroup
	answers := make([]string, 50)
	failed := make([]error, 50)
	for i := range answers {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*waitLimit)
			defer cancel()
			out, err := l.command(ctx, "send", "--no-stdin", fmt.Sprintf("count to %d", i+100)).CombinedOutput()
			answers[i], failed[i] = string(out), err
		})
	}
	wg.Wait()
	for i, out := range answers {
		if want := fmt.Sprintf("That was %d numbers.", i+100); failed[i] != nil || !strings.Contains(out, want) {
			t.Errorf("%d: %v\n%s", i, failed[i], out)
		}
	}
	log, err := os.ReadFile(filepath.Join(l.home, ".local/state/chat/daemon.log"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(log), "msg=ready"); n != 1 {
		t.Fatalf("%d daemons were started:\n%s", n, log)
	}
	if n := strings.Count(l.run(t, "ps", "-a", "-n", "100", "-q"), "\n"); n != 50 {
		t.Fatalf("%d tasks", n)
	}
}

// screen is chat's screen in a tmux of its own.
type screen struct {
	t      *testing.T
	socket string
}

func (l *laptop) screen(t *testing.T, args ...string) *screen {
	t.Helper()
	s := &screen{t, filepath.Join(t.TempDir(), "tmux")}
	cmd := exec.CommandContext(t.Context(), services.Tool(t, "tmux"), append([]string{
		"-S", s.socket, "-f", "/dev/null", "new-session", "-d", "-x", "90", "-y", "30", l.chat,
	}, args...)...)
	cmd.Env, cmd.Dir = l.env, l.home
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v\n%s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", s.socket, "kill-server").Run() }) // gone already if chat ended
	return s
}

func (s *screen) tmux(args ...string) string {
	s.t.Helper()
	out, err := exec.CommandContext(s.t.Context(), "tmux", append([]string{"-S", s.socket}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (s *screen) waitFor(what string) string {
	s.t.Helper()
	var last string
	if !poll.Until(waitLimit, func() bool { last = s.tmux("capture-pane", "-p"); return strings.Contains(last, what) }) {
		s.t.Fatalf("%q did not come; the screen is\n%s", what, last)
	}
	return last
}

func TestScreenSurvivesItsDaemon(t *testing.T) {
	t.Parallel()
	provider := modeltest.New(t)
	l := newLaptop(t, "OPENAI_BASE_URL="+provider.URL, "OPENAI_API_KEY=sk-lying", "CHAT_MODEL=lying")
	s := l.screen(t)
	s.waitFor("live")
	s.tmux("send-keys", "-l", "lie: chunks=300 pace=20ms")
	s.tmux("send-keys", "Enter")
	t.Logf("streaming:\n%s", s.waitFor("c1t40 "))

	pid := regexp.MustCompile(`process (\d+)`).FindStringSubmatch(l.run(t, "daemon", "status"))
	if pid == nil {
		t.Fatal("no daemon")
	}
	if out, err := exec.CommandContext(t.Context(), "kill", "-9", pid[1]).CombinedOutput(); err != nil {
		t.Fatalf("kill: %v %s", err, out)
	}
	t.Logf("the daemon is dead:\n%s", s.waitFor("reconnecting"))
	t.Logf("made again:\n%s", s.waitFor("c2t40 "))
	end := s.waitFor("c2t299")
	t.Logf("finished:\n%s", end)
	for _, line := range strings.Split(end, "\n") {
		if strings.Contains(line, "c1t") {
			t.Errorf("the first attempt's text is still there: %s", line)
		}
	}
	if got := l.run(t, "attach", "last"); got != modeltest.Answer(2, 300)+"\n" {
		t.Errorf("the record has %d bytes", len(got))
	}
	s.tmux("send-keys", "C-d")
	eventually(t, "chat has ended", waitLimit, func() bool {
		return exec.CommandContext(t.Context(), "tmux", "-S", s.socket, "has-session").Run() != nil
	})
}
