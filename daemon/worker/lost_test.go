package worker_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/worker"
)

// lossyStore loses the reply of one claim, or refuses chosen calls.
type lossyStore struct {
	worker.Store
	loseClaim, failFinish, failPartial atomic.Bool
	finishes                           atomic.Int32
	partials                           atomic.Int32
}

func (s *lossyStore) Claim(ctx context.Context, w string, n int, backgroundFirst bool) ([]chat.Claim, error) {
	got, err := s.Store.Claim(ctx, w, n, backgroundFirst)
	if len(got) > 0 && s.loseClaim.CompareAndSwap(true, false) {
		return nil, errAway
	}
	return got, err
}

func (s *lossyStore) Finish(ctx context.Context, r chat.Result) error {
	s.finishes.Add(1)
	if s.failFinish.Load() {
		return errAway
	}
	return s.Store.Finish(ctx, r)
}

func (s *lossyStore) Partial(ctx context.Context, id string) (chat.Answer, error) {
	if s.partials.Add(1); s.failPartial.CompareAndSwap(true, false) {
		return chat.Answer{}, errAway
	}
	return s.Store.Partial(ctx, id)
}

func TestAClaimWhoseReplyWasLostIsNotHeldForEver(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{lease: time.Second})
	s := &lossyStore{Store: h.store}
	s.loseClaim.Store(true)
	h.work(workerOptions{store: s, opts: worker.Options{Lease: time.Second, Renewal: 200 * time.Millisecond}})
	acc := h.submit("hello")
	sweeper := h.sweeper()
	h.eventually("the task is answered", func() bool {
		h.must(sweeper.Sweep(h.Context()))
		return h.task(acc).State == chat.TaskDone
	})
}

func TestALogThatClaimsANewerAttemptDoesNotHoldTheTaskForEver(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{lease: time.Second})
	acc := h.submit("hello")
	h.must(h.rdb.HSet(h.Context(), names.Metadata(acc.TaskID), "attempt", 9).Err())
	h.work(workerOptions{opts: worker.Options{Lease: time.Second, Renewal: 200 * time.Millisecond}})
	sweeper := h.sweeper()
	h.eventually("the task ends", func() bool {
		h.must(sweeper.Sweep(h.Context()))
		return h.task(acc).State.Terminal()
	})
}

func TestACancelReachesAnAttemptThatReplacedAnotherHere(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	w := h.work(workerOptions{opts: worker.Options{Renewal: 2 * time.Second}})
	acc := h.submit("lie: chunks=1000 gate")
	h.provider.Step(5)
	h.logged(acc, modeltest.Answer(1, 5))
	_, err := h.store.ReleaseLeases(h.Context()) // a renewal before the sweep would undo it
	h.must(err)
	h.must(h.sweeper().Sweep(h.Context()))
	h.calls("a second call, and the first is closed", func(c []modeltest.Call) bool { return len(c) == 2 && c[0].Gone() })
	if n := w.Running(); n != 1 {
		h.eventually("one attempt runs", func() bool { return w.Running() == 1 })
	}
	h.cancel(acc)
	w.Cancel(acc.TaskID)
	h.calls("the second is closed", func(c []modeltest.Call) bool { return c[1].Gone() })
	h.eventually("the task is cancelled", func() bool { return h.task(acc).State == chat.TaskCancelled })
}

func TestAShutdownEndsThoughACancelCannotBeCommitted(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	s := &lossyStore{Store: h.store}
	w := h.work(workerOptions{store: s, opts: worker.Options{Drain: time.Millisecond}})
	acc := h.submit("lie: chunks=1000 gate")
	h.provider.Step(5)
	h.logged(acc, modeltest.Answer(1, 5))
	s.failFinish.Store(true)
	h.cancel(acc)
	w.Cancel(acc.TaskID)
	h.eventually("the commit is refused", func() bool { return s.finishes.Load() > 0 })
	ended := make(chan struct{})
	go func() { w.kill(); close(ended) }()
	h.within("the worker ends", ended)
}

func TestTextThatSQLHoldsOutlivesALaterFailure(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	s := &lossyStore{Store: h.store}
	acc := h.submit("lie: status=401")
	c := h.abandon(acc)
	h.must(h.store.Release(h.Context(), chat.Release{TaskID: acc.TaskID, Attempt: c.Attempt, Counts: true, Parts: chat.TextParts("forty minutes of text"), Err: errAway}))
	s.failPartial.Store(true)
	h.work(workerOptions{store: s})
	if task, m := h.ended(acc); m.Content != "forty minutes of text" || task.State != chat.TaskInterrupted {
		t.Errorf("%s with %q", task.State, m.Content)
	}
}

func TestAWholeAnswerOfTheLastAttemptIsDone(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	acc := h.submit("hello")
	for i := range chat.MaxAttempts {
		c := h.abandon(acc)
		if i == chat.MaxAttempts-1 {
			h.write(c, true, "the whole answer")
			break
		}
		h.must(h.store.Release(h.Context(), chat.Release{TaskID: acc.TaskID, Attempt: c.Attempt, Counts: true}))
	}
	h.expire(func() bool { return h.task(acc).State.Terminal() })
	if task := h.task(acc); task.State != chat.TaskDone || task.FinishReason != "stop" || h.answer(acc).Content != "the whole answer" {
		t.Errorf("ended as %s (%v) with %q", task.State, task.Error, h.answer(acc).Content)
	}
}

// The list of a task whose worker is gone may have lost its end, which readers have seen. So
// it is not the log of the ended task: the terminal chunk would get a position that another
// chunk had.
func TestAListWithoutAWriterIsNotTheLogOfItsTask(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	acc := h.submit("hello")
	for range chat.MaxAttempts {
		h.write(h.abandon(acc), false, "half an answer")
		h.must(h.rdb.LTrim(t.Context(), names.Chunks(acc.TaskID), 0, -2).Err())
		h.expire(func() bool { return h.task(acc).State != chat.TaskRunning })
	}
	h.expire(func() bool { return h.task(acc).State.Terminal() })
	task := h.task(acc)
	packed, err := h.store.ChunkLog(t.Context(), task.Owner, task.ID)
	h.must(err)
	if task.ChunkCount != 0 || packed != nil {
		t.Errorf("%d chunks, a log of %d bytes", task.ChunkCount, len(packed))
	}
}
