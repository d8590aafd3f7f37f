package transport

import (
	"context"
	"fmt"
	"time"

	"chat"
)

// Watch ends a call's context when the provider exceeds a limit. It runs only while the
// call waits for the provider, never while the reader of the answer is busy.
type Watch struct {
	cancel context.CancelCauseFunc
	timer  *time.Timer
	phase  *chat.Error
}

// Arm starts a limit: unless it is disarmed within d, the context ends with late as its
// cause. 0 means no limit.
func (w *Watch) Arm(d time.Duration, late *chat.Error) {
	if w.timer != nil && w.phase == late {
		w.timer.Reset(d)
		return
	}
	w.Disarm()
	w.timer, w.phase = nil, late
	if d > 0 {
		w.timer = time.AfterFunc(d, func() { w.cancel(late) })
	}
}

// Disarm ends a limit.
func (w *Watch) Disarm() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// Phases are the errors of the limits of one call, each with its own code.
type Phases struct{ Headers, FirstToken, Whole, Idle, Trailing, drain *chat.Error }

func newPhases(l Limits, host string) *Phases {
	late := func(code chat.Code, format string, d time.Duration) *chat.Error {
		return chat.Retryable(chat.Errorf(code, format, host, d))
	}
	return &Phases{
		Headers: late(chat.CodeProviderHeaders,
			"%s sent no response headers within %s (the headers limit): see whether it is overloaded, then send again", l.Headers),
		FirstToken: late(chat.CodeProviderFirstToken,
			"%s sent no first token within %s (the first token limit): it may still be loading the model; send again", l.FirstToken),
		Whole: &chat.Error{
			Code: chat.CodeProviderFirstToken, Retryable: true,
			Message: fmt.Sprintf("%s sent no answer within %s, and does not stream: ask for a shorter one, or choose another model", host, l.Whole()),
		},
		Idle: late(chat.CodeProviderIdle,
			"%s sent nothing for %s in the middle of the answer (the idle limit): send again", l.Idle),
		Trailing: late(chat.CodeProviderIdle, "%s did not close its answer within %s", TrailingLimit),
		drain:    late(chat.CodeProviderIdle, "%s did not end its response within %s", drainLimit),
	}
}

// phases returns the limits of a call to s. All calls have the same.
func (s *Server) phases(l Limits) *Phases {
	if p := s.limited.Load(); p != nil {
		return p
	}
	s.limited.Store(newPhases(l, s.Host))
	return s.limited.Load()
}

const (
	// TrailingLimit is how long usage and [DONE] may take after a finish reason, when the
	// answer is complete.
	TrailingLimit = 5 * time.Second
	// drainLimit is how long the end of a response may take after [DONE]; the connection
	// can then be used again.
	drainLimit = 20 * time.Millisecond
)

// Trailing is the limit on what follows a finish reason, where idle is the limit between two
// texts.
func Trailing(idle time.Duration) time.Duration {
	if idle <= 0 {
		return TrailingLimit
	}
	return min(TrailingLimit, idle)
}
