package worker_test

import (
	"context"
	"testing"
	"time"

	"chat"
	"chat/daemon/provider/providertest"
	"chat/daemon/worker"
	"chat/internal/services"
	"chat/sql"
	"chat/sql/sqltest"
)

// quietLab is a lab on PostgreSQL, and a store that reaches the same database by
// way of a proxy that can fall silent. Nothing but contexts ends a wait for it.
func quietLab(t *testing.T) (*lab, *sql.Store, *sqltest.Proxy) {
	t.Helper()
	url := services.Postgres(t)
	l := newLab(t, setup{databaseURL: url})
	proxy := sqltest.NewProxy(t, url)
	store, err := sql.Open(t.Context(), proxy.URL, sql.Options{Silence: time.Hour})
	l.must(err)
	t.Cleanup(func() { l.check(store.Close()) })
	return l, store, proxy
}

func TestAWorkerOutlivesASilentDatabase(t *testing.T) {
	t.Parallel()
	l, store, proxy := quietLab(t)
	l.work(on{store: store, opts: worker.Options{StoreTimeout: 300 * time.Millisecond}})
	acc := l.submit("lie: chunks=10 gate")
	l.provider.Step(3)
	l.logged(acc, providertest.Answer(1, 3))
	proxy.FreezeAll()
	before := proxy.Connections()
	l.eventually("the worker has tried in vain", func() bool { return proxy.Connections() > before+2 })
	l.provider.Step(7)
	later := l.submit("hello")
	proxy.Thaw()
	if task, _ := l.endedAs(acc, chat.TaskDone, providertest.Answer(1, 10)); task.Attempt != 1 {
		t.Errorf("it took %d attempts", task.Attempt)
	}
	l.endedAs(later, chat.TaskDone, providertest.Answer(2, 10))
}

func TestAShutdownEndsThoughTheDatabaseIsSilent(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]bool{"with an answer in the making": true, "with nothing to do": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, store, proxy := quietLab(t)
			w := l.work(on{store: store, opts: worker.Options{ShutdownTimeout: 500 * time.Millisecond}})
			if busy {
				acc := l.submit("lie: chunks=10 gate")
				l.provider.Step(3)
				l.logged(acc, providertest.Answer(1, 3))
			}
			before := proxy.Connections()
			proxy.FreezeAll()
			l.eventually("the worker waits for a connection", func() bool { return proxy.Connections() > before })
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
	l, store, proxy := quietLab(t)
	acc := l.submit("hello")
	l.abandon(acc)
	_, err := l.store.ReleaseLeases(t.Context())
	l.must(err)
	proxy.FreezeAll()
	sweeper := l.sweeper()
	sweeper.Store, sweeper.Timeout = store, 200*time.Millisecond
	sweeper.Interval, sweeper.Lease = 10*time.Millisecond, 10*time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); sweeper.Run(ctx) }()
	before := proxy.Connections()
	l.eventually("it has tried in vain", func() bool { return proxy.Connections() > before+1 })
	proxy.Thaw()
	l.eventually("the task is queued again", func() bool { return l.task(acc).State == chat.TaskQueued })
	proxy.FreezeAll()
	began := time.Now()
	cancel()
	l.within("the sweeper ends", ended)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it ended after %s", took)
	}
}

func TestAThreadIsReadOnceTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{})
	store := &awayStore{Store: l.store}
	store.threads.Store(4)
	l.work(on{store: store})
	if task, _ := l.endedAs(l.submit("hello"), chat.TaskDone, providertest.Answer(1, 10)); task.Attempt != 1 {
		t.Errorf("an outage of SQL counted as %d failed attempts", task.Attempt-1)
	}
}
