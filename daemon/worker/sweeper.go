package worker

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"chat"
	"chat/internal/crash"
)

// SweepStore is what a sweeper needs of SQL; *sql.Store satisfies it.
type SweepStore interface {
	// CheckClock records the database's clock, so that Sweep can detect that it was set.
	CheckClock(ctx context.Context) error
	// Sweep queues the tasks whose lease has expired again, and returns the spent ones
	// (no attempt left, or a cancellation requested) for EndExpired.
	Sweep(ctx context.Context) (requeued, spent []chat.Task, err error)
	EndExpired(ctx context.Context, r chat.Result) error
	Queued(ctx context.Context, limit int) ([]chat.Task, error)
}

// SweepLog is what a sweeper needs of the chunk log.
type SweepLog interface {
	Read(ctx context.Context, taskID string) (chat.Answer, error)
	Publish(ctx context.Context, e chat.TaskEvent) error
}

// SweepQueue notifies for queued tasks whose wake-up was lost.
type SweepQueue interface {
	NotifyIfEmpty(ctx context.Context, tasks []chat.Task) (int, error)
}

// SweepModel is what a sweeper needs of the models.
type SweepModel interface {
	// Abandon ends an answer that no attempt will ask for again, if the provider still makes
	// it and ctx leaves the time.
	Abandon(ctx context.Context, t chat.Task)
}

// Sweeper ensures that every task that has not ended is held by a live worker or waits for
// one. Every instance runs one, whatever its role.
type Sweeper struct {
	Store    SweepStore
	Log      SweepLog
	Queue    SweepQueue
	Model    SweepModel
	Interval time.Duration // chat.SweepInterval by default, with jitter
	Lease    time.Duration // chat.LeaseDuration by default
	Grace    time.Duration // before the first sweep, for workers that could not renew before
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
	answered := time.Now() // when SQL answered last
	grace := answered.Add(s.Grace)
	for ctx.Err() == nil {
		began := time.Now()
		// While SQL was unreachable no worker could renew, so the workers come first. It
		// may have been unreachable while this process was paused.
		if began.Sub(answered) > max(s.Lease, 2*s.Interval) {
			grace = began.Add(s.Lease)
		}
		pass := s.Sweep
		if began.Before(grace) {
			pass = s.wait
		}
		switch err := pass(ctx); {
		case err == nil:
			answered = began
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
	var abandoned sync.WaitGroup // at the same time: one provider may be unreachable
	defer abandoned.Wait()
	for _, t := range spent {
		switch state, err := s.end(ctx, t); {
		case err != nil && !chat.IsCode(err, chat.CodeConflict):
			return err
		case err == nil && state != chat.TaskDone && t.Upstream != "":
			abandoned.Go(func() {
				ctx, cancel := s.withTimeout(ctx)
				defer cancel()
				s.Model.Abandon(ctx, t)
			})
		}
	}
	return s.notify(ctx)
}

func (s Sweeper) overdue(ctx context.Context) (requeued, spent []chat.Task, err error) {
	ctx, cancel := s.withTimeout(ctx)
	defer cancel()
	return s.Store.Sweep(ctx)
}

// withTimeout bounds one query.
func (s Sweeper) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, cmp.Or(s.Timeout, 10*time.Second))
}

// wait is a pass that leaves the workers time to renew.
func (s Sweeper) wait(ctx context.Context) error {
	query, cancel := s.withTimeout(ctx)
	defer cancel()
	if err := s.Store.CheckClock(query); err != nil {
		return err
	}
	return s.notify(ctx)
}

// notify wakes workers for tasks whose wake-up was lost. An unreachable Redis is no error:
// workers poll.
func (s Sweeper) notify(ctx context.Context) error {
	query, cancel := s.withTimeout(ctx)
	defer cancel()
	queued, err := s.Store.Queued(query, 100)
	if err != nil {
		return err
	}
	if _, err := s.Queue.NotifyIfEmpty(ctx, queued); err != nil {
		s.Logger.Debug("sweeper: no wake-ups; workers poll", "err", err)
	}
	return nil
}

// end ends a spent task with what its log still holds, and returns its final state.
func (s Sweeper) end(ctx context.Context, t chat.Task) (chat.TaskState, error) {
	saved, err := s.Log.Read(ctx, t.ID)
	if err != nil {
		s.Logger.Warn("sweeper: the log cannot be read; what SQL holds is kept", "task", t.ID, "err", err)
	}
	r := chat.Result{
		TaskID: t.ID, Kind: t.Kind, Attempt: t.Attempt, State: chat.TaskInterrupted,
		Parts: saved.Parts, Model: t.Model,
		Err: chat.Retryable(chat.Errorf(chat.CodeAttemptsSpent, "every attempt lost its worker: send the message again")),
	}
	if short := incomplete(t.Kind, saved.FinishReason, saved.Parts); saved.Complete && short != nil {
		r.Err = short
	} else if saved.Complete { // an attempt received the complete answer but could not commit it
		r.State, r.FinishReason, r.Err = chat.TaskDone, saved.FinishReason, mismatchOf(&t, saved.FinishReason, saved.Parts)
	}
	if t.CancelRequested {
		r.State, r.FinishReason, r.Err = chat.TaskCancelled, "cancelled", nil
	}
	crash.Here(crash.SweeperBeforeEnd)
	query, cancel := s.withTimeout(ctx)
	defer cancel()
	if err := s.Store.EndExpired(query, r); err != nil {
		return "", err
	}
	s.Logger.Info("sweeper: the task is ended; its worker is gone", "task", t.ID, "attempt", t.Attempt)
	if err := s.Log.Publish(ctx, chat.TaskEvent{Type: chat.EventEnded, TaskID: t.ID}); err != nil {
		s.Logger.Debug("sweeper: the event of the end is not published; followers find the end in SQL", "task", t.ID, "err", err)
	}
	return r.State, nil
}
