package worker

import (
	"cmp"
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
	model string // the name of the model that answers; claim.Model is the name that was asked for

	given     chat.Thread // what the task reads, with the system prompt of the request
	estimated int         // its tokens

	req     model.Request
	log     LogWriter
	writing sync.WaitGroup
	// unlogged says that the text is an intermediate one, which readers do not get.
	unlogged bool
	stale    bool // the log belongs to a newer attempt; read after writing.Wait

	saved  time.Time // the last checkpoint
	saving atomic.Bool

	wantsTitle bool // of the conversation, by a model

	begun     chat.Parts // the parts with which the answer begins, if it continues another
	parts     chat.Parts
	first     time.Time // when the first text came
	reasoning time.Time // when the reasoning that is the last part began, zero if it is not
	finish    *model.Finish
	adopted   bool        // the answer is that of an earlier attempt
	mismatch  *chat.Error // the answer is not in its Format
	notices   []string

	turn     *model.Turn // the right to ask the model, nil before and after
	waited   bool        // the task waited for the turn
	repeated bool        // the model was asked once more already
	again    bool        // no model answered: the next attempt asks the first one again
	firstErr error       // of the first model, if another one was asked
	// lastReason is why the last model did not answer, if another one was asked before.
	lastReason string
	limiter    string // the provider that was asked, if it has limits
}

// run makes the attempt, from the first entry of its log to the commit. ctx ends with
// errCancelled, errLeaseLost or errShutdown as its cause; work is its parent, which
// outlives the attempt. Neither run nor what it calls until the answer is complete has a
// large frame: a thousand answers are a thousand stacks.
func (a *attempt) run(ctx, work context.Context) {
	logger := a.w.opts.Logger.With("task", a.claim.ID, "attempt", a.claim.Attempt)
	logger.Info("attempt started", "model", a.claim.Model, "priority", a.claim.Priority)
	limit := a.w.opts.Deadline
	if a.claim.DeadlineSeconds > 0 {
		limit = time.Duration(a.claim.DeadlineSeconds) * time.Second
	}
	late := chat.Errorf(chat.CodeDeadline, "the answer took longer than the task's deadline of %s", limit)
	limited, stop := context.WithTimeoutCause(ctx, limit, late)
	defer stop()

	a.saved = time.Now()
	err := a.generateOrRecover(limited)
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

// generateOrRecover is generate with a panic as a failure that counts: it must not end the
// other answers of this process.
func (a *attempt) generateOrRecover(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			a.w.opts.Logger.Error("worker: an attempt panicked", "task", a.claim.ID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = chat.Retryable(chat.Errorf(chat.CodeInternal, "the worker met a defect of chat: the daemon's log has more"))
		}
	}()
	return a.generate(ctx)
}

// generate makes the answer in steps and writes it to the log. It returns nil only with
// a.finish set.
func (a *attempt) generate(ctx context.Context) error {
	run, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer a.endTurn()
	var wait error
	if a.claim.Attempt == 1 || a.claim.Waiting != nil { // no earlier attempt has left an answer to adopt
		if wait = a.admit(ctx); isWait(wait) && (a.claim.Failover == nil || !isReason(wait, false)) {
			return wait // before readers see anything of this attempt
		}
	}
	err := a.begin(ctx, stop)
	if err != nil {
		return err
	}
	if a.finish == nil && a.claim.Kind == chat.KindSummary {
		if err, wait = cmp.Or(wait, a.admit(ctx)), nil; err == nil {
			err = a.summarize(ctx, run)
		}
	}
	for err == nil && a.finish == nil {
		if err, wait = wait, nil; err == nil {
			err = a.admit(ctx)
		}
		if err == nil {
			err = a.step(ctx, run)
		}
		if err != nil {
			err = a.failOver(ctx, run, err)
		}
	}
	err = a.afterRefusal(ctx, err)
	if a.claim.Kind != chat.KindAnswer {
		return a.ensureComplete(err)
	}
	return a.ensureFormat(ctx, run, err)
}

// begin reads the thread and opens the log; or it adopts the complete answer that the
// log holds. stop is called when the log turns out to belong to a newer attempt.
func (a *attempt) begin(ctx context.Context, stop context.CancelCauseFunc) error {
	crash.Here(crash.WorkerAfterClaim)
	thread, err := a.thread(ctx)
	if err != nil {
		return err
	}
	a.wantsTitle = thread.WantsTitle
	if a.claim.Continues != "" {
		if a.begun, err = a.beginning(ctx); err != nil {
			return err
		}
	}
	logged := a.claim.Task
	logged.Model = a.w.model.Name(ctx, a.claim.Task)
	a.model = logged.Model
	log, previous, err := a.w.log.Begin(ctx, logged, a.w.lease.trusted)
	if err != nil {
		return errLeaseLost // the only error: a newer attempt owns the log
	}
	a.log = log
	a.writing.Go(func() {
		if err := log.Run(context.WithoutCancel(ctx)); err != nil {
			a.stale = true
			stop(errLeaseLost)
		}
	})
	if previous.Complete {
		a.adoptPrevious(previous)
	} else {
		a.replay(a.begun)
	}
	a.req = model.Request{
		Model: a.claim.Model, Attachment: a.attachment, Key: a.claim.ID, Conversation: a.claim.ConversationID,
		Upstream: a.claim.Upstream, Partial: a.begun.Text(),
	}
	if p := a.claim.Parameters; p != nil {
		a.req.Parameters = *p
		if p.Instructions != nil {
			thread.System = *p.Instructions
		}
	}
	a.given = thread
	a.compose()
	if a.adopted {
		return nil
	}
	return a.fit(ctx)
}

// step streams one answer of the model. It sets a.finish, unless another step follows. run
// ends before ctx does if the log belongs to a newer attempt.
func (a *attempt) step(ctx, run context.Context) error {
	crash.Here(crash.WorkerBeforeStream)
	for e, err := range a.open(run) {
		if err != nil {
			if cause := context.Cause(run); cause != nil {
				return cause
			}
			return err
		}
		if e.Finish != nil {
			crash.Here(crash.WorkerAfterLastToken)
			a.finish = e.Finish
			if u := e.Finish.Usage; u != nil && a.claim.Kind == chat.KindAnswer {
				a.w.factors.learn(a.model, u.PromptTokens, a.estimated)
			}
			return nil
		}
		if err := a.take(ctx, run, e); err != nil {
			return err
		}
	}
	return chat.Retryable(chat.Errorf(chat.CodeProviderCut, "the provider's stream ended without an end"))
}

// open returns the answer of the model. Its frame, which has copies of the task and of the
// request, is not held during the answer.
//
//go:noinline
func (a *attempt) open(ctx context.Context) iter.Seq2[model.Event, error] {
	req := a.req
	req.Turn = a.turn
	return a.w.model.Stream(ctx, a.claim.Task, req)
}

// take adds what an event says to the answer.
func (a *attempt) take(ctx, run context.Context, e model.Event) error {
	switch {
	case e.Notice != "":
		a.addNotice(e.Notice)
		return nil
	case e.Upstream != "":
		return a.keepUpstream(run, e.Upstream)
	}
	crash.Here(crash.WorkerMidAnswer)
	switch {
	case e.Void:
		a.drop()
		a.replay(a.begun)
	case e.Retype:
		a.retype(e.Chunk.Type)
	}
	a.add(e.Chunk)
	a.checkpoint(ctx)
	return nil
}

// adoptPrevious uses the complete answer that an earlier attempt received but could not
// commit, instead of paying for another one.
func (a *attempt) adoptPrevious(previous chat.Answer) {
	a.replay(previous.Parts)
	a.finish, a.adopted = &model.Finish{Reason: previous.FinishReason}, true
}

// settle decides the outcome of the attempt and writes it.
func (a *attempt) settle(ctx, work context.Context, err error) string {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(err, errLeaseLost) || errors.Is(cause, errLeaseLost):
		return "lost" // a newer attempt owns the task: write nothing
	case errors.Is(err, errCancelled) || errors.Is(cause, errCancelled):
		return a.cancelled(ctx, work)
	case err == nil:
		a.answered()
		r := chat.Result{State: chat.TaskDone, FinishReason: a.finish.Reason, Usage: a.finish.Usage, Model: a.finish.Model, Err: a.mismatch}
		return a.commit(ctx, work, r)
	case errors.Is(err, errShutdown) || errors.Is(cause, errShutdown):
		return a.requeue(ctx, work, chat.Release{Err: chat.Errorf(chat.CodeDraining, "the worker was shut down")})
	}
	if wait := asTooLong(err); wait != nil {
		return a.awaitSummary(ctx, work, wait)
	}
	return a.retry(ctx, work, err)
}

// fail ends the task with the longest text that any attempt received.
func (a *attempt) fail(ctx, work context.Context, e *chat.Error) string {
	if err := a.keepLongest(ctx, work); err != nil { // SQL may hold a longer text, so nothing overwrites it
		return "lost: " + err.Error()
	}
	if e.Retryable { // otherwise the provider has done so
		a.abandon(ctx)
	}
	state := chat.TaskFailed
	if len(a.parts) > 0 {
		state = chat.TaskInterrupted
	}
	return a.commit(ctx, work, chat.Result{State: state, Err: e})
}

// commit seals the log, commits the result to SQL, however long that takes, and only
// then publishes the terminal chunk.
func (a *attempt) commit(ctx, work context.Context, r chat.Result) string {
	a.endReasoning()
	r.TaskID, r.Kind, r.Attempt, r.Notices, r.Parts = a.claim.ID, a.claim.Kind, a.claim.Attempt, a.notices, a.parts
	if a.switched() { // two models may have the same id
		r.Model = ""
	}
	r.Model = cmp.Or(r.Model, a.model, a.claim.Model)
	r.System = a.given.System
	if s := a.given.Summary; s != nil {
		r.SummaryID = s.ID
	}
	if a.log != nil {
		n, err := a.seal(ctx, r, min(sealTimeout, a.w.opts.LogTimeout))
		if err != nil {
			a.w.opts.Logger.Warn("worker: the log is behind; readers will find the answer in SQL", "task", r.TaskID, "err", err)
		}
		r.ChunkCount, r.Log = n+1, a.log.Pack()
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
	if r.Kind == chat.KindSummary {
		a.w.notifyAfter(work, a.claim.Task, 0) // an answer may wait for it
	}
	a.w.model.ForgetCredentials(r.TaskID)
	a.end(ctx, r)
	a.askForTitle(ctx, r)
	return string(r.State)
}

// sealTimeout is how long a complete answer waits for Redis before it is committed to
// SQL, where it is safe.
const sealTimeout = 250 * time.Millisecond

// seal sends what the log still holds, within timeout.
func (a *attempt) seal(ctx context.Context, r chat.Result, timeout time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	return a.log.Seal(ctx, r.FinishReason, r.State == chat.TaskDone)
}

// end publishes the terminal chunk, or at least the event that the task has ended.
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
		err = a.w.log.Publish(ctx, chat.TaskEvent{Type: chat.EventEnded, TaskID: r.TaskID})
	}
	if err != nil {
		a.w.opts.Logger.Warn("worker: the end was not published; readers will find it in SQL", "task", r.TaskID, "err", err)
	}
}

// writeWithRetry tries a fenced write until it succeeds or is refused for good. While
// SQL is unreachable the answer stays in memory, and no end is published. During a
// shutdown three tries or Options.ShutdownTimeout are enough: the log keeps the answer,
// and the next attempt adopts it.
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
