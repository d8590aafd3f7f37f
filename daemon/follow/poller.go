package follow

import (
	"context"
	"sync"
	"time"

	"chat"
)

// statePoller reads the states of tasks from SQL, once for all streams of a task: ten
// thousand streams cause as many queries as one.
type statePoller struct {
	mu      sync.Mutex
	flights map[string]*stateFlight // the newest of each task
}

// stateFlight is one read and, after done is closed, its result.
type stateFlight struct {
	began time.Time // zero until the flight before has ended
	done  chan struct{}
	state taskState
}

// taskState is the result of a read: the record of the task once it has ended.
type taskState struct {
	record *record
	err    error
}

// refresh reads the task's state as of since or later. An unreachable database does not end
// a stream; a task that was deleted with its conversation does.
func (f *Source) refresh(ctx context.Context, owner, taskID string, since time.Time) taskState {
	return f.polls.call(ctx, owner+"\x00"+taskID, since, f.opts.Refresh, func() taskState { //nolint:contextcheck // the read is for all streams, and outlives one
		readCtx, cancel := context.WithTimeout(f.base, f.opts.Refresh)
		defer cancel()
		_, rec, err := f.read(readCtx, owner, taskID)
		if err == nil || chat.IsCode(err, chat.CodeNotFound) {
			return taskState{rec, err}
		}
		if f.base.Err() == nil {
			f.opts.Logger.Warn("follow: cannot read the state of a task; will try again", "task", taskID, "err", err)
		}
		return taskState{}
	})
}

// call returns the result of a read that started at since or later: that of another stream,
// or its own. ctx ends the wait and not the read, for which other streams may wait. The
// result is kept for keep.
func (p *statePoller) call(ctx context.Context, key string, since time.Time, keep time.Duration, read func() taskState) taskState {
	p.mu.Lock()
	last := p.flights[key]
	if last == nil || !last.began.IsZero() && last.began.Before(since) {
		flight := &stateFlight{done: make(chan struct{})}
		if p.flights == nil {
			p.flights = map[string]*stateFlight{}
		}
		p.flights[key] = flight
		go p.run(key, last, flight, keep, read)
		last = flight
	}
	p.mu.Unlock()
	select {
	case <-last.done:
		return last.state
	case <-ctx.Done():
		return taskState{}
	}
}

// run reads after the flight before has ended, so that only one read runs at a time.
func (p *statePoller) run(key string, before, flight *stateFlight, keep time.Duration, read func() taskState) {
	if before != nil {
		<-before.done
	}
	p.mu.Lock()
	flight.began = time.Now()
	p.mu.Unlock()
	flight.state = read()
	close(flight.done)
	time.AfterFunc(keep, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.flights[key] == flight {
			delete(p.flights, key)
		}
	})
}
