package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"chat/daemon/local"
	"chat/daemon/model/modeltest"
	"chat/internal/cli/connect"
	"chat/internal/poll"
)

func TestMain(m *testing.M) {
	testscript.Main(leakFree{m}, map[string]func(){"chat": main})
}

// leakFree runs the tests and then looks for goroutines that nobody awaited.
type leakFree struct{ m *testing.M }

func (l leakFree) Run() int {
	code := l.m.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestScripts plays the stories in testdata/script, each in a home of its own
// with a daemon of its own. $LIAR is the URL of a provider that lies on command, and
// $TIGHT that of one whose model "limited" accepts 4,000 tokens.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Deadline:            time.Now().Add(10 * time.Minute),
		Setup:               setup,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"interrupt": interrupt,
			"exits":     exits,
			"killd":     killDaemon,
			"until":     until,
			"begin":     begin,
			"quiet":     quiet,
			"tty":       onTTY,
		},
	})
}

func setup(e *testscript.Env) error {
	for name, value := range map[string]string{
		"HOME": e.WorkDir, "XDG_DATA_HOME": filepath.Join(e.WorkDir, "data"), "XDG_STATE_HOME": filepath.Join(e.WorkDir, "state"),
		"XDG_CONFIG_HOME": filepath.Join(e.WorkDir, "config"), "XDG_RUNTIME_DIR": "", "CHAT_DISCOVER": "off",
		"CHAT_DEMO_SPEED": "0", "GORACE": "atexit_sleep_ms=0", "TERM": "xterm",
	} {
		e.Setenv(name, value)
	}
	liar := modeltest.NewServer()
	server := httptest.NewServer(liar)
	e.Setenv("LIAR", server.URL+"/v1")
	e.Defer(func() {
		liar.Close()
		server.CloseClientConnections()
		server.Close()
	})
	tight := modeltest.StartLimited(4000, modeltest.Refusals()[0])
	e.Setenv("TIGHT", tight.URL+"/v1")
	e.Defer(func() {
		tight.CloseClientConnections()
		tight.Close()
	})
	s, err := starterIn(e.Getenv)
	if err != nil {
		return err
	}
	e.Defer(func() {
		if _, err := s.Stop(context.Background(), true); err != nil {
			e.T().Log("stop the daemon:", err)
		}
	})
	return nil
}

func starterIn(getenv func(string) string) (*local.Starter, error) {
	paths, err := local.FindPaths(func(name string) (string, bool) {
		v := getenv(name)
		return v, v != ""
	})
	return &local.Starter{Paths: paths, Protocol: connect.ProtocolRange()}, err
}

// exits checks the exit code: exits CODE PROGRAM ARGS…
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		exit, ok := err.(*exec.ExitError) //nolint:errorlint // Exec returns it bare
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// interrupt runs a program and sends it SIGNAL once FILE is not empty; its
// stdout goes to FILE and its stderr to FILE.err: interrupt CODE SIGNAL FILE PROGRAM ARGS…
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: interrupt CODE SIGNAL FILE PROGRAM ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	sig := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}[args[1]]
	out, err := os.Create(ts.MkAbs(args[2]))
	ts.Check(err)
	defer func() { _ = out.Close() }() // the program writes to a copy of its own
	stderr, err := os.Create(ts.MkAbs(args[2] + ".err"))
	ts.Check(err)
	defer func() { _ = stderr.Close() }() // the program writes to a copy of its own
	path, err := exec.LookPath(args[3])
	ts.Check(err)
	cmd := exec.Command(path, args[4:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = ts.MkAbs("."), out, stderr, passedOn(ts)
	ts.Check(cmd.Start())
	waitFor(ts, "output in "+args[2], func() bool {
		i, err := os.Stat(ts.MkAbs(args[2]))
		return err == nil && i.Size() > 0
	})
	ts.Check(cmd.Process.Signal(sig))
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != want {
		ts.Fatalf("exit code %d, want %d", cmd.ProcessState.ExitCode(), want)
	}
}

// killDaemon kills the daemon in the middle of whatever it does.
func killDaemon(ts *testscript.TestScript, _ bool, _ []string) {
	s, err := starterIn(ts.Getenv)
	ts.Check(err)
	st, err := s.Status(context.Background())
	ts.Check(err)
	if st.PID == 0 {
		ts.Fatalf("no daemon: %+v", st)
	}
	ts.Check(syscall.Kill(st.PID, syscall.SIGKILL))
}

// begin sets $BEGIN to the first N characters of a line of FILE: begin FILE LINE N.
func begin(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: begin FILE LINE N")
	}
	line, err := strconv.Atoi(args[1])
	ts.Check(err)
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	lines := strings.Split(ts.ReadFile(args[0]), "\n")
	if line > len(lines) || n > len(lines[line-1]) {
		ts.Fatalf("%s has no %d characters in line %d", args[0], n, line)
	}
	ts.Setenv("BEGIN", lines[line-1][:n])
}

// quiet requires that the last program wrote nothing to stderr, except that a daemon takes
// long to start, which depends on the machine.
func quiet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: quiet")
	}
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		if !strings.HasPrefix(line, "chat: the local daemon is starting") {
			ts.Fatalf("on stderr: %s", line)
		}
	}
}

// until repeats a program until it succeeds.
func until(ts *testscript.TestScript, _ bool, args []string) {
	waitFor(ts, fmt.Sprint(args), func() bool { return ts.Exec(args[0], args[1:]...) == nil })
}

func waitFor(ts *testscript.TestScript, what string, ok func() bool) {
	if !poll.Until(30*time.Second, ok) {
		ts.Fatalf("never: %s", what)
	}
}
