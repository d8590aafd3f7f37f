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

func (l *lease) good() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	return now.Sub(l.renewed) < l.term-l.renewal/2 ||
		l.failed.After(l.renewed) && now.Sub(l.failed) < 2*l.renewal
}

func (w *Worker) renewLoop(ctx context.Context) {
	tick := time.NewTicker(w.opts.Renewal)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.renew(ctx)
		}
	}
}

// renew extends all leases in one statement, and stops the attempts that turn
// out to be cancelled or not ours any more.
func (w *Worker) renew(ctx context.Context) {
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
	w.lease.mu.Lock()
	if err != nil {
		w.lease.failed = time.Now()
	} else {
		w.lease.renewed = sent
	}
	w.lease.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil || errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			w.opts.Logger.Warn("worker: leases not renewed; the database cannot be reached", "err", err)
		}
		return
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
}
