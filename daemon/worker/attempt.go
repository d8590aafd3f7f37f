package worker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/internal/crash"
)

// attempt is one attempt at a claimed task, and its state.
type attempt struct {
	w     *Worker
	claim chat.Claim

	log     LogWriter
	writing sync.WaitGroup
	stale   bool // the log found a newer attempt; read after writing.Wait

	saved  time.Time // the last checkpoint
	saving atomic.Bool

	parts     chat.Parts
	first     time.Time // when the first of the answer came
	reasoning time.Time // when the reasoning that is the last part began, zero if it is not
	finish    *model.Finish
	notices   []string
}

// run makes the attempt, from its log's beginning to the commit. ctx ends with
// errCancelled, errLeaseLost or errShutdown as its cause; work is its parent, which
// outlives the attempt. Neither run nor what it calls until the answer is in has a
// large frame: a thousand answers are a thousand stacks.
func (a *attempt) run(ctx, work context.Context) {
	logger := a.w.opts.Logger.With("task", a.claim.ID, "attempt", a.claim.Attempt)
	logger.Info("attempt started", "model", a.claim.Model, "priority", a.claim.Priority)
	limit := a.w.opts.Deadline
	if a.claim.DeadlineSeconds > 0 {
		limit = time.Duration(a.claim.DeadlineSeconds) * time.Second
	}
	late := chat.Errorf(chat.CodeDeadline, "the answer took longer than the task's deadline of %s", limit)
	run, stop := context.WithTimeoutCause(ctx, limit, late)
	defer stop()

	a.saved = time.Now()
	err := a.try(run)
	if a.log != nil {
		a.log.Stop()
		a.writing.Wait()
	}
	if a.stale {
		err = errLeaseLost
	}
	outcome := a.settle(ctx, work, err)
	logger.Info("attempt ended", "outcome", outcome, "bytes", a.parts.Len(), "err", err)
}

// try is make, with a panic as a failure that counts: it must not take the other
// answers of this process along.
func (a *attempt) try(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			a.w.opts.Logger.Error("worker: an attempt panicked", "task", a.claim.ID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = chat.Retryable(chat.Errorf(chat.CodeInternal, "making the answer met a defect of chat; the daemon's log has more"))
		}
	}()
	return a.make(ctx)
}

// make streams the answer into the log. It returns nil only with a.finish set.
func (a *attempt) make(ctx context.Context) error {
	run, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stream, err := a.begin(ctx, run, stop)
	if err != nil || a.finish != nil {
		return err
	}
	return a.receive(ctx, run, stream)
}

// begin reads the thread, opens the log and asks the model; or it finds the whole
// answer in the log. run is ended when the log turns out to be another's.
func (a *attempt) begin(ctx, run context.Context, stop context.CancelCauseFunc) (iter.Seq2[model.Event, error], error) {
	crash.Here(crash.WorkerAfterClaim)
	system, thread, err := a.thread(ctx)
	if err != nil {
		return nil, err
	}
	a.claim.Model = a.w.model.Name(ctx, a.claim.Task)
	log, left, err := a.w.log.Begin(ctx, a.claim.Task, a.w.lease.trusted)
	if err != nil {
		return nil, errLeaseLost // the only error: a newer attempt owns the log
	}
	a.log = log
	a.writing.Go(func() {
		if err := log.Run(context.WithoutCancel(ctx)); err != nil {
			a.stale = true
			stop(errLeaseLost)
		}
	})
	if left.Complete {
		a.adoptPrevious(left)
		return nil, nil
	}
	crash.Here(crash.WorkerBeforeStream)
	return a.w.model.Stream(run, a.claim.Task, model.Request{Model: a.claim.Task.Model, System: system, Messages: thread}), nil
}

// receive takes the answer.
func (a *attempt) receive(ctx, run context.Context, stream iter.Seq2[model.Event, error]) error {
	for d, err := range stream {
		if err != nil {
			if cause := context.Cause(run); cause != nil {
				return cause
			}
			return err
		}
		if d.Finish != nil {
			crash.Here(crash.WorkerAfterLastToken)
			a.finish = d.Finish
			return nil
		}
		if d.Notice != "" {
			a.addNotice(d.Notice)
			continue
		}
		crash.Here(crash.WorkerMidAnswer)
		if d.Retype {
			a.retype(d.Chunk.Type)
		}
		a.add(d.Chunk)
		a.checkpoint(ctx)
	}
	return chat.Retryable(chat.Errorf(chat.CodeProviderCut, "the provider's stream ended without an end"))
}

// thread reads what is to be answered. That SQL is away is no failure of the
// attempt: it is asked until the attempt ends.
func (a *attempt) thread(ctx context.Context) (system string, thread []chat.Message, err error) {
	for n := 1; ; n++ {
		asking, cancel := context.WithTimeout(ctx, a.w.opts.StoreTimeout)
		system, thread, err = a.w.store.Thread(asking, a.claim.ID)
		cancel()
		if err == nil || ctx.Err() == nil && !chat.AsError(err).Retryable {
			return system, thread, err
		}
		if ctx.Err() != nil {
			return "", nil, context.Cause(ctx)
		}
		a.w.opts.Logger.Warn("worker: cannot read the thread yet", "task", a.claim.ID, "err", err)
		pause(ctx, chat.Backoff(n, 200*time.Millisecond, 3*time.Second))
	}
}

// adoptPrevious takes an answer that an earlier attempt received whole but could not
// commit, instead of buying it again.
func (a *attempt) adoptPrevious(left chat.Answer) {
	a.replay(left.Parts)
	a.finish = &model.Finish{Reason: left.FinishReason}
}

// settle decides what the attempt comes to and writes it down.
func (a *attempt) settle(ctx, work context.Context, err error) string {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(err, errLeaseLost) || errors.Is(cause, errLeaseLost):
		return "lost" // somebody else's now: not another word about it
	case errors.Is(err, errCancelled) || errors.Is(cause, errCancelled):
		return a.commit(ctx, work, chat.Result{State: chat.TaskCancelled, FinishReason: "cancelled"})
	case err == nil:
		r := chat.Result{State: chat.TaskDone, FinishReason: a.finish.Reason, Usage: a.finish.Usage, Model: a.finish.Model}
		return a.commit(ctx, work, r)
	case errors.Is(err, errShutdown) || errors.Is(cause, errShutdown):
		return a.requeue(ctx, work, chat.Release{Err: chat.Errorf(chat.CodeDraining, "the worker was shut down")})
	}
	e := chat.AsError(err)
	if e.Retryable && !a.claim.LastAttempt {
		delay := chat.Backoff(a.claim.Attempt, a.w.opts.RetryBase, a.w.opts.RetryLimit)
		return a.requeue(ctx, work, chat.Release{Counts: true, Delay: max(delay, e.RetryAfter), Err: e})
	}
	return a.fail(ctx, work, e)
}

// fail ends the task with the longest text that any attempt received.
func (a *attempt) fail(ctx, work context.Context, e *chat.Error) string {
	var saved chat.Answer
	err := a.writeWithRetry(ctx, work, func(ctx context.Context) (err error) {
		saved, err = a.w.store.Partial(ctx, a.claim.ID)
		return err
	})
	if err != nil { // nothing is known of what SQL holds, so nothing is written over it
		return "lost: " + err.Error()
	}
	if saved.Parts.Len() > a.parts.Len() {
		a.drop()
		a.replay(saved.Parts)
	}
	state := chat.TaskFailed
	if len(a.parts) > 0 {
		state = chat.TaskInterrupted
	}
	return a.commit(ctx, work, chat.Result{State: state, Err: e})
}

// commit settles the log, commits the result to SQL, however long that takes,
// and only then publishes the terminal chunk.
func (a *attempt) commit(ctx, work context.Context, r chat.Result) string {
	a.endReasoning()
	r.TaskID, r.Attempt, r.Notices, r.Parts = a.claim.ID, a.claim.Attempt, a.notices, a.parts
	if r.Model == "" {
		r.Model = a.claim.Model
	}
	if a.log != nil {
		n, err := a.settleLog(ctx, r, min(settleTimeout, a.w.opts.LogTimeout))
		if err != nil {
			a.w.opts.Logger.Warn("worker: the log is behind; readers will find the answer in SQL", "task", r.TaskID, "err", err)
		}
		r.ChunkCount = n + 1
	}
	crash.Here(crash.WorkerBeforeCommit)
	err := a.writeWithRetry(ctx, work, func(ctx context.Context) error {
		err := a.w.store.Finish(ctx, r)
		if errors.Is(err, chat.ErrCancelWon) {
			r.State, r.FinishReason, r.Err = chat.TaskCancelled, "cancelled", nil
			err = a.w.store.Finish(ctx, r)
		}
		return err
	})
	if err != nil {
		return "lost: " + err.Error()
	}
	crash.Here(crash.WorkerAfterCommit)
	a.w.model.Forget(r.TaskID)
	a.end(ctx, r)
	return string(r.State)
}

// settleTimeout is how long a whole answer waits for Redis before it goes to SQL,
// which is where it is safe.
const settleTimeout = 250 * time.Millisecond

// settleLog sends what the log still holds, waiting for Redis for so long.
func (a *attempt) settleLog(ctx context.Context, r chat.Result, patience time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return a.log.Seal(ctx, r.FinishReason, r.State == chat.TaskDone)
}

// end publishes the terminal chunk, or at least the hint that there is an end.
func (a *attempt) end(ctx context.Context, r chat.Result) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.w.opts.LogTimeout)
	defer cancel()
	done := chat.Task{
		ID: r.TaskID, MessageID: a.claim.MessageID, State: r.State,
		FinishReason: r.FinishReason, Usage: r.Usage, Error: r.Err, Notices: r.Notices,
	}
	terminal, _ := done.TerminalChunk(r.Attempt, r.ChunkCount-1)
	var err error
	if a.log != nil {
		err = a.log.Close(ctx, terminal)
	}
	if a.log == nil || err != nil {
		err = a.w.log.Hint(ctx, "ended", r.TaskID)
	}
	if err != nil {
		a.w.opts.Logger.Warn("worker: the end was not published; readers will find it in SQL", "task", r.TaskID, "err", err)
	}
}

// requeue hands the task back with what was received so far.
func (a *attempt) requeue(ctx, work context.Context, h chat.Release) string {
	a.endReasoning()
	h.TaskID, h.Attempt, h.Notices, h.Parts = a.claim.ID, a.claim.Attempt, a.notices, a.parts
	if a.log != nil {
		if _, err := a.settleLog(ctx, chat.Result{}, a.w.opts.LogTimeout); err != nil {
			a.w.opts.Logger.Debug("worker: the log is behind", "task", h.TaskID, "err", err)
		}
	}
	crash.Here(crash.WorkerBeforeHandback)
	err := a.writeWithRetry(ctx, work, func(ctx context.Context) error { return a.w.store.Requeue(ctx, h) })
	switch {
	case errors.Is(err, chat.ErrCancelWon):
		return a.commit(ctx, work, chat.Result{State: chat.TaskCancelled, FinishReason: "cancelled"})
	case err != nil:
		return "lost: " + err.Error()
	}
	crash.Here(crash.WorkerAfterHandback)
	a.w.notifyAfter(work, a.claim.Task, h.Delay)
	return "queued again"
}

// writeWithRetry tries a fenced write until it succeeds or is refused for good. While
// SQL is away the answer is held here, and no done is published; but once the
// worker is to end, three tries or Options.ShutdownTimeout are enough: the log keeps the
// answer, and the next attempt salvages it.
func (a *attempt) writeWithRetry(ctx, work context.Context, write func(context.Context) error) error {
	writing, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	defer context.AfterFunc(work, func() { time.AfterFunc(a.w.opts.ShutdownTimeout, giveUp) })()
	for n := 1; ; n++ {
		trying, cancel := context.WithTimeout(writing, a.w.opts.StoreTimeout)
		err := write(trying)
		cancel()
		if err == nil || errors.Is(err, chat.ErrFenced) || errors.Is(err, chat.ErrCancelWon) || chat.IsCode(err, chat.CodeNotFound) {
			return err
		}
		a.w.opts.Logger.Warn("worker: cannot write the result yet; it is held in memory", "task", a.claim.ID, "err", err)
		if writing.Err() != nil || context.Cause(work) != nil && n >= 3 {
			return err
		}
		pause(writing, chat.Backoff(n, 200*time.Millisecond, 3*time.Second))
	}
}

// notifyAfter wakes a worker when a retry is due. If this process ends before, a
// sweeper does.
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
