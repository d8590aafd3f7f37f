package worker_test

import (
	"context"
	"testing"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/worker"
	"chat/internal/services"
	"chat/sql"
	"chat/sql/sqltest"
)

// quietHarness is a harness on PostgreSQL, and a store that reaches the same database by
// way of a proxy that can fall silent. Nothing but contexts ends a wait for it.
func quietHarness(t *testing.T) (*harness, *sql.Store, *sqltest.Proxy) {
	t.Helper()
	url := services.Postgres(t)
	h := newHarness(t, setup{databaseURL: url})
	proxy := sqltest.NewProxy(t, url)
	store, err := sql.Open(t.Context(), proxy.URL, sql.Options{ResponseTimeout: time.Hour})
	h.must(err)
	t.Cleanup(func() { h.check(store.Close()) })
	return h, store, proxy
}

func TestAWorkerOutlivesASilentDatabase(t *testing.T) {
	t.Parallel()
	h, store, proxy := quietHarness(t)
	h.work(workerOptions{store: store, opts: worker.Options{StoreTimeout: 300 * time.Millisecond}})
	acc := h.submit("lie: chunks=10 gate")
	h.provider.Step(3)
	h.logged(acc, modeltest.Answer(1, 3))
	proxy.FreezeAll()
	before := proxy.Connections()
	h.eventually("the worker has tried in vain", func() bool { return proxy.Connections() > before+2 })
	h.provider.Step(7)
	later := h.submit("hello")
	proxy.Thaw()
	if task, _ := h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 10)); task.Attempt != 1 {
		t.Errorf("it took %d attempts", task.Attempt)
	}
	h.endedAs(later, chat.TaskDone, modeltest.Answer(2, 10))
}

func TestAShutdownEndsThoughTheDatabaseIsSilent(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]bool{"with an answer in the making": true, "with nothing to do": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, store, proxy := quietHarness(t)
			w := h.work(workerOptions{store: store, opts: worker.Options{ShutdownTimeout: 500 * time.Millisecond}})
			if busy {
				acc := h.submit("lie: chunks=10 gate")
				h.provider.Step(3)
				h.logged(acc, modeltest.Answer(1, 3))
			}
			before := proxy.Connections()
			proxy.FreezeAll()
			h.eventually("the worker waits for a connection", func() bool { return proxy.Connections() > before })
			began := time.Now()
			w.kill()
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestASweeperGoesOnAfterASilence(t *testing.T) {
	t.Parallel()
	h, store, proxy := quietHarness(t)
	acc := h.submit("hello")
	h.abandon(acc)
	_, err := h.store.ReleaseLeases(t.Context())
	h.must(err)
	proxy.FreezeAll()
	sweeper := h.sweeper()
	sweeper.Store, sweeper.Timeout = store, 200*time.Millisecond
	sweeper.Interval, sweeper.Lease = 10*time.Millisecond, 10*time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); sweeper.Run(ctx) }()
	before := proxy.Connections()
	h.eventually("it has tried in vain", func() bool { return proxy.Connections() > before+1 })
	proxy.Thaw()
	h.eventually("the task is queued again", func() bool { return h.task(acc).State == chat.TaskQueued })
	proxy.FreezeAll()
	began := time.Now()
	cancel()
	h.within("the sweeper ends", ended)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it ended after %s", took)
	}
}

func TestAThreadIsReadOnceTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	store := &awayStore{Store: h.store}
	store.threads.Store(4)
	h.work(workerOptions{store: store})
	if task, _ := h.endedAs(h.submit("hello"), chat.TaskDone, modeltest.Answer(1, 10)); task.Attempt != 1 {
		t.Errorf("an outage of SQL counted as %d failed attempts", task.Attempt-1)
	}
}

func TestAnAttachmentIsReadOnceTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	store := &awayStore{Store: h.store}
	store.attachments.Store(4)
	file, err := chat.NewAttachment([]byte("package a\n"))
	h.must(err)
	_, err = h.store.PutAttachment(t.Context(), owner, file)
	h.must(err)
	h.work(workerOptions{store: store})
	acc := h.submit("", func(sub *chat.Submission) {
		sub.Parts = chat.Parts{{Type: chat.PartText, Text: "explain"}, file.Part("a.go")}
	})
	if task, _ := h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 10)); task.Attempt != 1 {
		t.Errorf("an outage of SQL counted as %d failed attempts", task.Attempt-1)
	}
	if got, want := h.provider.Calls()[0].Prompt, "explain\n\n"+chat.FileBlock("a.go", "package a\n"); got != want {
		t.Errorf("the provider received %q, want %q", got, want)
	}
}
