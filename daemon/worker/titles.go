package worker

import (
	"context"

	"chat"
)

// titleSeconds limits how long a model may take for a title. It has one attempt.
const titleSeconds = 60

// askForTitle stores the task that writes the title of the conversation, after its first complete
// answer. If that fails, or this process ends first, the conversation keeps the title that it has.
func (a *attempt) askForTitle(ctx context.Context, r chat.Result) {
	t := a.claim.Task
	if t.Kind != chat.KindAnswer || !a.wantsTitle || r.State != chat.TaskDone || r.Err != nil || t.CredentialsHost != "" || chat.Shortfall(r.FinishReason, r.Parts) != "" {
		return
	}
	t.Model = a.model
	a.w.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.w.opts.StoreTimeout)
		defer cancel()
		model := a.w.model.TitleModel(ctx, t)
		if model == "" {
			return
		}
		id, made, err := a.w.store.EnqueueTitle(ctx, t.Owner, chat.KindTask{
			ConversationID: t.ConversationID, LastMessageID: t.MessageID, Model: model, Priority: chat.PriorityBackground, DeadlineSeconds: titleSeconds,
		})
		if err == nil && made {
			err = a.w.queue.Notify(ctx, chat.PriorityBackground, id)
		}
		if err != nil {
			a.w.opts.Logger.Debug("worker: the title is not asked for now", "conversation", t.ConversationID, "err", err)
		}
	})
}
