package worker

import (
	"chat"
	"chat/daemon/length"
	"chat/internal/title"
)

// compose makes the request of the thread that the task reads. Those of a summary are made by
// summarize.
func (a *attempt) compose() {
	t := a.given
	a.req.System = t.System
	switch a.claim.Kind {
	case chat.KindAnswer:
		a.req.Messages = length.View(t)
	case chat.KindSummary:
	case chat.KindTitle:
		a.req.System, a.req.Messages = "", title.Ask(t.Messages)
	}
}

// ensureComplete refuses the text of a task that is not an answer, unless it is complete: it is
// not only shown, but used.
func (a *attempt) ensureComplete(err error) error {
	if err != nil {
		return err
	}
	if short := incomplete(a.claim.Kind, a.finish.Reason, a.parts); short != nil {
		return short
	}
	return nil
}

// incomplete says why a text of a task that is not an answer cannot be used, nil if it can.
func incomplete(kind chat.TaskKind, finishReason string, parts chat.Parts) *chat.Error {
	why := chat.Shortfall(finishReason, parts)
	if kind == chat.KindAnswer || why == "" {
		return nil
	}
	return chat.Errorf(chat.CodeProviderEmpty, "there is no complete %s, because %s: try again, or with another model", kind, why)
}
