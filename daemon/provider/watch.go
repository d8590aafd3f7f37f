package provider

import (
	"context"
	"fmt"
	"time"

	"chat"
)

// watch ends a call's context when the provider lets a limit pass. It runs only
// while we wait for the provider, never while our reader takes its time.
type watch struct {
	cancel context.CancelCauseFunc
	timer  *time.Timer
	phase  *chat.Error
}

// arm starts a limit: unless disarmed within d, the context ends with over as
// its cause. 0 means no limit.
func (w *watch) arm(d time.Duration, over *chat.Error) {
	if w.timer != nil && w.phase == over {
		w.timer.Reset(d)
		return
	}
	w.disarm()
	w.timer, w.phase = nil, over
	if d > 0 {
		w.timer = time.AfterFunc(d, func() { w.cancel(over) })
	}
}

func (w *watch) disarm() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// phases are the limits of one call, each with its own code.
type phases struct{ headers, firstToken, whole, idle, trailing, drain *chat.Error }

func newPhases(l Limits, host string) *phases {
	over := func(code chat.Code, format string, d time.Duration) *chat.Error {
		return chat.Retryable(chat.Errorf(code, format, host, d))
	}
	return &phases{
		headers: over(chat.CodeProviderHeaders,
			"%s sent no response headers within %s (the headers limit): see whether it is overloaded, then send again", l.Headers),
		firstToken: over(chat.CodeProviderFirstToken,
			"%s sent no first token within %s (the first token limit): it may still be loading the model; send again", l.FirstToken),
		whole: &chat.Error{
			Code: chat.CodeProviderFirstToken, Retryable: true,
			Message: fmt.Sprintf("%s sent no answer within %s, and does not stream: ask for a shorter one, or choose another model", host, l.whole()),
		},
		idle: over(chat.CodeProviderIdle,
			"%s sent nothing for %s in the middle of the answer (the idle limit): send again", l.Idle),
		trailing: over(chat.CodeProviderIdle, "%s did not close its answer within %s", trailingLimit),
		drain:    over(chat.CodeProviderIdle, "%s did not end its response within %s", drainLimit),
	}
}

// phases are those of a call to e. The limits are the same for all.
func (e *endpoint) phases(l Limits) *phases {
	if p := e.limited.Load(); p != nil {
		return p
	}
	e.limited.Store(newPhases(l, e.host))
	return e.limited.Load()
}

const (
	// trailingLimit is how long usage and [DONE] may take after a finish reason:
	// the answer is whole by then.
	trailingLimit = 5 * time.Second
	// drainLimit is how long the end of a response may take after [DONE], so
	// that its connection can be used again.
	drainLimit = 20 * time.Millisecond
)
