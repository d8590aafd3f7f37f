package worker

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"chat"
)

// lease says whether this worker's leases are trusted, from the results of its last
// renewals. While the database is unreachable no other worker can claim the tasks, so
// that is no reason to stop. A process that was paused for longer than a lease has
// neither a fresh renewal nor a fresh error, and publishes nothing until it has one.
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

// record records the result of a renewal, and reports whether it differs from the last.
func (l *lease) record(sent time.Time, err error) (changed bool) {
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

// renewLoop renews at a regular pace and, after a failure, more often: the leases must
// be renewed before another process takes the worker for dead. renewed is the result of
// the first renewal.
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

// renew extends all leases in one statement, and stops the attempts that were cancelled
// or have lost their lease. It reports whether the database answered.
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
	changed := w.lease.record(sent, err)
	if err != nil {
		if changed && (ctx.Err() == nil || errors.Is(context.Cause(ctx), context.DeadlineExceeded)) {
			w.opts.Logger.Warn("worker: leases not renewed; the database cannot be reached", "err", err)
		}
		return false
	}
	if changed {
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
