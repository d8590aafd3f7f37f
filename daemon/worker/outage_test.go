package worker_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/worker"
	"chat/sql"
)

// awayStore is a database that cannot be written to while away is set.
type awayStore struct {
	worker.Store
	away   atomic.Bool
	lost   atomic.Bool // writes succeed, and their reply is lost
	failed atomic.Int32
	// threads is how many threads cannot be read yet.
	threads atomic.Int32
	// attachments is how often attachments cannot be read yet.
	attachments atomic.Int32
	renewals    chan bool // whether each has succeeded, if set
}

var errAway = chat.Retryable(chat.Errorf(chat.CodeUnavailable, "the database cannot be reached"))

func (s *awayStore) Finish(ctx context.Context, r chat.Result) error {
	if s.away.Load() {
		s.failed.Add(1)
		return errAway
	}
	if s.lost.CompareAndSwap(true, false) {
		s.failed.Add(1)
		if err := s.Store.Finish(ctx, r); err != nil {
			return err
		}
		return errAway
	}
	return s.Store.Finish(ctx, r)
}

func (s *awayStore) Thread(ctx context.Context, taskID string) (chat.Thread, error) {
	if s.threads.Add(-1) >= 0 {
		return chat.Thread{}, errAway
	}
	return s.Store.Thread(ctx, taskID)
}

func (s *awayStore) Attachment(ctx context.Context, owner, digest string) (chat.Attachment, error) {
	if s.attachments.Add(-1) >= 0 {
		return chat.Attachment{}, errAway
	}
	return s.Store.Attachment(ctx, owner, digest)
}

func (s *awayStore) Renew(ctx context.Context, worker string, taskIDs []string) ([]chat.Lease, error) {
	away := s.away.Load()
	if s.renewals != nil {
		select {
		case s.renewals <- !away:
		default: // not read
		}
	}
	if away {
		return nil, errAway
	}
	return s.Store.Renew(ctx, worker, taskIDs)
}

func TestACommitWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	store := &awayStore{Store: h.store}
	h.work(workerOptions{store: store})
	acc := h.submit("lie: chunks=10 gate")
	h.provider.Step(3)
	h.logged(acc, modeltest.Answer(1, 3))
	store.away.Store(true)
	h.provider.Step(7)
	h.eventually("three commits have failed", func() bool { return store.failed.Load() >= 3 })
	for _, c := range h.chunks(acc) {
		if c.Terminal() {
			t.Errorf("%s was published before the commit", c.Type)
		}
	}
	store.away.Store(false)
	h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 10))
	if len(h.provider.Calls()) != 1 {
		t.Error("the answer was bought again")
	}
}

func TestACommitWhoseReplyWasLostIsOneCommit(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	store := &awayStore{Store: h.store}
	store.lost.Store(true)
	h.work(workerOptions{store: store})
	acc := h.submit("hello")
	h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 10))
	if store.failed.Load() != 1 || len(h.provider.Calls()) != 1 {
		t.Errorf("%d lost replies, %d calls", store.failed.Load(), len(h.provider.Calls()))
	}
}

func TestAnAnswerOutlivesRedis(t *testing.T) {
	t.Parallel()
	t.Run("that is gone for good", func(t *testing.T) {
		t.Parallel()
		server := redisServer(t)
		h := newHarness(t, setup{redis: server.Options()})
		h.work(workerOptions{opts: worker.Options{LogTimeout: 6 * time.Second}})
		acc := h.submit("lie: chunks=20 gate")
		h.provider.Step(5)
		h.logged(acc, modeltest.Answer(1, 5))
		h.must(server.Kill())
		h.provider.Step(15)
		whole := time.Now()
		task, m := h.ended(acc)
		if task.State != chat.TaskDone || m.Content != modeltest.Answer(1, 20) {
			t.Errorf("%s with %q", task.State, m.Content)
		}
		if took := time.Since(whole); took > 3*time.Second {
			t.Errorf("the answer was committed %s after its last token: it waited for Redis", took)
		}
	})
	t.Run("that was never there", func(t *testing.T) {
		t.Parallel()
		server := redisServer(t)
		h := newHarness(t, setup{redis: server.Options()})
		h.must(server.Kill())
		h.work(workerOptions{opts: worker.Options{LogTimeout: 300 * time.Millisecond}})
		acc := h.submit("hello")
		task, m := h.ended(acc)
		if task.State != chat.TaskDone || m.Content != modeltest.Answer(1, 10) || task.ChunkCount < 2 || task.ChunkCount > 11 {
			t.Errorf("%s with %q in %d chunks", task.State, m.Content, task.ChunkCount)
		}
	})
	t.Run("that returns empty", func(t *testing.T) {
		t.Parallel()
		server := redisServer(t)
		h := newHarness(t, setup{redis: server.Options()})
		h.work(workerOptions{})
		acc := h.submit("lie: chunks=20 gate")
		h.provider.Step(5)
		h.logged(acc, modeltest.Answer(1, 5))
		h.must(server.Kill())
		h.provider.Step(5)
		h.tokens(1, 10)
		h.must(server.Start(t.Context()))
		h.logged(acc, modeltest.Answer(1, 10))
		h.provider.Step(10)
		h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 20))
	})
	t.Run("that never answers", func(t *testing.T) {
		t.Parallel()
		server := redisServer(t)
		h := newHarness(t, setup{redis: server.Options()})
		h.work(workerOptions{opts: worker.Options{LogTimeout: 300 * time.Millisecond}})
		first := h.submit("hello")
		h.ended(first)
		h.must(server.Pause())
		began := time.Now()
		second := h.submit("hello again") // without a wake-up
		task, _ := h.ended(second)
		h.must(server.Resume())
		if took := time.Since(began); task.State != chat.TaskDone || took > 8*time.Second {
			t.Errorf("%s after %s", task.State, took)
		}
	})
}

func TestAFlushedLogIsWrittenAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.work(workerOptions{})
	acc := h.submit("lie: chunks=9 gate")
	for range 3 {
		h.provider.Step(3)
		h.eventually("three more are in the log", func() bool {
			a, err := h.log.Read(t.Context(), acc.TaskID)
			return err == nil && a.Parts.Len() > 0 && a.Parts.Len()%len(modeltest.Answer(1, 3)) == 0 || h.task(acc).State.Terminal()
		})
		h.must(h.rdb.FlushAll(t.Context()).Err())
	}
	h.ended(acc)
	if m := h.answer(acc); m.Content != modeltest.Answer(1, 9) {
		t.Errorf("SQL has %q", m.Content)
	}
}

func TestLeasesAreRenewedAsSoonAsTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	store := &awayStore{Store: h.store, renewals: make(chan bool)}
	store.away.Store(true)
	h.work(workerOptions{store: store, opts: worker.Options{Renewal: 10 * time.Second, Lease: 30 * time.Second}})
	for range 2 {
		if <-store.renewals {
			t.Fatal("a renewal succeeded without a database")
		}
	}
	store.away.Store(false)
	back := time.Now()
	for !<-store.renewals { // one may be under way
	}
	if took := time.Since(back); took > 2*time.Second {
		t.Errorf("the database is back, and leases were renewed %s later", took)
	}
}

func TestAnOutageLongerThanALeaseCostsNoAnswer(t *testing.T) {
	t.Parallel()
	h, store, proxy := quietHarness(t)
	const lease = 2 * time.Second
	brief, err := sql.Open(t.Context(), proxy.URL, sql.Options{Lease: lease})
	h.must(err)
	t.Cleanup(func() { h.check(brief.Close()) })
	h.work(workerOptions{store: brief, opts: worker.Options{Lease: lease, Renewal: 500 * time.Millisecond, StoreTimeout: 500 * time.Millisecond}})
	acc := h.submit("lie: chunks=10 gate")
	h.provider.Step(3)
	h.logged(acc, modeltest.Answer(1, 3))

	sweeper := h.sweeper()
	sweeper.Store, sweeper.Interval, sweeper.Lease, sweeper.Timeout = store, 50*time.Millisecond, lease, 500*time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); sweeper.Run(ctx) }()
	defer func() { cancel(); <-ended }()

	proxy.FreezeAll()
	h.eventually("the lease is over", func() bool { return h.task(acc).LeaseUntil.Before(time.Now().Add(-lease / 4)) })
	proxy.Thaw()
	h.eventually("the lease is renewed", func() bool {
		task := h.task(acc)
		return task.Attempt != 1 || task.State != chat.TaskRunning || task.LeaseUntil.After(time.Now())
	})
	h.provider.Step(7)
	if task, _ := h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 10)); task.Attempt != 1 {
		t.Errorf("it took %d attempts", task.Attempt)
	}
}
