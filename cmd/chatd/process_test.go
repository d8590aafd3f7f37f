package main

import (
	"bytes"
	"errors"
	"io"
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

const (
	patience = 30 * time.Second
	token    = "chat_0123456789abcdef0123456789abcdef"
	asChatd  = "CHATD_TEST_AS_PROGRAM"
)

// TestMain is chatd itself in the processes that tests start.
func TestMain(m *testing.M) {
	if os.Getenv(asChatd) != "" {
		main()
	}
	code := m.Run()
	if path, err := public(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// process is a chatd.
type process struct {
	*testing.T
	cmd   *exec.Cmd
	log   *output
	ended chan struct{}
}

// output is what a process has written.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// chatd starts one with exactly these variables, in dir, as nobody if the tests run as
// root, for whom every directory is open.
func chatd(t *testing.T, dir string, env map[string]string, args ...string) *process {
	t.Helper()
	p := &process{T: t, cmd: exec.Command(program(t), args...), log: &output{}, ended: make(chan struct{})}
	p.cmd.Env = []string{asChatd + "=1"}
	for k, v := range env {
		p.cmd.Env = append(p.cmd.Env, k+"="+v)
	}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p.log, p.log
	if os.Geteuid() == 0 {
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // unless it has ended
		<-p.ended
		if t.Failed() {
			t.Logf("chatd %v in %s with %v said:\n%s", args, dir, env, p.log)
		}
	})
	return p
}

// public is a copy of this test's own program, where everybody may run it.
var public = sync.OnceValues(func() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "chatd-test-")
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(self)
	to := filepath.Join(dir, "chatd")
	return to, errors.Join(err, os.Chmod(dir, 0o755), os.WriteFile(to, data, 0o755)) // for nobody to run
})

func program(t *testing.T) string {
	t.Helper()
	path, err := public()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// own makes a directory that the processes own.
func own(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "chatd-own-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode))
	if os.Geteuid() == 0 {
		err = errors.Join(err, os.Chown(path, 65534, 65534))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// says waits until the log holds what.
func (p *process) says(what string) {
	p.Helper()
	p.eventually("it says "+what, func() bool { return strings.Contains(p.log.String(), what) })
}

func (p *process) eventually(what string, is func() bool) {
	p.Helper()
	for deadline := time.After(patience); !is(); {
		select {
		case <-p.ended:
			if !is() {
				p.Fatalf("it has ended (%v), and never: %s\n%s", p.cmd.ProcessState, what, p.log)
			}
			return
		case <-deadline:
			p.Fatalf("never: %s\n%s", what, p.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (p *process) signal(s syscall.Signal) {
	p.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.Fatal(err)
	}
}

// exits waits for its end with a code.
func (p *process) exits(code int) string {
	p.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.Fatalf("it does not end\n%s", p.log)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.Errorf("exit code %d, want %d", got, code)
	}
	return p.log.String()
}

// get is the status of a call with a token, 0 if there is none.
func (p *process) get(address, path, token string) int {
	p.Helper()
	req, err := http.NewRequestWithContext(p.Context(), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		p.Fatal(err)
	}
	req.Close = true
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode
}

// body is what a call without a token answers.
func (p *process) body(address, path string) string {
	p.Helper()
	req, err := http.NewRequestWithContext(p.Context(), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		p.Fatal(err)
	}
	req.Close = true
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		p.Fatal(err)
	}
	data, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		p.Fatal(err)
	}
	return string(data)
}

func (p *process) serves(address string) {
	p.Helper()
	p.eventually("it serves "+address, func() bool { return p.get(address, "/readyz", "") == http.StatusOK })
}

func free(t *testing.T) string {
	t.Helper()
	address, err := services.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o755); err != nil { // settings are no secret here
		t.Fatal(err)
	}
}
