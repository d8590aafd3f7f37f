package worker

import (
	"context"
	"slices"
	"time"

	"chat"
)

// checkpoint saves the answer so far in SQL, at most once every Options.Checkpoint and
// with one write at a time. The stream does not wait for it.
func (a *attempt) checkpoint(ctx context.Context) {
	if a.w.opts.Checkpoint <= 0 || a.unlogged || time.Since(a.saved) < a.w.opts.Checkpoint || !a.saving.CompareAndSwap(false, true) {
		return
	}
	a.saved = time.Now()
	now := chat.Answer{Parts: slices.Clone(a.parts)} // the clone does not change
	a.writing.Go(func() {
		defer a.saving.Store(false)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.w.opts.LogTimeout)
		defer cancel()
		if err := a.w.store.Checkpoint(ctx, a.claim.ID, a.claim.Attempt, now); err != nil {
			a.w.opts.Logger.Debug("worker: the checkpoint failed", "task", a.claim.ID, "err", err)
		}
	})
}
