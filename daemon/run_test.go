package daemon_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chat"
	"chat/daemon"
	"chat/daemon/client"
	"chat/internal/leaks"
	"chat/internal/services"
	"chat/sql"
)

func TestMain(m *testing.M) { leaks.Verify(m) }

const testTimeout = 15 * time.Second

// running is a daemon in this process.
type running struct {
	*testing.T
	*client.Client
	stop, kill func()
	done       chan struct{}
	err        error // once done is closed
}

// directory is short enough to hold a socket.
func directory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "chatd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func socket(dir string) string { return filepath.Join(dir, "s") }

// usual is a local daemon in dir whose demo does not dawdle.
func usual(dir string) daemon.Config {
	return daemon.Config{
		Role: daemon.RoleAll, DataDir: dir, Local: true, Instance: "i1", Drain: 5 * time.Second,
		Listen: []string{"unix://" + socket(dir)},
	}
}

// start runs a daemon and waits until it serves.
func start(t *testing.T, cfg daemon.Config) *running {
	t.Helper()
	r := launch(t, cfg)
	select {
	case <-r.done:
		t.Fatalf("it did not start: %v", r.err)
	default:
	}
	return r
}

// launch runs a daemon and waits until it serves or has ended.
func launch(t *testing.T, cfg daemon.Config) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	stop, ready := make(chan struct{}), make(chan struct{})
	r := &running{T: t, stop: sync.OnceFunc(func() { close(stop) }), kill: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = daemon.Run(ctx, cfg, stop, func() { close(ready) })
	}()
	end := client.Endpoint{Network: "unix", Address: socket(cfg.DataDir)}
	r.Client = client.New(client.At(end), client.Options{})
	t.Cleanup(func() {
		r.Close()
		cancel()
		<-r.done
	})
	select {
	case <-ready:
	case <-r.done:
	case <-time.After(testTimeout):
		t.Fatal("it neither serves nor ends")
	}
	return r
}

// ended waits for the end of Run and returns its error.
func (r *running) ended() error {
	r.Helper()
	select {
	case <-r.done:
	case <-time.After(testTimeout):
		r.Fatal("it does not end")
	}
	return r.err
}

func (r *running) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *running) submit(content string) chat.Accepted {
	r.Helper()
	conv, err := r.CreateConversation(r.Context(), client.NewConversation{}, "")
	r.must(err)
	acc, err := r.Submit(r.Context(), chat.Submission{ConversationID: conv.ID, Content: content}, "")
	r.must(err)
	return acc
}

// follow follows to the end and returns the text.
func (r *running) follow(acc chat.Accepted, seen func()) (string, chat.Chunk) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), testTimeout)
	defer cancel()
	var parts chat.Parts
	var last chat.Chunk
	for u, err := range r.Follow(ctx, acc.TaskID, chat.Start()) {
		r.must(err)
		if u.Chunk == nil {
			continue
		}
		last = *u.Chunk
		parts.Apply(last)
		if seen != nil {
			seen()
		}
	}
	return parts.Text(), last
}

// answered checks that the task ended as done, the same in the stream and in SQL.
func (r *running) answered(acc chat.Accepted) {
	r.Helper()
	text, end := r.follow(acc, nil)
	list, err := r.Messages(r.Context(), acc.ConversationID)
	r.must(err)
	if end.State != chat.TaskDone || len(list) != 2 || text == "" || list[1].Content != text {
		r.Errorf("%+v with %q; SQL has %+v", end, text, list)
	}
}

func open(t *testing.T, dir string) *sql.Store {
	t.Helper()
	store, err := sql.Open(t.Context(), "sqlite://"+filepath.Join(dir, "chat.db"), sql.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestADaemonServesUntilItIsStopped(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*running){"by stop": func(r *running) { r.stop() }, "by its context": func(r *running) { r.kill() }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := directory(t)
			r := start(t, usual(dir))
			r.answered(r.submit("hello"))
			fi, err := os.Stat(socket(dir))
			if r.must(err); fi.Mode().Perm() != 0o600 {
				t.Errorf("the socket is %s", fi.Mode())
			}
			end(r)
			if err := r.ended(); err != nil {
				t.Error(err)
			}
			if c, err := (&net.Dialer{}).DialContext(t.Context(), "unix", socket(dir)); err == nil {
				_ = c.Close()
				t.Error("somebody still serves")
			}
		})
	}
}

func TestARestartLosesNothing(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	cfg := usual(dir)
	cfg.DemoSpeed = 20
	first := start(t, cfg)
	acc := first.submit("hello")
	begun := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var following sync.WaitGroup
	defer following.Wait()
	defer cancel()
	following.Go(func() {
		once := sync.OnceFunc(func() { close(begun) })
		for u, err := range first.Follow(ctx, acc.TaskID, chat.Start()) {
			if err == nil && u.Chunk != nil { // the daemon goes away, and then the context
				once()
			}
		}
	})
	<-begun
	first.kill()
	if err := first.ended(); err != nil {
		t.Error(err)
	}
	store := open(t, dir)
	task, err := store.Task(t.Context(), chat.LocalOwner, acc.TaskID)
	first.must(errors.Join(err, store.Close()))
	if task.State != chat.TaskQueued || task.Attempt != 1 {
		t.Errorf("after the shutdown: %s, attempt %d", task.State, task.Attempt)
	}
	cfg.DemoSpeed = 0
	start(t, cfg).answered(acc)
}

func TestTheTasksOfAKilledDaemonAreMadeAgainAtOnce(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	store := open(t, dir)
	conv, err := store.CreateConversation(t.Context(), chat.LocalOwner, chat.Conversation{})
	if err != nil {
		t.Fatal(err)
	}
	acc, _, err := store.Submit(t.Context(), chat.LocalOwner, chat.Submission{ConversationID: conv.ID, Content: "hello"}, chat.SubmitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := store.Claim(t.Context(), "killed", 1, false)
	if err := errors.Join(err, store.Close()); err != nil || len(claims) != 1 {
		t.Fatal(claims, err)
	}
	began := time.Now()
	r := start(t, usual(dir))
	r.answered(acc)
	if task, err := r.Task(t.Context(), acc.TaskID); err != nil || task.Attempt != 2 || time.Since(began) > 10*time.Second {
		t.Errorf("%+v after %s, %v", task, time.Since(began), err)
	}
}

func TestALocalDaemonEndsWhenIdle(t *testing.T) {
	t.Parallel()
	cfg := usual(directory(t))
	cfg.Idle, cfg.DemoSpeed = 300*time.Millisecond, 60
	r := start(t, cfg)
	r.follow(r.submit("hello"), nil) // longer than the idle time
	began := time.Now()
	if err := r.ended(); err != nil || time.Since(began) < 200*time.Millisecond {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

func TestALocalDaemonShutsDown(t *testing.T) {
	t.Parallel()
	for name, now := range map[string]bool{"when it is idle": false, "immediately": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, usual(directory(t)))
			r.must(r.Shutdown(t.Context(), now))
			if err := r.ended(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestADaemonThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	for name, tc := range map[string]struct {
		code   chat.Code
		change func(*daemon.Config)
	}{
		"nothing to listen on": {chat.CodeNotConfigured, func(c *daemon.Config) { c.Listen = nil }},
		"an unknown scheme":    {chat.CodeInvalid, func(c *daemon.Config) { c.Listen = []string{"http://x"} }},
		"a relative path":      {chat.CodeInvalid, func(c *daemon.Config) { c.Listen = []string{"unix://s"} }},
		"an address in use":    {chat.CodeDaemon, func(c *daemon.Config) { c.Listen = []string{"tcp://" + taken.Addr().String()} }},
		"a wrong Redis URL":    {chat.CodeInvalid, func(c *daemon.Config) { c.RedisURL = "http://x" }},
		"a wrong database URL": {chat.CodeInvalid, func(c *daemon.Config) { c.DatabaseURL = "mysql://x" }},
		"a short token":        {chat.CodeNotConfigured, func(c *daemon.Config) { c.Listen, c.Token = []string{"tcp://127.0.0.1:0"}, "short" }},
		"no place for a token": {chat.CodeNotConfigured, func(c *daemon.Config) { c.Listen, c.TokenFile = []string{"tcp://127.0.0.1:0"}, "/nowhere/token" }},
		"a damaged database": {chat.CodeStorage, func(c *daemon.Config) {
			if err := os.WriteFile(filepath.Join(c.DataDir, "chat.db"), []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := usual(directory(t))
			tc.change(&cfg)
			r := launch(t, cfg)
			r.stop()
			err := r.ended()
			if !chat.IsCode(err, tc.code) || len(err.Error()) < 20 {
				t.Errorf("%v (%s), want %s", err, chat.CodeOf(err), tc.code)
			}
			if name == "an address in use" && (!strings.Contains(err.Error(), "--listen") || !strings.Contains(err.Error(), "choose another")) {
				t.Errorf("no next step in: %v", err)
			}
			if name != "a damaged database" {
				return
			}
			if data, err := os.ReadFile(filepath.Join(cfg.DataDir, "chat.db")); err != nil || !strings.HasPrefix(string(data), "not a database") || len(data) != 15_000 {
				t.Errorf("the damaged file was touched: %d bytes, %v", len(data), err)
			}
		})
	}
}

func TestASocketThatIsServedIsNeverTakenOver(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	first := start(t, usual(dir))
	other := usual(directory(t))
	other.Listen = []string{"unix://" + socket(dir)}
	if err := launch(t, other).ended(); !chat.IsCode(err, chat.CodeDaemon) {
		t.Errorf("%v", err)
	}
	if _, err := first.Hello(t.Context()); err != nil {
		t.Errorf("the first is not served any more: %v", err)
	}
}

func TestAStaleSocketIsReplaced(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket(dir), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := start(t, usual(dir))
	if _, err := r.Hello(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAFileIsNoStaleSocket(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	if err := os.WriteFile(socket(dir), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := launch(t, usual(dir))
	r.stop()
	err := r.ended()
	if data, _ := os.ReadFile(socket(dir)); string(data) != "precious" || err == nil {
		t.Errorf("the file at the socket's path is %q now (%v)", data, err)
	}
}

func TestAPIAndWorkerApart(t *testing.T) {
	t.Parallel()
	server := services.StartRedis(t)
	url := services.Postgres(t)
	apart := func(role daemon.Role) daemon.Config {
		cfg := usual(directory(t))
		cfg.Local, cfg.Role, cfg.DatabaseURL, cfg.RedisURL = false, role, url, server.URL()
		return cfg
	}
	front := start(t, apart(daemon.RoleAPI))
	acc := front.submit("hello")
	hands := apart(daemon.RoleWorker)
	hands.Listen = nil
	w := start(t, hands)
	front.answered(acc)
	if workers, err := front.Workers(t.Context()); err != nil || len(workers) != 1 {
		t.Errorf("%v, %v", workers, err)
	}
	if err := front.Shutdown(t.Context(), true); !chat.IsCode(err, chat.CodeNotFound) {
		t.Errorf("a daemon that is not local was shut down: %v", err)
	}
	for _, r := range []*running{w, front} {
		r.stop()
		if err := r.ended(); err != nil {
			t.Error(err)
		}
	}
}
