package worker

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"chat"
)

// lease tells whether this worker's leases are to be trusted, from what its
// last renewals brought. While the database cannot be reached nobody else can
// claim the tasks either, so that is no reason to stop; a process that was
// paused for longer than a lease has neither a fresh renewal nor a fresh error,
// and waits for one before it shows anything.
type lease struct {
	term, renewal time.Duration

	mu      sync.Mutex
	renewed time.Time // when the last successful renewal was sent
	failed  time.Time // when the last renewal failed
}

func (l *lease) trusted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	return now.Sub(l.renewed) < l.term-l.renewal/2 ||
		l.failed.After(l.renewed) && now.Sub(l.failed) < 2*l.renewal
}

// record takes down what a renewal came to, and reports whether that is news.
func (l *lease) record(sent time.Time, err error) (news bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	failing := l.failed.After(l.renewed)
	if err != nil {
		l.failed = time.Now()
		return !failing
	}
	l.renewed = sent
	return failing
}

// renewLoop renews at a regular pace and, from a failure on, as often as can be:
// the owners must be back before anyone takes an expired lease for a dead worker's.
// renewed is what the renewal before has come to.
func (w *Worker) renewLoop(ctx context.Context, renewed bool) {
	failures := 0
	took := time.Duration(0)
	for {
		wait := w.opts.Renewal - took
		if renewed {
			failures = 0
		} else {
			failures++
			wait = chat.Backoff(failures, 200*time.Millisecond, min(time.Second, w.opts.Renewal))
		}
		pause(ctx, wait)
		if ctx.Err() != nil {
			return
		}
		began := time.Now()
		renewed = w.renew(ctx)
		took = time.Since(began)
	}
}

// renew extends all leases in one statement, and stops the attempts that turn
// out to be cancelled or not ours any more. It reports whether the database
// answered.
func (w *Worker) renew(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, w.opts.Renewal)
	defer cancel()
	w.mu.Lock()
	before := maps.Clone(w.running)
	w.mu.Unlock()

	sent := time.Now()
	ids := make([]string, 0, len(before))
	for r := range before {
		ids = append(ids, r.taskID)
	}
	leases, err := w.store.Renew(ctx, w.opts.Info.ID, ids)
	if err == nil {
		info := w.opts.Info
		info.Running = len(before)
		err = w.store.Heartbeat(ctx, info)
	}
	told := w.lease.record(sent, err)
	if err != nil {
		if told && (ctx.Err() == nil || errors.Is(context.Cause(ctx), context.DeadlineExceeded)) {
			w.opts.Logger.Warn("worker: leases not renewed; the database cannot be reached", "err", err)
		}
		return false
	}
	if told {
		w.opts.Logger.Info("worker: leases are renewed again", "running", len(before))
	}
	ours := make(map[string]chat.Lease, len(leases))
	for _, l := range leases {
		ours[l.TaskID] = l
	}
	for r, cancel := range before {
		l, ok := ours[r.taskID]
		switch {
		case !ok || l.Attempt != r.attempt:
			cancel(errLeaseLost)
		case l.CancelRequested:
			cancel(errCancelled)
		}
	}
	return true
}
