package ratelimit

import (
	"context"
	"time"
)

const (
	// contactRequests may be sent before the first response, and each accepted one allows one
	// more, until contactEnough were accepted. Nothing is known of the provider until then, and
	// all that are refused are sent in vain.
	contactRequests = 2
	contactEnough   = 32
	// contactTimeout is how long a request waits for a response to the others.
	contactTimeout = 2 * time.Second
)

// contact is a provider of which nothing is known yet.
type contact struct {
	accepted int
	changed  chan struct{} // closed at the next change
}

// over reports whether enough was accepted to send as much as is wanted.
func (c *contact) over() bool { return c.accepted >= contactEnough }

// mayGo reports whether a request can be sent while so many have no response.
func (c *contact) mayGo(unanswered int) bool {
	return c.over() || unanswered < contactRequests+c.accepted
}

// signal wakes those that wait.
func (c *contact) signal() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// wait returns a channel that is closed at the next change.
func (c *contact) wait() <-chan struct{} {
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.changed
}

// meet waits until a request may be sent to a provider of which nothing is known, until
// something is known, or for contactTimeout.
func (m *meter) meet(ctx context.Context) {
	timer := time.NewTimer(contactTimeout)
	defer timer.Stop()
	for {
		m.mu.Lock()
		if m.learnt || m.contact.mayGo(m.unanswered) {
			m.mu.Unlock()
			return
		}
		changed := m.contact.wait()
		m.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		}
	}
}
