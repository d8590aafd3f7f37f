package worker

import (
	"context"
	"errors"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/internal/crash"
)

// maxRefusals is how many attempts a task may have before a refusal because of a rate limit counts
// as one of chat.MaxAttempts, although the provider says how long to wait.
const maxRefusals = 10

// limitOf is what a task waits for.
func limitOf(provider string) string { return "the rate limit of " + provider }

// retry returns the task to the queue after an error, or ends it if no attempt can follow. A task
// that only waits for a rate limit has not used an attempt.
func (a *attempt) retry(ctx, work context.Context, err error) string {
	if a.again && len(a.parts) == 0 {
		a.model = a.claim.Failover.Failed[0].Model
	}
	if wait, ok := errors.AsType[*model.WaitError](err); ok {
		return a.requeue(ctx, work, chat.Release{Delay: wait.Wait, Waiting: limitOf(wait.Provider)})
	}
	e := chat.AsError(err)
	refused := e.Code == chat.CodeProviderRateLimit && e.Retryable && e.RetryAfter > 0 && a.claim.Attempt < maxRefusals && a.limiter != ""
	if e.Retryable && (refused || !a.claim.LastAttempt) && a.claim.Kind != chat.KindTitle {
		h, n := chat.Release{Counts: !refused, Err: e}, a.claim.Counted
		if refused {
			h.Waiting, n = limitOf(a.limiter), a.claim.Attempt
		}
		h.Delay = max(chat.Backoff(n, a.w.opts.RetryBase, a.w.opts.RetryLimit), e.RetryAfter)
		return a.requeue(ctx, work, h)
	}
	a.failed()
	return a.fail(ctx, work, e)
}

// requeue releases the task with what was received so far.
func (a *attempt) requeue(ctx, work context.Context, h chat.Release) string {
	a.endReasoning()
	h.TaskID, h.Attempt, h.Notices, h.Parts, h.Model, h.Again = a.claim.ID, a.claim.Attempt, a.notices, a.parts, a.model, a.again
	if a.log != nil {
		if _, err := a.seal(ctx, chat.Result{}, a.w.opts.LogTimeout); err != nil {
			a.w.opts.Logger.Debug("worker: the log is behind", "task", h.TaskID, "err", err)
		}
	}
	crash.Here(crash.WorkerBeforeRelease)
	err := a.writeWithRetry(ctx, work, func(ctx context.Context) error { return a.w.store.Release(ctx, h) })
	switch {
	case errors.Is(err, chat.ErrCancelWon):
		return a.cancelled(ctx, work)
	case err != nil:
		return "lost: " + err.Error()
	}
	crash.Here(crash.WorkerAfterRelease)
	a.w.notifyAfter(work, a.claim.Task, h.Delay)
	return "queued again"
}

// notifyAfter wakes a worker when a retry is due. If this process ends first, a sweeper
// does.
func (w *Worker) notifyAfter(ctx context.Context, t chat.Task, d time.Duration) {
	w.tasks.Go(func() {
		pause(ctx, d)
		notify, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.opts.LogTimeout)
		defer cancel()
		if err := w.queue.Notify(notify, t.Priority, t.ID); err != nil {
			w.opts.Logger.Debug("worker: no wake-up for a retry; a sweeper sends one", "task", t.ID, "err", err)
		}
	})
}
