package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"chat"
	"chat/daemon/client"
)

func TestFiftyStartersGetOneDaemon(t *testing.T) {
	home(t, "")
	var mu sync.Mutex
	pids := map[string]int{}
	var wg sync.WaitGroup
	for range 50 {
		cmd := other(t, "start")
		wg.Go(func() {
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("%v: %s", err, &stderr)
			}
			mu.Lock()
			defer mu.Unlock()
			pids[string(bytes.TrimSpace(out))]++
		})
	}
	wg.Wait()
	if len(pids) != 1 {
		t.Errorf("daemons: %v", pids)
	}
}

func TestADaemonIsDetachedAndPrivate(t *testing.T) {
	s := home(t, "")
	// A descriptor that our parent forgot must not live on in the daemon.
	var p [2]int
	if err := syscall.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	id := pid(t, s)
	if err := syscall.Close(p[1]); err != nil {
		t.Fatal(err)
	}
	r := os.NewFile(uintptr(p[0]), "pipe")
	defer func() { _ = r.Close() }() // it was only read
	if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the daemon holds a descriptor of ours: %d, %v", n, err)
	}
	proc := filepath.Join("/proc", strconv.Itoa(id))
	if cwd, err := os.Readlink(filepath.Join(proc, "cwd")); err != nil || cwd != "/" {
		t.Errorf("cwd %q, %v", cwd, err)
	}
	stat, err := os.ReadFile(filepath.Join(proc, "stat"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	if session := strings.Fields(string(rest))[3]; session != strconv.Itoa(id) {
		t.Errorf("session %s, want %d", session, id)
	}
	i, err := readInfo(s.Paths)
	if err != nil || i.PID != id || i.StartedAt.IsZero() || i.Version != "test" {
		t.Errorf("%+v, %v", i, err)
	}
	for path, want := range map[string]fs.FileMode{
		i.Socket: 0o600, filepath.Dir(i.Socket): 0o700, s.Paths.infoFile(): 0o600, s.Paths.Data: 0o700, s.Paths.Log(): 0o600,
	} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, st.Mode(), err, want)
		}
	}
}

func TestAFirstDaemonAndOneThatEndedInOrderAreNotSpokenOf(t *testing.T) {
	s := home(t, "")
	for range 2 {
		silent := &Starter{Paths: s.Paths, Protocol: s.Protocol, Notice: func(n string) { t.Error("notice:", n) }}
		pid(t, silent)
		if _, err := silent.Stop(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	// One that we were served by is.
	var notices []string
	s.Notice = func(n string) { notices = append(notices, n) }
	for range 2 {
		pid(t, s)
		if _, err := s.Stop(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	if want := "the local daemon has ended; starting another"; len(notices) != 1 || notices[0] != want {
		t.Errorf("notices %q, want %q", notices, want)
	}
}

func TestFindNeverStarts(t *testing.T) {
	s := home(t, "")
	if _, err := s.Find(t.Context()); !chat.IsCode(err, chat.CodeDaemon) {
		t.Fatal(err)
	}
	if stopped, err := s.Stop(t.Context(), false); stopped || err != nil {
		t.Errorf("stopped %v, %v", stopped, err)
	}
	st, err := s.Status(t.Context())
	if err != nil || st.Running {
		t.Errorf("%+v, %v", st, err)
	}
	if b, err := json.Marshal(st); err != nil || string(b) != `{"running":false,"healthy":false}` {
		t.Errorf("%s, %v", b, err)
	}
	if _, err := os.Stat(s.Paths.Data); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("looking made the data directory: %v", err)
	}
}

func TestAStaleSocketHeals(t *testing.T) {
	s := home(t, "")
	first, i := killed(t, s)
	if _, err := os.Stat(i.Socket); err != nil {
		t.Fatalf("the killed daemon's socket: %v", err)
	}
	began := time.Now()
	heir := &Starter{Paths: s.Paths, Protocol: s.Protocol} // another client, which did not start the first
	var notices []string
	heir.Notice = func(n string) { notices = append(notices, n) }
	second := pid(t, heir)
	if second == first {
		t.Error("a dead daemon answered")
	}
	if len(notices) != 1 || !strings.Contains(notices[0], fmt.Sprintf("(process %d) ended unexpectedly; starting another", first)) {
		t.Errorf("the daemon was started again with the words %q", notices)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("took %s", d)
	}
	// What the crash left in place of daemon.json does not matter either.
	if err := syscall.Kill(second, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.Paths.infoFile(), []byte("{\"pid\":"), 0o600); err != nil {
		t.Fatal(err)
	}
	third := &Starter{Paths: s.Paths, Protocol: s.Protocol}
	if id := pid(t, third); id == second {
		t.Error("a dead daemon answered")
	}
}

func TestACrashingDaemonIsNotStartedForEver(t *testing.T) {
	s := home(t, "")
	for range startsPerMinute {
		id := pid(t, s)
		if err := syscall.Kill(id, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the lock is free", func() bool { _, held, err := holder(s.Paths.lockFile()); return err == nil && !held })
	}
	_, err := s.Endpoint(t.Context())
	if e := chat.AsError(err); !chat.IsCode(err, chat.CodeDaemon) || e.Retryable || !strings.Contains(e.Message, "daemon logs") {
		t.Errorf("%v", err)
	}
}

func TestAnOldDaemonEndsWhileANewOneBinds(t *testing.T) {
	s := home(t, "")
	old := pid(t, s)
	for round := range 10 {
		starter := &Starter{Paths: s.Paths, Protocol: s.Protocol}
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.Stop(context.Background(), false); err != nil {
				t.Error(err)
			}
		})
		var e client.Endpoint
		var err error
		wg.Go(func() { e, err = starter.Endpoint(context.Background()) })
		wg.Wait()
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		// Whoever was found may have been the one on its way out; the next one must
		// be reachable, and its socket in place.
		now := pid(t, &Starter{Paths: s.Paths, Protocol: s.Protocol})
		if now == old {
			t.Errorf("round %d: %s is still served by %d", round, e, old)
		}
		i, err := readInfo(s.Paths)
		if err != nil || i.PID != now {
			t.Errorf("round %d: %+v, %v", round, i, err)
		}
		old = now
	}
}

// The data directory may have its next daemon before anybody has seen it without one.
func TestADaemonIsGoneOnceAnotherHasItsPlace(t *testing.T) {
	s := home(t, "")
	holds := pid(t, s)
	if err := s.waitForEnd(t.Context(), holds+1, time.Minute, false); err != nil {
		t.Errorf("the one before: %v", err)
	}
	if err := s.waitForEnd(t.Context(), holds, 300*time.Millisecond, false); !errors.Is(err, errStillThere) {
		t.Errorf("the one that is there: %v", err)
	}
}

func TestTheDaemonsErrorComesThroughThePipe(t *testing.T) {
	s := home(t, "broken")
	_, err := s.Endpoint(t.Context())
	if !chat.IsCode(err, chat.CodeDaemon) {
		t.Fatal(err)
	}
	for _, want := range []string{"the database file is damaged", "the disk is on fire", s.Paths.Log()} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %s", want, err)
		}
	}
}

func TestADaemonThatEndsWithoutAWord(t *testing.T) {
	s := home(t, "mute")
	_, err := s.Endpoint(t.Context())
	if !chat.IsCode(err, chat.CodeDaemon) || !strings.Contains(err.Error(), "ended immediately") {
		t.Fatal(err)
	}
	s = home(t, "")
	s.Executable = "/nonexistent/chat"
	if _, err := s.Endpoint(t.Context()); !chat.IsCode(err, chat.CodeDaemon) || !strings.Contains(err.Error(), "no such file") {
		t.Fatal(err)
	}
}

func TestALockHeldByAnotherProcess(t *testing.T) {
	s := home(t, "impatient")
	if err := os.MkdirAll(s.Paths.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	l, _, err := tryLock(s.Paths.lockFile())
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Endpoint(t.Context())
	if !chat.IsCode(err, chat.CodeDaemon) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("%v", err)
	}
	st, err := s.Status(t.Context())
	if err != nil || !st.Running || st.Healthy || st.PID != os.Getpid() || st.Problem == "" {
		t.Errorf("%+v, %v", st, err)
	}
	if err := l.release(); err != nil {
		t.Fatal(err)
	}
}

func TestProtocolSkew(t *testing.T) {
	t.Run("an older daemon that is idle is replaced", func(t *testing.T) {
		s := home(t, "protocol=1")
		old := pid(t, s)
		t.Setenv(roleVariable, "daemon protocol=2")
		newer := &Starter{Paths: s.Paths, Protocol: client.Range{Min: 2, Max: 3}}
		if now := pid(t, newer); now == old {
			t.Error("still the old one")
		}
	})
	t.Run("an older daemon with work is left alone", func(t *testing.T) {
		s := home(t, "busy")
		old := pid(t, s)
		newer := &Starter{Paths: s.Paths, Protocol: client.Range{Min: 2, Max: 3}}
		if _, err := newer.Endpoint(t.Context()); !chat.IsCode(err, chat.CodeIncompatible) {
			t.Error(err)
		}
		if now := pid(t, s); now != old {
			t.Error("it was replaced")
		}
	})
	t.Run("a newer daemon", func(t *testing.T) {
		s := home(t, "protocol=2")
		if _, err := s.Endpoint(t.Context()); !chat.IsCode(err, chat.CodeIncompatible) || !strings.Contains(err.Error(), "update chat") {
			t.Error(err)
		}
		if stopped, err := s.Stop(t.Context(), false); !stopped || err != nil {
			t.Errorf("stop works across versions: %v, %v", stopped, err)
		}
	})
}

func TestADeletedDataDirectoryBelongsToTheNextDaemon(t *testing.T) {
	s := home(t, "")
	old := pid(t, s)
	if err := os.RemoveAll(s.Paths.Data); err != nil {
		t.Fatal(err)
	}
	now := pid(t, s)
	if now == old {
		t.Fatal("the old one has no daemon.json any more")
	}
	if err := syscall.Kill(old, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the old one ends", func() bool { return syscall.Kill(old, 0) != nil })
	if id := pid(t, s); id != now {
		t.Errorf("the old daemon took the new one's socket along: now %d", id)
	}
}

func TestInProcess(t *testing.T) {
	s := home(t, "")
	server, err := InProcess(t.Context(), ServeOptions{
		Paths: s.Paths, Protocol: s.Protocol, Version: "test", Instance: "i",
		Run: func(ctx context.Context, stop <-chan struct{}, l net.Listener, ready func()) error {
			return serveHello(ctx, stop, l, ready, s.Protocol, false)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if id := pid(t, s); id != os.Getpid() {
		t.Errorf("others are served by %d", id)
	}
	_, err = InProcess(t.Context(), ServeOptions{Paths: s.Paths})
	if !errors.Is(err, ErrServed) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("a second opener: %v", err)
	}
	i, err := readInfo(s.Paths)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	for _, path := range []string{i.Socket, s.Paths.infoFile()} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
	if _, held, err := holder(s.Paths.lockFile()); held || err != nil {
		t.Errorf("held %v, %v", held, err)
	}
	failing := errors.New("no")
	_, err = InProcess(t.Context(), ServeOptions{Paths: s.Paths, Run: func(context.Context, <-chan struct{}, net.Listener, func()) error { return failing }})
	if !errors.Is(err, failing) {
		t.Error(err)
	}
}
