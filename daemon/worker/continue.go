package worker

import (
	"cmp"
	"context"

	"chat"
)

// beginning reads what the answer begins with.
func (a *attempt) beginning(ctx context.Context) (begun chat.Parts, err error) {
	err = a.read(ctx, "the answer to continue", func(ctx context.Context) (err error) {
		begun, err = a.w.store.Beginning(ctx, a.claim.ID)
		return err
	})
	return begun, err
}

// cancelled ends a task that a user stopped.
func (a *attempt) cancelled(ctx, work context.Context) string {
	if a.claim.Continues != "" && a.log == nil { // not begun: it keeps the text that it was to continue
		if err := a.keepLongest(ctx, work); err != nil {
			return "lost: " + err.Error()
		}
	}
	return a.commit(ctx, work, chat.Result{State: chat.TaskCancelled, FinishReason: "cancelled"})
}

// keepLongest replaces the text of this attempt by that of another one, if that is longer.
func (a *attempt) keepLongest(ctx, work context.Context) error {
	var saved chat.Answer
	err := a.writeWithRetry(ctx, work, func(ctx context.Context) (err error) {
		saved, err = a.w.store.Partial(ctx, a.claim.ID)
		return err
	})
	if err == nil && saved.Parts.Len() > a.parts.Len() {
		a.drop()
		a.replay(saved.Parts)
		a.model = cmp.Or(saved.Model, a.model)
	}
	return err
}
