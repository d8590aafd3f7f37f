package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"chat"
	"chat/daemon/length"
	"chat/daemon/model"
	"chat/internal/tokens"
)

// anyWindow is a number of tokens that every model accepts, with an answer.
const anyWindow = 1000

// maxCompactions bounds the summaries that one answer waits for: one before it is sent, and one
// after the provider refused it nevertheless.
const maxCompactions = 2

// tooLongError ends an attempt at an answer whose conversation needs a summary first. The task
// returns to the queue, where it waits for the summary without a slot.
type tooLongError struct{ lastMessageID string }

func (*tooLongError) Error() string { return "worker: the conversation needs a summary" }

// fit returns tooLongError if the thread does not fit into the model's context and a summary can
// change that, and another error if nothing can.
func (a *attempt) fit(ctx context.Context) error {
	begun := tokens.Text(a.req.Partial)
	a.estimated = tokens.Messages(a.given.System, length.View(a.given)) + begun
	mode := a.mode()
	if a.claim.Kind != chat.KindAnswer || mode == chat.CompactOff || a.estimated < anyWindow || a.claim.Upstream != "" {
		return nil // or the provider has it already
	}
	window := a.w.model.Window(ctx, a.claim.Task)
	reserve := length.Reserve(a.claim.Parameters, window)
	if window == 0 || tokens.MaxFactor*a.estimated+reserve <= window {
		return nil
	}
	last, err := a.counted(ctx)
	if err != nil {
		return err
	}
	count := length.Count(a.given, last, a.w.factors.of(a.model)) + begun
	if count+reserve <= window {
		return nil
	}
	tooLong := chat.Errorf(chat.CodeProviderContext, "the conversation takes about %d tokens, and the model accepts %d with the answer", count, window)
	if mode == chat.CompactAutomatic && a.claim.Compactions == 0 {
		if wait := a.shorten(window, count); wait != nil {
			return wait
		}
	}
	switch {
	case mode == chat.CompactAsk && length.CutAll(a.given) > 0:
		tooLong.Message += ": chat compact summarizes its beginning, and chat retry then makes this answer"
	case count <= window:
		return nil // the answer may be short enough
	default:
		tooLong.Message += a.advice(ctx)
	}
	return tooLong
}

// mode is what happens if the conversation is too long. A client of OpenAI's API decides that
// itself: it sends the conversation, and expects the error.
func (a *attempt) mode() chat.CompactMode {
	if a.claim.Origin != "" {
		return chat.CompactOff
	}
	return a.w.opts.Compact
}

// shorten returns an tooLongError if a summary can make room in a window of tokens, of which the
// thread takes count.
func (a *attempt) shorten(window, count int) error {
	factor := 1.0
	if a.estimated > 0 {
		factor = float64(count) / float64(a.estimated)
	}
	n := length.Cut(a.given, window, factor)
	if n == 0 {
		return nil
	}
	return &tooLongError{a.given.Messages[n-1].ID}
}

// advice is the rest of a sentence: why there is no summary, and what to do.
func (a *attempt) advice(ctx context.Context) string {
	const otherwise = "choose a model with a larger context, or start a new conversation"
	if a.claim.WaitsFor == "" || length.CutAll(a.given) == 0 {
		return ": " + otherwise
	}
	var why string
	err := a.read(ctx, "the summary", func(ctx context.Context) error {
		t, err := a.w.store.Task(ctx, a.claim.Owner, a.claim.WaitsFor)
		switch {
		case err != nil:
			return err
		case t.State == chat.TaskCancelled:
			why = ", and its summary was stopped"
		case t.Error != nil:
			why = ", and its summary failed (" + t.Error.Message + ")"
		}
		return nil
	})
	if err != nil || why == "" {
		return ": " + otherwise
	}
	return why + ": try chat compact, " + otherwise
}

// counted returns what the model counted for the last answer of the thread, nil if it did not.
func (a *attempt) counted(ctx context.Context) (found *length.Counted, err error) {
	id := length.LastAnswer(a.given)
	if id == "" {
		return nil, nil
	}
	err = a.read(ctx, "the last answer", func(ctx context.Context) error {
		sent, err := a.w.store.Sent(ctx, id)
		if err == nil && sent.Recorded && sent.PromptTokens > 0 && sent.Model == a.model {
			found = &length.Counted{MessageID: id, SummaryID: sent.SummaryID, PromptTokens: sent.PromptTokens}
		}
		if chat.IsCode(err, chat.CodeNotFound) { // an import has no task
			return nil
		}
		return err
	})
	return found, err
}

// afterRefusal returns an tooLongError if the provider refused the conversation because of its
// length and a summary can help, and err itself otherwise. It learns the model's window.
func (a *attempt) afterRefusal(ctx context.Context, err error) error {
	if !chat.IsCode(err, chat.CodeProviderContext) {
		return err
	}
	known := a.learn(ctx, err, a.estimated)
	if a.claim.Kind != chat.KindAnswer || a.mode() != chat.CompactAutomatic || a.claim.Compactions >= maxCompactions || a.parts.Len() > a.begun.Len() {
		return err
	}
	count := max(known.Used, a.estimated)
	window := known.Window
	if window == 0 { // less than what it has refused
		window = count
	}
	if wait := a.shorten(min(window, count), count); wait != nil {
		return wait
	}
	return err
}

// learn keeps what a refusal says about the model's window, if that can be true of a request of
// so many estimated tokens.
func (a *attempt) learn(ctx context.Context, err error, estimated int) model.Length {
	known := model.RefusedLength(err)
	if known.Window < anyWindow || known.Used <= known.Window && known.Window > tokens.MaxFactor*estimated {
		known.Window = 0
	}
	if known.Window > 0 {
		a.w.model.LearnWindow(ctx, a.claim.Task, known.Window)
	}
	return known
}

// awaitSummary returns the task to the queue, where it waits for a summary.
func (a *attempt) awaitSummary(ctx, work context.Context, e *tooLongError) string {
	t := a.claim.Task
	why := chat.Errorf(chat.CodeProviderContext, "the conversation is too long for the model, and its beginning is being summarized")
	return a.requeue(ctx, work, chat.Release{Err: why, Await: &chat.KindTask{
		TaskID: a.w.model.LendCredentials(t), Kind: chat.KindSummary, ConversationID: t.ConversationID, LastMessageID: e.lastMessageID, Model: t.Model,
		Priority: t.Priority, DeadlineSeconds: t.DeadlineSeconds, CredentialsHost: t.CredentialsHost,
	}})
}

// maxPlans bounds how often a summary is planned: each time the model refuses a step, the next
// plan has smaller ones.
const maxPlans = 4

// summarize writes a summary, in several steps if the thread is longer than the model's context.
// Readers get the text of the last step only.
func (a *attempt) summarize(ctx, run context.Context) error {
	window := a.w.model.Window(ctx, a.claim.Task)
	var err error
	for range maxPlans {
		err = a.takeSteps(ctx, run, length.Steps(a.given, window, a.w.factors.of(a.model)), window)
		if !chat.IsCode(err, chat.CodeProviderContext) {
			return err
		}
		sent := tokens.Messages(a.req.System, a.req.Messages)
		known := a.learn(ctx, err, sent)
		smaller := max(known.Used, sent) / 2
		if known.Window > 0 && (window == 0 || known.Window < window) {
			smaller = known.Window
		}
		if window > 0 {
			smaller = min(smaller, window*2/3)
		}
		window = smaller
	}
	return err
}

func (a *attempt) takeSteps(ctx, run context.Context, steps []length.Step, window int) error {
	before := ""
	var usage *chat.Usage
	defer func() {
		if a.unlogged { // an intermediate step failed: the task keeps what the log has
			a.unlogged, a.parts, a.reasoning = false, nil, time.Time{}
		}
	}()
	for i, s := range steps {
		a.finish, a.parts, a.unlogged = nil, nil, i < len(steps)-1
		a.req.Messages = s.Messages(before, window)
		if len(steps) > 1 {
			a.req.Key, a.req.Upstream = fmt.Sprintf("%s-%d-of-%d", a.claim.ID, i+1, len(steps)), ""
		}
		if err := a.step(ctx, run); err != nil {
			return err
		}
		a.finish.Usage = sum(usage, a.finish.Usage)
		usage = a.finish.Usage
		if short := incomplete(a.claim.Kind, a.finish.Reason, a.parts); short != nil {
			return short
		}
		a.endReasoning()
		before = a.parts.Text()
	}
	return nil
}

// factors are tokens.Factor of models, learned from the answers of this process.
type factors struct {
	mu sync.Mutex
	by map[string]float64
}

// maxFactors bounds the models of which a factor is kept.
const maxFactors = 1000

func (f *factors) of(name string) float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known, ok := f.by[name]; ok {
		return known
	}
	return 1
}

// learn moves the factor of a model half of the way to that of a new answer.
func (f *factors) learn(name string, counted, estimated int) {
	now := tokens.Factor(counted, estimated)
	if now == 1 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by == nil || len(f.by) >= maxFactors {
		f.by = map[string]float64{}
	}
	if known, ok := f.by[name]; ok {
		now = (known + now) / 2
	}
	f.by[name] = now
}

// asTooLong returns the tooLongError in err, nil if there is none.
func asTooLong(err error) *tooLongError {
	if e, ok := errors.AsType[*tooLongError](err); ok {
		return e
	}
	return nil
}
