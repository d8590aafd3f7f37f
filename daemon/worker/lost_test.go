package worker_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"chat"
	"chat/daemon/provider/providertest"
	"chat/daemon/worker"
)

// lossyStore loses the reply of one claim, or refuses what it is told to.
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
	l := newLab(t, setup{lease: time.Second})
	s := &lossyStore{Store: l.store}
	s.loseClaim.Store(true)
	l.work(on{store: s, opts: worker.Options{Lease: time.Second, Renewal: 200 * time.Millisecond}})
	acc := l.submit("hello")
	sweeper := l.sweeper()
	l.eventually("the task is answered", func() bool {
		l.must(sweeper.Sweep(l.Context()))
		return l.task(acc).State == chat.TaskDone
	})
}

func TestALogThatClaimsANewerAttemptDoesNotHoldTheTaskForEver(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{lease: time.Second})
	acc := l.submit("hello")
	l.must(l.rdb.HSet(l.Context(), names.Metadata(acc.TaskID), "attempt", 9).Err())
	l.work(on{opts: worker.Options{Lease: time.Second, Renewal: 200 * time.Millisecond}})
	sweeper := l.sweeper()
	l.eventually("the task ends", func() bool {
		l.must(sweeper.Sweep(l.Context()))
		return l.task(acc).State.Terminal()
	})
}

func TestACancelReachesAnAttemptThatReplacedAnotherHere(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{})
	w := l.work(on{opts: worker.Options{Renewal: 200 * time.Millisecond}})
	acc := l.submit("lie: chunks=1000 gate")
	l.provider.Step(5)
	l.logged(acc, providertest.Answer(1, 5))
	_, err := l.store.ReleaseLeases(l.Context())
	l.must(err)
	l.must(l.sweeper().Sweep(l.Context()))
	l.calls("a second call, and the first is closed", func(c []providertest.Call) bool { return len(c) == 2 && c[0].Gone() })
	if n := w.Running(); n != 1 {
		l.eventually("one attempt runs", func() bool { return w.Running() == 1 })
	}
	l.cancel(acc)
	w.Cancel(acc.TaskID)
	l.calls("the second is closed", func(c []providertest.Call) bool { return c[1].Gone() })
	l.eventually("the task is cancelled", func() bool { return l.task(acc).State == chat.TaskCancelled })
}

func TestAShutdownEndsThoughACancelCannotBeCommitted(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{})
	s := &lossyStore{Store: l.store}
	w := l.work(on{store: s, opts: worker.Options{Drain: time.Millisecond}})
	acc := l.submit("lie: chunks=1000 gate")
	l.provider.Step(5)
	l.logged(acc, providertest.Answer(1, 5))
	s.failFinish.Store(true)
	l.cancel(acc)
	w.Cancel(acc.TaskID)
	l.eventually("the commit is refused", func() bool { return s.finishes.Load() > 0 })
	ended := make(chan struct{})
	go func() { w.kill(); close(ended) }()
	l.within("the worker ends", ended)
}

func TestTextThatSQLHoldsOutlivesALaterFailure(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{})
	s := &lossyStore{Store: l.store}
	acc := l.submit("lie: status=401")
	c := l.abandon(acc)
	l.must(l.store.Requeue(l.Context(), chat.Release{TaskID: acc.TaskID, Attempt: c.Attempt, Counts: true, Parts: chat.TextParts("forty minutes of text"), Err: errAway}))
	s.failPartial.Store(true)
	l.work(on{store: s})
	if task, m := l.ended(acc); m.Content != "forty minutes of text" || task.State != chat.TaskInterrupted {
		t.Errorf("%s with %q", task.State, m.Content)
	}
}

func TestAWholeAnswerOfTheLastAttemptIsDone(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{})
	acc := l.submit("hello")
	for i := range chat.MaxAttempts {
		c := l.abandon(acc)
		if i == chat.MaxAttempts-1 {
			l.write(c, true, "the whole answer")
			break
		}
		l.must(l.store.Requeue(l.Context(), chat.Release{TaskID: acc.TaskID, Attempt: c.Attempt, Counts: true}))
	}
	l.expire(func() bool { return l.task(acc).State.Terminal() })
	if task := l.task(acc); task.State != chat.TaskDone || task.FinishReason != "stop" || l.answer(acc).Content != "the whole answer" {
		t.Errorf("ended as %s (%v) with %q", task.State, task.Error, l.answer(acc).Content)
	}
}
