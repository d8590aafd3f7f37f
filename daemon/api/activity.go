package api

import (
	"sync"
	"time"
)

// Activity counts the requests being served. The same mutex admits a request
// and decides that there is none, so that an idle exit never races one.
type Activity struct {
	mu      sync.Mutex
	serving int
	since   time.Time // when serving last became 0
	closed  bool
}

// NewActivity returns an Activity that is idle since now.
func NewActivity() *Activity { return &Activity{since: time.Now()} }

// Begin admits a request; done ends it. It refuses once the activity is closed.
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

// CloseIfIdle closes the door if nothing has been served for d and idle agrees;
// no request is admitted while it decides. It reports whether the door is closed.
func (a *Activity) CloseIfIdle(d time.Duration, idle func() bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed && a.serving == 0 && time.Since(a.since) >= d && idle() {
		a.closed = true
	}
	return a.closed
}

// Close closes the door whatever goes on.
func (a *Activity) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
}

// Closed reports whether requests are refused.
func (a *Activity) Closed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed
}
