package worker

import (
	"context"
	"time"

	"chat"
)

// checkpoint saves what was received so far, at most every Options.Checkpoint
// and one write at a time. The stream does not wait for it.
func (a *attempt) checkpoint(ctx context.Context) {
	if a.w.opts.Checkpoint <= 0 || time.Since(a.saved) < a.w.opts.Checkpoint || !a.saving.CompareAndSwap(false, true) {
		return
	}
	a.saved = time.Now()
	// Neither text changes any more, whatever is appended to its builder.
	now := chat.Answer{Content: a.content.String(), Reasoning: a.reasoning.String(), ReasoningMS: a.reasoned()}
	a.writing.Go(func() {
		defer a.saving.Store(false)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.w.opts.LogPatience)
		defer cancel()
		if err := a.w.store.Checkpoint(ctx, a.claim.ID, a.claim.Attempt, now); err != nil {
			a.w.opts.Logger.Debug("worker: not saved on the way", "task", a.claim.ID, "err", err)
		}
	})
}
