package worker_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chat"
	"chat/daemon/worker"
	"chat/internal/poll"
)

// backStore is SQL that was away for the first looks, and notes the sweeps.
type backStore struct {
	worker.SweepStore
	away  int
	mu    sync.Mutex
	looks int
	since time.Time // the last failure
	swept chan time.Duration
}

func (s *backStore) look() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.looks++; s.looks <= s.away {
		s.since = time.Now()
		return errAway
	}
	return nil
}

func (s *backStore) CheckClock(context.Context) error { return nil }

func (s *backStore) Queued(context.Context, int) ([]chat.Task, error) { return nil, s.look() }

func (s *backStore) Sweep(context.Context) (requeued, spent []chat.Task, err error) {
	if err := s.look(); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	gap := time.Since(s.since)
	s.mu.Unlock()
	select {
	case s.swept <- gap:
	default:
	}
	return nil, nil, nil
}

type silentQueue struct{}

func (silentQueue) NotifyIfEmpty(context.Context, []chat.Task) (int, error) { return 0, nil }

func TestASweeperLeavesOwnersALeaseAfterAnOutage(t *testing.T) {
	t.Parallel()
	const lease = 300 * time.Millisecond
	s := &backStore{away: 3, swept: make(chan time.Duration, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	sweeper := worker.Sweeper{Store: s, Queue: silentQueue{}, Interval: 5 * time.Millisecond, Lease: lease, Logger: slog.New(slog.DiscardHandler)}
	go func() { defer close(ended); sweeper.Run(ctx) }()
	gap := <-s.swept
	cancel()
	<-ended
	if gap < lease {
		t.Errorf("leases were taken %s after the database was away: their owners had no chance", gap)
	}
}

func TestASweeperThatStartsLeavesOwnersAMoment(t *testing.T) {
	t.Parallel()
	const moment = 300 * time.Millisecond
	s := &backStore{since: time.Now(), swept: make(chan time.Duration, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	sweeper := worker.Sweeper{Store: s, Queue: silentQueue{}, Interval: 5 * time.Millisecond, Grace: moment, Logger: slog.New(slog.DiscardHandler)}
	go func() { defer close(ended); sweeper.Run(ctx) }()
	gap := <-s.swept
	cancel()
	<-ended
	if gap < moment {
		t.Errorf("leases were taken %s after the start", gap)
	}
}

// clockStore is SQL whose clock is set while its sweeper leaves owners a moment.
type clockStore struct {
	worker.SweepStore
	looked, swept chan time.Time
}

func (s *clockStore) CheckClock(context.Context) error {
	s.looked <- time.Now()
	return nil
}

func (s *clockStore) Queued(context.Context, int) ([]chat.Task, error) { return nil, nil }

func (s *clockStore) Sweep(context.Context) (requeued, spent []chat.Task, err error) {
	s.swept <- time.Now()
	return nil, nil, nil
}

// A clock that is set behind the start, and before the first sweep, is noticed only
// by somebody who has looked at it.
func TestASweeperLooksAtTheClockFromItsStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &clockStore{looked: make(chan time.Time, 100), swept: make(chan time.Time, 100)}
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		var ended sync.WaitGroup
		sweeper := worker.Sweeper{Store: s, Queue: silentQueue{}, Interval: 5 * time.Second, Grace: 6 * time.Second, Logger: slog.New(slog.DiscardHandler)}
		ended.Go(func() { sweeper.Run(ctx) })
		if at := <-s.looked; at != began {
			t.Errorf("looked %s after the start", at.Sub(began))
		}
		if at := <-s.swept; at.Sub(began) < 6*time.Second {
			t.Errorf("swept %s after the start", at.Sub(began))
		}
		cancel()
		ended.Wait()
	})
}

// heldStore is SQL of which one look is held up for a while, as by an outage that
// the look outlives, and notes when leases are swept.
type heldStore struct {
	worker.SweepStore
	held  time.Duration // the second look
	looks int
	back  time.Time
	swept []time.Time
}

func (s *heldStore) CheckClock(context.Context) error { return nil }

func (s *heldStore) Queued(context.Context, int) ([]chat.Task, error) {
	if s.looks++; s.looks == 2 {
		poll.Pause(s.held) // in the bubble's time
		s.back = time.Now()
	}
	return nil, nil
}

func (s *heldStore) Sweep(context.Context) (requeued, spent []chat.Task, err error) {
	s.swept = append(s.swept, time.Now())
	return nil, nil, nil
}

// An outage that no look has failed of is one all the same: whoever looks again
// after it leaves the owners a lease of time to renew.
func TestASweeperThatWasHeldUpLeavesOwnersTheirTime(t *testing.T) {
	for held, want := range map[time.Duration]time.Duration{20 * time.Second: 15 * time.Second, time.Second: 0} {
		synctest.Test(t, func(t *testing.T) {
			store := &heldStore{held: held}
			sweeper := worker.Sweeper{Store: store, Queue: silentQueue{}, Interval: 5 * time.Second, Lease: 15 * time.Second, Logger: slog.New(slog.DiscardHandler)}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			sweeper.Run(ctx)
			for _, at := range store.swept {
				if gap := at.Sub(store.back); gap > 0 && gap < want {
					t.Errorf("after %s a lease was judged %s behind the return", held, gap)
				}
			}
			if n := len(store.swept); n < 3 {
				t.Errorf("after %s it swept %d times in a minute", held, n)
			}
		})
	}
}
