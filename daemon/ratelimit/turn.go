package ratelimit

import (
	"net/http"
	"time"

	"chat"
	"chat/daemon/model"
)

// Turn is a request that may be sent.
type Turn struct {
	limiter  *Limiter
	meter    *meter
	began    time.Time
	answered bool // guarded by meter.mu
}

// Responded records a response to the request: what its headers say, what became of it, and how
// long the provider asks to wait if a limit refused it. It does not block.
func (t *Turn) Responded(h http.Header, o model.Outcome, delay time.Duration) {
	m := t.meter
	readings := ReadHeader(h, time.Now())
	m.mu.Lock()
	defer m.mu.Unlock()
	if !t.answered {
		t.answered = true
		m.unanswered--
	}
	if o == model.Accepted {
		m.contact.accepted++
	}
	m.contact.signal()
	if len(readings) == 0 && (o == model.Failed || o == model.Accepted && !m.learnt) {
		return
	}
	if len(m.seen) < maxParallel {
		m.seen = append(m.seen, response{at: time.Now(), Readings: readings, Outcome: o, Delay: delay, Running: m.running, Others: m.unanswered})
	}
	t.limiter.wake()
}

// End ends the request. u is what it used, nil if that is unknown.
func (t *Turn) End(u *chat.Usage) {
	m := t.meter
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running--
	m.changed = true
	if !t.answered {
		m.unanswered--
	}
	m.contact.signal()
	if !m.learnt {
		return
	}
	if e := (ended{held: time.Since(t.began)}); len(m.ended) < maxParallel {
		if u != nil {
			e.used = map[string]float64{tokens: float64(u.TotalTokens), inputTokens: float64(u.PromptTokens), outputTokens: float64(u.CompletionTokens)}
		}
		m.ended = append(m.ended, e)
	}
	t.limiter.wake()
}
