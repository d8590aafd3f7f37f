package api

import (
	"sync"
	"time"
)

// Activity counts the requests being served. One mutex guards both the start of a request
// and the decision that the server is idle, so that the two never race.
type Activity struct {
	mu      sync.Mutex
	serving int
	since   time.Time // when the last request ended
	closed  bool
}

// NewActivity returns an Activity without requests, idle since now.
func NewActivity() *Activity { return &Activity{since: time.Now()} }

// Begin counts a request until done is called. ok is false once the activity is closed.
func (a *Activity) Begin() (done func(), ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, false
	}
	a.serving++
	return a.end, true
}

func (a *Activity) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.serving--
	a.since = time.Now()
}

// CloseIfIdle closes the activity if no request was served for d and idle returns true. No
// request can begin while it decides. It reports whether the activity is closed.
func (a *Activity) CloseIfIdle(d time.Duration, idle func() bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed && a.serving == 0 && time.Since(a.since) >= d && idle() {
		a.closed = true
	}
	return a.closed
}

// Close refuses further requests, even if some are being served.
func (a *Activity) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
}

// Closed reports whether further requests are refused.
func (a *Activity) Closed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed
}
