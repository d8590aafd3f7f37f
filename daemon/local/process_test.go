package local

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"chat"
)

// killed starts a daemon, kills it, and returns its process id and what it left.
func killed(t *testing.T, s *Starter) (int, Info) {
	t.Helper()
	id := pid(t, s)
	i, err := readInfo(s.Paths)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(id, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lock is free", func() bool { _, held, err := holder(s.Paths.lockFile()); return err == nil && !held })
	return id, i
}

// A daemon that was killed leaves its process id behind, and the system gives it
// to somebody else: here to the test itself, which would not survive a signal.
func TestAReusedProcessIDIsIgnored(t *testing.T) {
	s := home(t, "")
	first, i := killed(t, s)
	i.PID = os.Getpid()
	if err := errors.Join(writeInfo(s.Paths, i), os.WriteFile(s.Paths.lockFile(), []byte(strconv.Itoa(i.PID)), 0o600)); err != nil {
		t.Fatal(err)
	}
	if st, err := s.Status(t.Context()); err != nil || st.Running {
		t.Errorf("%+v, %v", st, err)
	}
	if stopped, err := s.Stop(t.Context(), true); err != nil || stopped {
		t.Errorf("%v, %v", stopped, err)
	}
	if now := pid(t, s); now == first || now == os.Getpid() {
		t.Errorf("process %d is taken for the daemon", now)
	}
}

func TestATimeoutIsNotDeath(t *testing.T) {
	s := home(t, "")
	id := pid(t, s)
	suspend(t, id)
	s.HelloTimeout, s.BusyTimeout = 100*time.Millisecond, 300*time.Millisecond
	_, err := s.Endpoint(t.Context())
	if e := chat.AsError(err); !chat.IsCode(err, chat.CodeDaemon) || !e.Retryable || !strings.Contains(e.Message, strconv.Itoa(id)) {
		t.Errorf("%v", err)
	}
	if err := syscall.Kill(id, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.HelloTimeout, s.BusyTimeout = 0, 0
	if again := pid(t, s); again != id {
		t.Errorf("another daemon (%d) was started beside %d", again, id)
	}
}

func TestAStoppedProcessCanBeForced(t *testing.T) {
	s := home(t, "")
	id := pid(t, s)
	suspend(t, id)
	s.HelloTimeout = 50 * time.Millisecond
	if stopped, err := s.Stop(t.Context(), true); !stopped || err != nil {
		t.Errorf("%v, %v", stopped, err)
	}
}
