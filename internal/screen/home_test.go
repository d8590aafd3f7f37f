package screen

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chat/daemon/model/modeltest"
)

// waitLimit is how long one step may take before it counts as failed. Only a hang
// takes that long.
const waitLimit = 60 * time.Second

// build builds the program once, as it is released: without the race detector,
// which would distort the measurements.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "chat-screen-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-o", dir, "chat/cmd/chat")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := build(); dir != "" {
		_ = os.RemoveAll(dir)
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// home is an empty HOME with a daemon of its own, which ends with the test.
type home struct {
	t    testing.TB
	dir  string
	env  []string
	chat string
}

func newHome(t testing.TB, env ...string) *home {
	t.Helper()
	dir, err := build()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	h := &home{t: t, dir: t.TempDir(), chat: filepath.Join(dir, "chat")}
	h.env = append([]string{
		"HOME=" + h.dir, "PATH=" + dir + ":" + os.Getenv("PATH"), "TERM=xterm-256color", "LANG=C.UTF-8", "CHAT_DISCOVER=off",
	}, env...)
	t.Cleanup(func() {
		stop := exec.Command(h.chat, "daemon", "stop")
		stop.Env = h.env
		if out, err := stop.CombinedOutput(); err != nil {
			t.Errorf("daemon stop: %v\n%s", err, out)
		}
		if log, err := os.ReadFile(h.log()); err == nil && t.Failed() {
			t.Logf("the daemon said:\n%s", log)
		}
	})
	return h
}

func (h *home) log() string { return filepath.Join(h.dir, ".local/state/chat/daemon.log") }

// lying is a home whose model is a provider that follows directives, and is asked for no titles.
func lying(t *testing.T, env ...string) (*home, *modeltest.Server) {
	t.Helper()
	p := modeltest.New(t)
	return newHome(t, append([]string{"OPENAI_BASE_URL=" + p.URL, "OPENAI_API_KEY=sk-lying", "CHAT_MODEL=lying", "CHATD_TITLES=off"}, env...)...), p
}

func (h *home) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, h.chat, args...)
	cmd.Env, cmd.Dir = h.env, h.dir
	return cmd
}

// run runs chat, which must succeed, and returns its stdout.
func (h *home) run(args ...string) string {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), waitLimit)
	defer cancel()
	cmd := h.command(ctx, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		h.t.Fatalf("chat %v: %v\n%s%s", args, err, out, stderr.String())
	}
	return string(out)
}

// eventually polls cond: another process's state has no event to wait for.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(waitLimit)
	for !cond() {
		select {
		case <-deadline:
			t.Fatalf("not within %s: %s", waitLimit, what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// asked waits until the provider has been asked n times, and returns the last
// prompt.
func asked(t *testing.T, p *modeltest.Server, n int) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	if err := p.Wait(ctx, func(calls []modeltest.Call) bool { return len(calls) >= n }); err != nil {
		t.Fatalf("the provider was asked %d times, not %d", len(p.Calls()), n)
	}
	calls := p.Calls()
	return calls[len(calls)-1].Prompt
}

// kept waits until a draft is on disk.
func (h *home) kept(draft string) {
	h.t.Helper()
	eventually(h.t, "the draft is kept", func() bool {
		files, err := filepath.Glob(filepath.Join(h.dir, ".local/state/chat/drafts/*"))
		if err != nil {
			h.t.Fatal(err)
		}
		for _, name := range files {
			if text, err := os.ReadFile(name); err == nil && bytes.Contains(text, []byte(draft)) {
				return true
			}
		}
		return false
	})
}
