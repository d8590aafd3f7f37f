package follow

import (
	"context"
	"sync"
	"time"

	"chat"
)

// stateCheck reads a task's state beside its stream, one read at a time: chunks do not
// wait for the result.
type stateCheck struct {
	every time.Duration
	came  time.Time // the last result
	asked bool      // and there is no result yet
	again bool      // something has happened since it was asked
	found chan taskState
	work  sync.WaitGroup

	mu   sync.Mutex
	wake context.CancelFunc // ends the wait that is under way
}

// next waits for chunks; the wait ends early when the result of a read comes.
func (c *stateCheck) next(ctx context.Context, tail Tail, wait time.Duration) ([]chat.EncodedChunk, error) {
	if !c.asked {
		return tail.Next(ctx, wait)
	}
	ctx, wake := context.WithCancel(ctx)
	defer wake()
	c.mu.Lock()
	c.wake = wake
	c.mu.Unlock()
	if c.answered() {
		wake()
	}
	chunks, err := tail.Next(ctx, wait)
	return chunks, err
}

func (c *stateCheck) answered() bool { return len(c.found) > 0 }

// due is how long from now the state is to be read again; while a read is under way, not
// before its result.
func (c *stateCheck) due() time.Duration {
	switch {
	case c.asked:
		return c.every
	case c.again:
		return 0
	}
	return c.every - time.Since(c.came)
}

// start reads the state. hinted says that something has happened by now, so that an
// earlier read may have been too early.
func (c *stateCheck) start(hinted bool, read func() taskState) {
	if c.asked {
		c.again = c.again || hinted
		return
	}
	c.asked, c.again = true, false
	c.work.Go(func() {
		c.found <- read()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.wake != nil { // otherwise the stream does not wait yet, and will look first
			c.wake()
		}
	})
}

// result is the result of the read, which has come.
func (c *stateCheck) result() (*record, error) {
	c.asked, c.came = false, time.Now()
	s := <-c.found
	return s.record, s.err
}
