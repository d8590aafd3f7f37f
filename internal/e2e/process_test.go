package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"chat/internal/services"
)

// waitLimit is how long one step may take before it counts as failed.
const waitLimit = 60 * time.Second

// build makes the programs once, with the race detector on.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "chat-e2e-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-race", "-o", dir, "chat/cmd/chat", "chat/cmd/chatd")
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
	os.Exit(code)
}

func program(t *testing.T, name string) string {
	t.Helper()
	dir, err := build()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	return filepath.Join(dir, name)
}

// process is a program that can be killed and restarted.
type process struct {
	name string
	args []string
	env  []string

	cmd  *exec.Cmd
	done chan struct{}
	log  *syncBuffer
}

// startProcess starts a program that ends with the test. A data race in it, or
// an unexpected end, fails the test.
func startProcess(t *testing.T, path string, args, env []string) *process {
	t.Helper()
	p := &process{name: path, args: args, env: env, log: &syncBuffer{}}
	p.start(t)
	t.Cleanup(func() {
		p.end(t, syscall.SIGTERM)
		if s := p.log.String(); strings.Contains(s, "DATA RACE") {
			t.Errorf("%s %v raced:\n%s", filepath.Base(p.name), p.args, s)
		} else if t.Failed() {
			t.Logf("%s %v said:\n%s", filepath.Base(p.name), p.args, s)
		}
	})
	return p
}

func (p *process) start(t *testing.T) {
	t.Helper()
	p.cmd = exec.Command(p.name, p.args...)
	p.cmd.Env = append(p.env, "PATH="+os.Getenv("PATH"), "GORACE=atexit_sleep_ms=100")
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Dir = t.TempDir()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		_ = cmd.Wait() // how it ended is in the log
		close(done)
	}(p.cmd, p.done)
}

// end ends the process by sig and waits; one that does not end is killed.
func (p *process) end(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	select {
	case <-p.done:
	case <-time.After(waitLimit):
		t.Errorf("%s did not end", p.name)
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

func (p *process) kill(t *testing.T) { t.Helper(); p.end(t, syscall.SIGKILL) }

// syncBuffer is a bytes.Buffer for concurrent use.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// eventually polls cond: another process's state has no event to wait for.
func eventually(t *testing.T, what string, limit time.Duration, cond func() bool) {
	t.Helper()
	deadline := time.After(limit)
	for !cond() {
		select {
		case <-deadline:
			t.Fatalf("not within %s: %s", limit, what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	address, err := services.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// answers reports whether url returns 200.
func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}
