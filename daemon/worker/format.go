package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/internal/crash"
	"chat/internal/schema"
)

// ensureFormat ends an answer that has a Format. If it does not match and may be repaired, the
// model is asked for it once more. If it still does not match, it is complete nevertheless,
// and a.mismatch says why. err is the error of the answer; an empty answer is a mismatch.
func (a *attempt) ensureFormat(ctx, run context.Context, err error) error {
	f := a.req.Parameters.Format
	empty := chat.IsCode(err, chat.CodeProviderEmpty)
	switch {
	case f == nil || err != nil && !empty:
		return err
	case empty:
		a.finish = &model.Finish{Reason: "stop"}
	}
	violations := violationsOf(f, a.finish.Reason, a.parts)
	if len(violations) > 0 && f.Repair && !a.adopted && isRepairable(a.finish.Reason) {
		if violations, err = a.repair(ctx, run, violations); err != nil {
			return err
		}
	}
	a.mismatch = mismatch(violations)
	return nil
}

// isRepairable reports whether another answer can be better: not if a limit or a filter ended
// this one.
func isRepairable(finishReason string) bool {
	switch chat.EndingOf(finishReason) {
	case chat.EndingLength, chat.EndingFilter:
		return false
	case chat.EndingComplete, chat.EndingTool, chat.EndingFailure, chat.EndingOther:
	}
	return true
}

// violationsOf returns how an answer violates its format, nothing if it matches or is no
// text but a call of a tool.
func violationsOf(f *chat.Format, finishReason string, parts chat.Parts) []string {
	if chat.EndingOfParts(finishReason, parts) == chat.EndingTool {
		return nil
	}
	value, err := schema.Find(parts.Text())
	switch {
	case err != nil:
		return []string{err.Error()}
	case len(f.Schema) == 0:
		return nil
	}
	s, err := schema.Compile(f.Schema)
	if err != nil { // a schema that cannot be used is refused before it is stored
		return []string{err.Error()}
	}
	return s.Check(value)
}

// mismatch is the error of an answer with these violations, nil if there are none.
func mismatch(violations []string) *chat.Error {
	if len(violations) == 0 {
		return nil
	}
	return chat.Errorf(chat.CodeFormatMismatch, "the answer does not match the schema: %s", strings.Join(violations, "; "))
}

// mismatchOf is the mismatch of a complete answer of a task.
func mismatchOf(t *chat.Task, finishReason string, parts chat.Parts) *chat.Error {
	if t.Parameters == nil || t.Parameters.Format == nil {
		return nil
	}
	return mismatch(violationsOf(t.Parameters.Format, finishReason, parts))
}

// repair asks the model for a corrected answer and returns its violations. Whatever goes wrong
// with that, the answer before is not lost: it ends the task if the correction fails, and it
// is kept in SQL meanwhile.
func (a *attempt) repair(ctx, run context.Context, violations []string) ([]string, error) {
	a.endReasoning()
	before, finish := slices.Clone(a.parts), a.finish
	if err := a.store(ctx, before); err != nil {
		return nil, err
	}
	crash.Here(crash.WorkerBeforeRepair)
	a.addNotice(fmt.Sprintf("the answer did not match the schema, and the model was asked to correct it: %s", strings.Join(violations, "; ")))
	a.drop()
	a.first, a.begun = time.Time{}, nil
	a.req, a.finish = correction(a.req, before.Text(), violations), nil
	err := a.step(ctx, run)
	switch {
	case err == nil:
		a.finish.Usage = sum(finish.Usage, a.finish.Usage)
		return violationsOf(a.req.Parameters.Format, a.finish.Reason, a.parts), nil
	case errors.Is(err, errLeaseLost), errors.Is(err, errShutdown):
		return nil, err
	}
	a.drop()
	a.replay(before)
	a.finish = finish
	if errors.Is(err, errCancelled) {
		return nil, err
	}
	a.addNotice("the correction failed: " + chat.AsError(err).Message)
	return violations, nil
}

// store keeps an answer in SQL, so that it survives this process.
func (a *attempt) store(ctx context.Context, parts chat.Parts) error {
	return a.read(ctx, "the answer so far", func(ctx context.Context) error {
		return a.w.store.Checkpoint(ctx, a.claim.ID, a.claim.Attempt, chat.Answer{Parts: parts, Model: a.model})
	})
}

// nothing stands for an answer without text, because providers refuse an empty message.
const nothing = "(no text)"

// correction is the request for a corrected answer.
func correction(req model.Request, answer string, violations []string) model.Request {
	said := "Your answer does not match the JSON Schema:\n\n- " + strings.Join(violations, "\n- ") +
		"\n\nWrite the corrected JSON, and nothing else: no explanation and no code fence."
	if s := req.Parameters.Format.Schema; len(s) > 0 {
		said += " It must match this JSON Schema:\n\n" + string(s)
	}
	req.Messages = append(slices.Clip(req.Messages),
		chat.Message{Role: chat.RoleAssistant, Parts: chat.TextParts(cmp.Or(strings.TrimSpace(answer), nothing))},
		chat.Message{Role: chat.RoleUser, Parts: chat.TextParts(said)})
	req.Key += "-correction"
	req.Upstream, req.Partial = "", ""
	return req
}

// sum is the usage of two answers, as far as it is known.
func sum(a, b *chat.Usage) *chat.Usage {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	both := a.Plus(*b)
	return &both
}
