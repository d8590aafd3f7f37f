package openai

import (
	"context"
	"fmt"
	"time"

	"chat"
)

// watch ends a call's context when the provider exceeds a limit. It runs only while the
// call waits for the provider, never while the reader of the answer is busy.
type watch struct {
	cancel context.CancelCauseFunc
	timer  *time.Timer
	phase  *chat.Error
}

// arm starts a limit: unless it is disarmed within d, the context ends with late as its
// cause. 0 means no limit.
func (w *watch) arm(d time.Duration, late *chat.Error) {
	if w.timer != nil && w.phase == late {
		w.timer.Reset(d)
		return
	}
	w.disarm()
	w.timer, w.phase = nil, late
	if d > 0 {
		w.timer = time.AfterFunc(d, func() { w.cancel(late) })
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
	late := func(code chat.Code, format string, d time.Duration) *chat.Error {
		return chat.Retryable(chat.Errorf(code, format, host, d))
	}
	return &phases{
		headers: late(chat.CodeProviderHeaders,
			"%s sent no response headers within %s (the headers limit): see whether it is overloaded, then send again", l.Headers),
		firstToken: late(chat.CodeProviderFirstToken,
			"%s sent no first token within %s (the first token limit): it may still be loading the model; send again", l.FirstToken),
		whole: &chat.Error{
			Code: chat.CodeProviderFirstToken, Retryable: true,
			Message: fmt.Sprintf("%s sent no answer within %s, and does not stream: ask for a shorter one, or choose another model", host, l.whole()),
		},
		idle: late(chat.CodeProviderIdle,
			"%s sent nothing for %s in the middle of the answer (the idle limit): send again", l.Idle),
		trailing: late(chat.CodeProviderIdle, "%s did not close its answer within %s", trailingLimit),
		drain:    late(chat.CodeProviderIdle, "%s did not end its response within %s", drainLimit),
	}
}

// phases returns the limits of a call to e. All calls have the same.
func (e *endpoint) phases(l Limits) *phases {
	if p := e.limited.Load(); p != nil {
		return p
	}
	e.limited.Store(newPhases(l, e.host))
	return e.limited.Load()
}

const (
	// trailingLimit is how long usage and [DONE] may take after a finish reason, when the
	// answer is complete.
	trailingLimit = 5 * time.Second
	// drainLimit is how long the end of a response may take after [DONE]; the connection
	// can then be used again.
	drainLimit = 20 * time.Millisecond
)
