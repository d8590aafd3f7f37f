package e2e

import (
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/creack/pty"
)

const emptyProgram = "package main\n\nfunc main() {}\n"

// TestStartUp compares the quick commands with an empty Go program, on a terminal
// that answers no queries: no command may wait for a reply, and no import may do
// work that only another command needs.
func TestStartUp(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(emptyProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	for program, source := range map[string]string{"empty": dir + "/main.go", "chat": "chat/cmd/chat"} {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", filepath.Join(dir, program), source)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as in task build, which then finds most compiled
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", source, err, out)
		}
	}
	floor := least(t, dir+"/empty")
	for _, arg := range []string{"version", "--help"} {
		took := least(t, dir+"/chat", arg)
		t.Logf("chat %s takes %s more than an empty program", arg, took-floor)
		if took-floor > 50*time.Millisecond {
			t.Errorf("chat %s takes %s more than an empty program, which takes %s", arg, took-floor, floor)
		}
	}
}

// least is the time of the fastest of many runs on a silent terminal, which
// excludes the machine's other work.
func least(t *testing.T, name string, args ...string) time.Duration {
	t.Helper()
	quickest := time.Duration(math.MaxInt64)
	for range 30 {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Env = []string{"TERM=xterm-256color", "HOME=" + t.TempDir()}
		start := time.Now()
		f, err := pty.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, f) // EIO is how a terminal's end shows
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		quickest = min(quickest, time.Since(start))
		_ = f.Close()
	}
	return quickest
}
