package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"chat/daemon/model/modeltest"
	"chat/internal/services"
)

// Token is the bearer token of every server.
const Token = "chat_clients_0123456789abcdef0123456789"

// readyTimeout bounds one question whether chatd is ready.
const readyTimeout = 5 * time.Second

// build makes the programs once.
//
//nolint:gochecknoglobals // one program for all tests
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "chat-clients-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-o", dir, "chat/cmd/chat", "chat/cmd/chatd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as in task build, which then finds most compiled
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%w\n%s", err, out)
	}
	return dir, nil
})

// Main runs the tests of a package, deletes what they built, and returns the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	if dir, _ := build(); dir != "" {
		_ = os.RemoveAll(dir)
	}
	return code
}

// Stand is chatd with its provider.
type Stand struct {
	URL      string // of the API, without a path
	Provider *modeltest.Server
	Redis    *services.RedisServer // nil with embedded engines

	api, worker *program // the same one with embedded engines
}

// Start starts one chatd with embedded engines.
func Start(t testing.TB, env ...string) *Stand {
	t.Helper()
	s, env := prepare(t, env)
	s.api = s.start(t, env, "--role", "all", "--listen", "tcp://"+s.URL[len("http://"):])
	s.worker = s.api
	return s
}

// StartCluster starts an API process and a worker, with PostgreSQL and Redis.
func StartCluster(t testing.TB, env ...string) *Stand {
	t.Helper()
	s, env := prepare(t, env)
	s.Redis = services.StartRedis(t)
	env = append([]string{"DATABASE_URL=" + services.Postgres(t), "REDIS_URL=" + s.Redis.URL(), "CHATD_LEASE=3s"}, env...)
	s.api = s.start(t, env, "--role", "api", "--listen", "tcp://"+s.URL[len("http://"):])
	s.worker = s.start(t, env, "--role", "worker")
	return s
}

func prepare(t testing.TB, env []string) (*Stand, []string) {
	t.Helper()
	address, err := services.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := &Stand{URL: "http://" + address, Provider: modeltest.New(t)}
	home := t.TempDir()
	return s, append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "CHATD_TOKEN=" + Token, "CHAT_DISCOVER=off",
		"OPENAI_BASE_URL=" + s.Provider.URL, "OPENAI_API_KEY=sk-lying", "CHAT_MODEL=lying",
	}, env...)
}

// program is a chatd that can be killed and started again.
type program struct {
	command services.Command
	url     string // of its API; "" if it has none
	process *services.Process
	log     syncBuffer
}

func (s *Stand) start(t testing.TB, env []string, args ...string) *program {
	t.Helper()
	dir, err := build()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	p := &program{command: services.Command{Path: filepath.Join(dir, "chatd"), Args: args, Env: env, Dir: t.TempDir()}}
	p.command.Log = &p.log
	if len(args) > 2 { // it listens
		p.url = s.URL
	}
	if err := p.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.process.Stop(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("chatd %v:\n%s", args, p.log.String())
		}
	})
	return p
}

// start starts the program and waits until it answers.
func (p *program) start(ctx context.Context) (err error) {
	if p.process, err = p.command.Start(); err != nil || p.url == "" {
		return err
	}
	client := &http.Client{Timeout: readyTimeout}
	return p.process.Ready(ctx, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/readyz", nil)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz: %s", res.Status)
		}
		return nil
	})
}

// restart kills the program, as a crash does, and starts it again.
func (p *program) restart(ctx context.Context) error {
	if err := p.process.Stop(syscall.SIGKILL); err != nil {
		return err
	}
	return p.start(ctx)
}

// RestartAPI kills the API process with SIGKILL and starts it again.
func (s *Stand) RestartAPI(ctx context.Context) error { return s.api.restart(ctx) }

// RestartWorker kills the worker with SIGKILL and starts another one.
func (s *Stand) RestartWorker(ctx context.Context) error { return s.worker.restart(ctx) }

// Chat runs the command line of chat against the server, without a terminal, and returns its
// exit code and all its output.
func (s *Stand) Chat(t testing.TB, args ...string) (code int, out string) {
	t.Helper()
	dir, err := build()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "chat"), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "CHAT_HOST=" + s.URL, "CHAT_TOKEN=" + Token}
	said, err := cmd.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(said)
}

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
