package follow

import (
	"context"
	"sync"
	"time"

	"chat"
)

// stateCheck reads a task's state in the background, one read at a time, so that chunks do
// not wait for it.
type stateCheck struct {
	every   time.Duration
	readAt  time.Time // of the last result
	reading bool      // a read has no result yet
	stale   bool      // an event came after that read began
	results chan taskState
	work    sync.WaitGroup

	mu   sync.Mutex
	wake context.CancelFunc // ends the current wait for chunks
}

// next waits for chunks. The wait ends early when a read has its result.
func (c *stateCheck) next(ctx context.Context, tail Tail, wait time.Duration) ([]chat.EncodedChunk, error) {
	if !c.reading {
		return tail.Next(ctx, wait)
	}
	ctx, wake := context.WithCancel(ctx)
	defer wake()
	c.setWake(wake)
	if c.done() {
		wake()
	}
	return tail.Next(ctx, wait)
}

func (c *stateCheck) setWake(wake context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wake = wake
}

// done reports whether a read has its result.
func (c *stateCheck) done() bool { return len(c.results) > 0 }

// due returns the time until the next read. During a read there is no next one yet.
func (c *stateCheck) due() time.Duration {
	switch {
	case c.reading:
		return c.every
	case c.stale:
		return 0
	}
	return c.every - time.Since(c.readAt)
}

// start starts a read. If one is running and byEvent is true, that one may be too early, so
// another follows it.
func (c *stateCheck) start(byEvent bool, read func() taskState) {
	if c.reading {
		c.stale = c.stale || byEvent
		return
	}
	c.reading, c.stale = true, false
	c.work.Go(func() {
		c.results <- read()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.wake != nil { // otherwise the stream does not wait yet, and checks done first
			c.wake()
		}
	})
}

// result returns the result of a read that is done.
func (c *stateCheck) result() (*record, error) {
	c.reading, c.readAt = false, time.Now()
	s := <-c.results
	return s.record, s.err
}
