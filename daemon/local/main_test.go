package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chat"
	"chat/daemon/client"
	"chat/internal/poll"
)

// The test binary plays the other processes too; this variable says which.
const roleVariable = "CHAT_LOCAL_TEST_ROLE"

func TestMain(m *testing.M) {
	role, args, _ := strings.Cut(os.Getenv(roleVariable), " ")
	switch role {
	case "":
		goleak.VerifyTestMain(m)
	case "daemon":
		os.Exit(exit(playDaemon(args)))
	case "start":
		os.Exit(exit(playStarter()))
	default:
		fmt.Fprintln(os.Stderr, "unknown role", role)
		os.Exit(2)
	}
}

func exit(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// playDaemon serves /hello and /shutdown. how changes the way it does.
func playDaemon(how string) error {
	paths, err := FindPaths(os.LookupEnv)
	if err != nil {
		return err
	}
	fmt.Println("daemon", os.Getpid(), "starts")
	protocol := client.Range{Min: 1, Max: 1}
	wait := 10 * time.Second
	if n, ok := strings.CutPrefix(how, "protocol="); ok {
		v, err := strconv.Atoi(n)
		if err != nil {
			return err
		}
		protocol = client.Range{Min: v, Max: v}
	}
	switch how {
	case "mute":
		os.Exit(0)
	case "impatient":
		wait = 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return ServeChild(context.Background(), ctx.Done(), ServeOptions{
		Paths: paths, Protocol: protocol, Version: "test", LockWait: wait,
		Instance: strconv.Itoa(os.Getpid()),
		Run: func(ctx context.Context, stop <-chan struct{}, l net.Listener, ready func()) error {
			switch how {
			case "broken":
				fmt.Println("the disk is on fire")
				return chat.Errorf(chat.CodeStorage, "the database file is damaged")
			case "busy":
				return serveHello(ctx, stop, l, ready, protocol, false)
			}
			return serveHello(ctx, stop, l, ready, protocol, true)
		},
	})
}

// serveHello is the smallest server that a Starter accepts.
func serveHello(ctx context.Context, stop <-chan struct{}, l net.Listener, ready func(), p client.Range, idle bool) error {
	ended := make(chan struct{})
	var once sync.Once
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(client.Hello{Instance: "i", Version: "test", Protocol: p, State: client.StateReady, PID: os.Getpid()})
	})
	mux.HandleFunc("POST /shutdown", func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Now bool }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		if body.Now || idle {
			once.Do(func() { close(ended) })
		}
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	ready()
	select {
	case <-stop:
	case <-ended:
	case <-ctx.Done():
	}
	down, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := server.Shutdown(down)
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// playStarter prints the pid of the daemon that it is served by.
func playStarter() error {
	paths, err := FindPaths(os.LookupEnv)
	if err != nil {
		return err
	}
	s := &Starter{Paths: paths, Protocol: client.Range{Min: 1, Max: 1}}
	if err := os.Setenv(roleVariable, "daemon"); err != nil {
		return err
	}
	e, err := s.Endpoint(context.Background())
	if err != nil {
		return err
	}
	c := client.New(client.At(e), client.Options{})
	defer c.Close()
	h, err := c.Hello(context.Background())
	fmt.Println(h.PID)
	return err
}

// home gives the test directories of its own and returns a starter whose daemon
// is played as how.
func home(t *testing.T, how string) *Starter {
	t.Helper()
	dir := t.TempDir()
	for _, v := range []string{"XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(v, filepath.Join(dir, v))
	}
	run, err := os.MkdirTemp("", "r")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", run)
	t.Setenv(roleVariable, strings.TrimSpace("daemon "+how))
	t.Setenv("GORACE", "atexit_sleep_ms=0") // a daemon would outlive its end by a second
	paths, err := FindPaths(os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	s := &Starter{
		Paths: paths, Protocol: client.Range{Min: 1, Max: 1},
		StartTimeout: 30 * time.Second, Notice: func(n string) { t.Log("notice:", n) },
	}
	t.Cleanup(func() {
		id, held, err := holder(s.Paths.lockFile())
		if err != nil {
			t.Error(err)
		}
		if _, err := s.Stop(context.Background(), true); err != nil {
			t.Error(err)
		}
		if held && id != os.Getpid() { // it lets go of the lock before it exits
			eventually(t, "the daemon exits", func() bool { return syscall.Kill(id, 0) != nil })
		}
		if err := os.RemoveAll(run); err != nil {
			t.Error(err)
		}
	})
	return s
}

// pid starts or finds the daemon and returns its pid.
func pid(t *testing.T, s *Starter) int {
	t.Helper()
	e, err := s.Endpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := client.New(client.At(e), client.Options{})
	defer c.Close()
	h, err := c.Hello(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h.PID
}

// other runs the test binary in a role.
func other(t *testing.T, role string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	return cmd
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !poll.Until(10*time.Second, ok) {
		t.Fatalf("never: %s", what)
	}
}

// suspend stops a process and waits until it stands still: its threads stop one
// after the other, each when it runs again.
func suspend(t *testing.T, id int) {
	t.Helper()
	if err := syscall.Kill(id, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	standing := func() bool {
		states, err := filepath.Glob("/proc/" + strconv.Itoa(id) + "/task/*/stat")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range states { // none on a system without /proc, which is taken at its word
			stat, err := os.ReadFile(path)
			if err != nil {
				continue // a thread that is gone does not run
			}
			_, state, _ := strings.Cut(string(stat), ") ")
			if !strings.HasPrefix(state, "T") {
				return false
			}
		}
		return true
	}
	for !standing() {
		runtime.Gosched()
	}
}
