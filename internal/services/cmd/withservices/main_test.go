package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// asProgram makes the test binary be the program itself.
const asProgram = "CHAT_TEST_RUN_WITHSERVICES"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "TMPDIR="+shortDir(t))
	return cmd
}

// shortDir is a directory that another user may enter: root's servers run as
// one.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ws-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func tmpdir(cmd *exec.Cmd) string {
	for _, v := range slices.Backward(cmd.Env) {
		if dir, ok := strings.CutPrefix(v, "TMPDIR="); ok {
			return dir
		}
	}
	return ""
}

// left lists the files and the servers that cmd has not cleaned up.
func left(t *testing.T, cmd *exec.Cmd, redisURL string) {
	t.Helper()
	if found, err := filepath.Glob(filepath.Join(tmpdir(cmd), "*")); err != nil || len(found) > 0 {
		t.Errorf("not cleaned up: %v, %v", found, err)
	}
	addr := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(redisURL), "redis://"), "/0")
	host, port, _ := strings.Cut(addr, ":")
	if out, err := exec.Command("redis-cli", "-h", host, "-p", port, "ping").CombinedOutput(); err == nil {
		t.Errorf("the Redis server at %q still answers: %s", addr, out)
	}
}

func TestCommandGetsServicesAndExitCodeIsReturned(t *testing.T) {
	cmd := program(t, "sh", "-c", `
		redis-cli -u "$CHAT_TEST_REDIS" ping >&2
		test -d "$CHAT_TEST_NODE_MODULES/eventsource" || exit 1
		case $CHAT_TEST_POSTGRES in postgres://*) ;; *) exit 2;; esac
		echo "$CHAT_TEST_REDIS"; exit 42`)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if code := cmd.ProcessState.ExitCode(); code != 42 {
		t.Errorf("exit code %d, %v: %s", code, err, &stderr)
	}
	if !strings.Contains(stderr.String(), "PONG") {
		t.Errorf("Redis did not answer the command: %s", &stderr)
	}
	left(t, cmd, string(out))
}

func TestSignalReachesCommandAndCleansUp(t *testing.T) {
	cmd := program(t, "sh", "-c", `trap 'exit 7' TERM; echo "$CHAT_TEST_REDIS"; while :; do read -r _ || :; done`)
	stdin, err := cmd.StdinPipe() // keeps the command waiting
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.WaitDelay = time.Minute
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 256)
	n, err := stdout.Read(line) // the command runs
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// The shell sees the signal once its read ends.
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 7 {
		t.Errorf("exit code %d, %v; want the command's", code, err)
	}
	left(t, cmd, string(line[:n]))
}

func TestMissingCommandIsReported(t *testing.T) {
	cmd := program(t, "no-such-command")
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != exitSetup || !strings.Contains(string(out), "no-such-command") {
		t.Errorf("exit code %d, %v: %s", code, err, out)
	}
	left(t, cmd, "redis://127.0.0.1:1/0")
}

func TestUsageWithoutACommand(t *testing.T) {
	out, err := program(t).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "usage: withservices") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestOnlyMissingToolsAreInstalled(t *testing.T) {
	yes, no := func() bool { return true }, func() bool { return false }
	what, packages := missing([]need{
		{"here", []string{"a"}, yes}, {"gone", []string{"c", "b"}, no}, {"too", []string{"b"}, no},
	})
	if !slices.Equal(what, []string{"gone", "too"}) || !slices.Equal(packages, []string{"b", "c"}) {
		t.Errorf("missing %v, install %v", what, packages)
	}
}
