package worker

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"chat"
	"chat/internal/crash"
)

// SweepStore is what a sweeper needs of SQL; *sql.Store satisfies it.
type SweepStore interface {
	// CheckClock records how the database's clock stands, so that Sweep can tell whether it was set.
	CheckClock(ctx context.Context) error
	// Sweep queues again the tasks whose lease has expired, and returns those
	// that are spent (no attempt left, or a cancel requested) for EndExpired.
	Sweep(ctx context.Context) (requeued, spent []chat.Task, err error)
	EndExpired(ctx context.Context, r chat.Result) error
	Queued(ctx context.Context, limit int) ([]chat.Task, error)
}

// SweepLog is what a sweeper needs of the chunk log.
type SweepLog interface {
	Read(ctx context.Context, taskID string) (chat.Answer, error)
	Hint(ctx context.Context, kind, taskID string) error
}

// SweepQueue notifies for queued tasks whose wake-up was lost.
type SweepQueue interface {
	NotifyIfEmpty(ctx context.Context, tasks []chat.Task) (int, error)
}

// Sweeper sees to it that every task that is not terminal has a live owner or
// waits for a worker. One runs in every instance, whatever its role.
type Sweeper struct {
	Store    SweepStore
	Log      SweepLog
	Queue    SweepQueue
	Interval time.Duration // chat.SweepInterval by default, with jitter
	Lease    time.Duration // chat.LeaseDuration by default
	Grace    time.Duration // before the first sweep, for owners that could not renew before
	Timeout  time.Duration // bounds one query; 10 s by default
	Logger   *slog.Logger
}

// Run sweeps until ctx ends.
func (s Sweeper) Run(ctx context.Context) {
	if s.Interval <= 0 {
		s.Interval = chat.SweepInterval
	}
	if s.Lease <= 0 {
		s.Lease = chat.LeaseDuration
	}
	heard := time.Now() // at the latest, SQL answered then
	grace := heard.Add(s.Grace)
	for ctx.Err() == nil {
		began := time.Now()
		// While SQL was away nobody could renew: the owners come first. It may have
		// been away while we were held up and asked nothing.
		if began.Sub(heard) > max(s.Lease, 2*s.Interval) {
			grace = began.Add(s.Lease)
		}
		pass := s.Sweep
		if began.Before(grace) {
			pass = s.wait
		}
		switch err := pass(ctx); {
		case err == nil:
			heard = began
		case ctx.Err() == nil:
			grace = time.Now().Add(s.Lease)
			s.Logger.Warn("sweeper: will try again", "err", err)
		}
		pause(ctx, s.Interval*3/4+rand.N(s.Interval/2+1))
	}
}

// Sweep makes one pass.
func (s Sweeper) Sweep(ctx context.Context) error {
	requeued, spent, err := s.overdue(ctx)
	if err != nil {
		return err
	}
	for _, t := range requeued {
		s.Logger.Info("sweeper: a lease expired; the task is queued again", "task", t.ID, "attempt", t.Attempt, "worker", t.Worker)
	}
	for _, t := range spent {
		if err := s.end(ctx, t); err != nil && !chat.IsCode(err, chat.CodeConflict) {
			return err
		}
	}
	return s.notify(ctx)
}

func (s Sweeper) overdue(ctx context.Context) (requeued, spent []chat.Task, err error) {
	ctx, cancel := s.patiently(ctx)
	defer cancel()
	return s.Store.Sweep(ctx)
}

// patiently bounds one question to SQL.
func (s Sweeper) patiently(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, cmp.Or(s.Timeout, 10*time.Second))
}

// wait is the pass of one who leaves owners their time.
func (s Sweeper) wait(ctx context.Context) error {
	asking, cancel := s.patiently(ctx)
	defer cancel()
	if err := s.Store.CheckClock(asking); err != nil {
		return err
	}
	return s.notify(ctx)
}

// notify wakes workers for tasks whose wake-up was lost. Redis being away is not an
// error of SQL, and says nothing of the leases.
func (s Sweeper) notify(ctx context.Context) error {
	asking, cancel := s.patiently(ctx)
	defer cancel()
	queued, err := s.Store.Queued(asking, 100)
	if err != nil {
		return err
	}
	if _, err := s.Queue.NotifyIfEmpty(ctx, queued); err != nil {
		s.Logger.Debug("sweeper: no wake-ups; workers poll", "err", err)
	}
	return nil
}

// end closes a task that no worker will, with what its log still holds.
func (s Sweeper) end(ctx context.Context, t chat.Task) error {
	left, err := s.Log.Read(ctx, t.ID)
	if err != nil {
		s.Logger.Warn("sweeper: the log cannot be read; what SQL holds is kept", "task", t.ID, "err", err)
	}
	r := chat.Result{
		TaskID: t.ID, Attempt: t.Attempt, State: chat.TaskInterrupted,
		Parts: left.Parts, Model: t.Model,
		Err: chat.Retryable(chat.Errorf(chat.CodeAttemptsSpent, "every attempt lost its worker; send the message again")),
	}
	if left.Complete { // received whole by an attempt that could not commit it
		r.State, r.FinishReason, r.Err = chat.TaskDone, left.FinishReason, nil
	}
	if t.CancelRequested {
		r.State, r.FinishReason, r.Err = chat.TaskCancelled, "cancelled", nil
	}
	crash.Here(crash.SweeperBeforeLastRite)
	asking, cancel := s.patiently(ctx)
	defer cancel()
	if err := s.Store.EndExpired(asking, r); err != nil {
		return err
	}
	s.Logger.Info("sweeper: the task's worker is gone for good", "task", t.ID, "attempt", t.Attempt)
	if err := s.Log.Hint(ctx, "ended", t.ID); err != nil {
		s.Logger.Debug("sweeper: followers will notice by themselves", "task", t.ID, "err", err)
	}
	return nil
}
