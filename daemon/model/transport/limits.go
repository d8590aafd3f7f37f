package transport

import "time"

// Limits bound one answer. A zero duration means no limit of that kind, a zero
// size the default.
type Limits struct {
	Headers    time.Duration // until the response's headers (CodeProviderHeaders)
	FirstToken time.Duration // from the headers to the first text (CodeProviderFirstToken)
	Idle       time.Duration // between two texts (CodeProviderIdle)
	Total      time.Duration // the whole answer (CodeDeadline)
	MaxEvent   int           // bytes of one event (CodeAnswerTooLarge)
	MaxAnswer  int           // bytes of text, reasoning included (CodeAnswerTooLarge)
}

// Whole is the limit of an answer that does not come as a stream.
func (l Limits) Whole() time.Duration {
	if l.Headers <= 0 || l.FirstToken <= 0 {
		return 0
	}
	return l.Headers + 2*l.FirstToken
}

// DefaultLimits suit slow local models. Total is left to the task's deadline.
func DefaultLimits() Limits {
	return Limits{
		Headers:    2 * time.Minute,
		FirstToken: 5 * time.Minute,
		Idle:       2 * time.Minute,
		MaxEvent:   1 << 20,
		MaxAnswer:  4 << 20,
	}
}
