package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/internal/crash"
)

const (
	// longWait is the wait for a rate limit from which on another model answers, if there is one.
	longWait = 10 * time.Second
	// quickRetry bounds the pause before a model is asked once more before another one answers.
	quickRetry = time.Second
)

// admit gets the right to ask the model, or returns a *model.WaitError.
func (a *attempt) admit(ctx context.Context) (err error) {
	if a.turn == nil {
		a.turn, err = a.w.model.Admit(ctx, a.claim.Task, a.waited)
		a.waited, a.limiter = false, a.turn.Limits()
	}
	return err
}

// switched reports whether another model than the task's own is asked.
func (a *attempt) switched() bool { return a.claim.Failover != nil && len(a.claim.Failover.Failed) > 0 }

// endTurn gives the right to ask the model back.
func (a *attempt) endTurn() {
	var used *chat.Usage
	if a.finish != nil {
		used = a.finish.Usage
	}
	a.turn.End(used)
	a.turn = nil
}

// failOver decides what follows an error of the model: it returns nil if the model, or another
// one, is to be asked now, and otherwise the error of the attempt. run is as in step.
func (a *attempt) failOver(ctx, run context.Context, err error) error {
	if context.Cause(run) != nil || errors.Is(err, errLeaseLost) || a.claim.Failover == nil {
		return err
	}
	begun := a.parts.Len() > a.begun.Len()
	if !isReason(err, a.switched()) || begun && !a.claim.Failover.AfterText {
		return err
	}
	if !begun && !a.repeated && isBrief(err) {
		a.repeated = true
		pause(run, chat.Backoff(1, min(a.w.opts.RetryBase, quickRetry), quickRetry))
		return context.Cause(run)
	}
	a.firstErr = cmp.Or(a.firstErr, err)
	next := a.nextModel()
	if next == "" {
		return a.noneAnswered(err)
	}
	return a.switchTo(ctx, next, err)
}

// nextModel returns the model to ask after the present one, "" if there is none.
func (a *attempt) nextModel() string {
	f := a.claim.Failover
	for _, name := range f.Models {
		if name != a.claim.Model && name != a.model && !slices.ContainsFunc(f.Failed, func(m chat.ModelFailure) bool { return m.Model == name }) {
			return name
		}
	}
	return ""
}

// noneAnswered returns the error of the first model, because what the others said is of no help
// with it. The next attempt asks the first model again.
func (a *attempt) noneAnswered(err error) error {
	if !a.switched() {
		return err
	}
	a.again = true
	if a.firstErr != err { //nolint:errorlint // the same error, which needs no second mention
		a.lastReason = reasonOf(err)
	}
	return a.firstErr
}

// switchTo makes another model answer, from the next step on.
func (a *attempt) switchTo(ctx context.Context, next string, err error) error {
	a.endReasoning()
	a.endTurn()
	if a.claim.Upstream != "" {
		a.abandon(ctx)
	}
	f := *a.claim.Failover
	f.Failed = append(slices.Clip(f.Failed), chat.ModelFailure{Model: cmp.Or(a.claim.Model, a.model), Reason: reasonOf(err), Partial: a.parts.Len() > a.begun.Len()})
	from := chat.Release{TaskID: a.claim.ID, Attempt: a.claim.Attempt, Parts: slices.Clone(a.parts), Model: a.model}
	crash.Here(crash.WorkerBeforeSwitch)
	switch err := a.read(ctx, "which model answers", func(ctx context.Context) error { return a.w.store.SwitchModel(ctx, from, next, f) }); {
	case errors.Is(err, chat.ErrFenced):
		return errLeaseLost
	case errors.Is(err, chat.ErrCancelWon):
		return errCancelled
	case err != nil:
		return err
	}
	crash.Here(crash.WorkerAfterSwitch)
	a.w.opts.Logger.Info("another model answers", "task", a.claim.ID, "model", next, "err", err)
	if a.parts.Len() > a.begun.Len() {
		a.drop()
		a.replay(a.begun)
	}
	a.claim.Model, a.claim.Upstream, a.claim.Failover = next, "", &f
	a.model, a.repeated, a.first = next, false, time.Time{}
	a.req.Model, a.req.Upstream = next, ""
	if a.log != nil {
		a.log.SetModel(next)
	}
	return nil
}

// answered adds a notice for each model that did not answer, once another one has.
func (a *attempt) answered() {
	if !a.switched() {
		return
	}
	for _, m := range a.claim.Failover.Failed {
		what := "did not answer"
		if m.Partial {
			what = "did not finish its answer"
		}
		a.addNotice(fmt.Sprintf("%s %s (%s): answered by %s", m.Model, what, m.Reason, a.claim.Model))
	}
}

// failed adds a notice about the last model, if none has answered.
func (a *attempt) failed() {
	if a.lastReason != "" {
		a.addNotice(fmt.Sprintf("%s did not answer either (%s)", a.claim.Model, a.lastReason))
	}
}

// isReason reports whether another model may answer after an error. A fault of the message or of
// the key is none, except in a model that only stands in for another.
func isReason(err error, standsIn bool) bool {
	if wait, ok := errors.AsType[*model.WaitError](err); ok {
		return wait.Wait > longWait
	}
	e := chat.AsError(err)
	is := func(codes ...chat.Code) bool { return slices.Contains(codes, e.Code) }
	return is(chat.CodeProviderConnect, chat.CodeProviderServer, chat.CodeProviderHeaders, chat.CodeProviderFirstToken, chat.CodeProviderIdle,
		chat.CodeProviderCut, chat.CodeProviderProtocol, chat.CodeProviderQuota) ||
		is(chat.CodeProviderRateLimit) && (!e.Retryable || e.RetryAfter > longWait) ||
		standsIn && is(chat.CodeProviderAuth, chat.CodeProviderRefused, chat.CodeProviderContext, chat.CodeProviderModel, chat.CodeNotConfigured)
}

// isBrief reports whether an error may be gone in a second.
func isBrief(err error) bool {
	e := chat.AsError(err)
	return e.Retryable && e.RetryAfter <= quickRetry &&
		slices.Contains([]chat.Code{chat.CodeProviderConnect, chat.CodeProviderServer, chat.CodeProviderCut}, e.Code)
}

// reasonOf says in a few words why a model did not answer.
func reasonOf(err error) string {
	if wait, ok := errors.AsType[*model.WaitError](err); ok {
		return fmt.Sprintf("its rate limit, for %s", wait.Wait.Round(time.Second))
	}
	if r, ok := errors.AsType[interface {
		error
		HTTPStatus() int
	}](err); ok && r.HTTPStatus() > 0 {
		return strconv.Itoa(r.HTTPStatus())
	}
	return chat.AsError(err).Summary()
}

func isWait(err error) bool {
	_, ok := errors.AsType[*model.WaitError](err)
	return ok
}
