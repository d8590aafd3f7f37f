package worker

import (
	"context"
	"errors"
	"time"

	"chat"
)

// keepUpstream stores where the provider can be asked for this answer again. The answer
// waits for it: it would be paid for twice if it could not be found.
func (a *attempt) keepUpstream(run context.Context, upstream string) error {
	err := a.read(run, "where the answer is made", func(ctx context.Context) error {
		return a.w.store.SetUpstream(ctx, a.claim.ID, a.claim.Attempt, upstream)
	})
	if errors.Is(err, chat.ErrFenced) {
		return errLeaseLost
	}
	a.claim.Upstream = upstream
	return err
}

// abandon ends the answer at the provider, if it is still made there.
func (a *attempt) abandon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.w.opts.StoreTimeout)
	defer cancel()
	a.w.model.Abandon(ctx, a.claim.Task)
}

// thread reads the messages to answer.
func (a *attempt) thread(ctx context.Context) (t chat.Thread, err error) {
	err = a.read(ctx, "the thread", func(ctx context.Context) (err error) {
		t, err = a.w.store.Thread(ctx, a.claim.ID)
		return err
	})
	return t, err
}

// attachment reads an image or a file of the thread.
func (a *attempt) attachment(ctx context.Context, digest string) (found chat.Attachment, err error) {
	err = a.read(ctx, "an attachment", func(ctx context.Context) (err error) {
		found, err = a.w.store.Attachment(ctx, a.claim.Owner, digest)
		return err
	})
	return found, err
}

// read runs a query and repeats it until it succeeds or the attempt ends: an unreachable
// database is not a failure of the attempt.
func (a *attempt) read(ctx context.Context, what string, run func(context.Context) error) error {
	for n := 1; ; n++ {
		query, cancel := context.WithTimeout(ctx, a.w.opts.StoreTimeout)
		err := run(query)
		cancel()
		if err == nil || ctx.Err() == nil && !chat.AsError(err).Retryable {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		a.w.opts.Logger.Warn("worker: the database cannot be read yet", "task", a.claim.ID, "what", what, "err", err)
		pause(ctx, chat.Backoff(n, 200*time.Millisecond, 3*time.Second))
	}
}
