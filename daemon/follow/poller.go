package follow

import (
	"context"
	"sync"
	"time"

	"chat"
)

// statePoller reads the states of followed tasks from SQL, once for all readers of a
// task: ten thousand of them ask as often as one.
type statePoller struct {
	mu   sync.Mutex
	open map[string]*stateFlight // the newest of each task
}

// stateFlight is one read and, once done is closed, its result.
type stateFlight struct {
	began time.Time // when it starts; zero while an older one is under way
	done  chan struct{}
	found taskState
}

// taskState is what SQL says of a followed task: its record once it has ended.
type taskState struct {
	record *record
	err    error
}

// refresh reads whether the task has ended, as of since or later. A database that does
// not answer ends no stream; a task that is gone (its conversation was deleted) does.
func (f *Follower) refresh(ctx context.Context, owner, taskID string, since time.Time) taskState {
	return f.polls.call(ctx, owner+"\x00"+taskID, since, f.opts.Refresh, func() taskState { //nolint:contextcheck // the read is for all readers, and outlives one
		reading, cancel := context.WithTimeout(f.base, f.opts.Refresh) // for all readers
		defer cancel()
		_, rec, err := f.read(reading, owner, taskID)
		if err == nil || chat.IsCode(err, chat.CodeNotFound) {
			return taskState{rec, err}
		}
		if f.base.Err() == nil {
			f.opts.Logger.Warn("follow: the state of a task cannot be read; will try again", "task", taskID, "err", err)
		}
		return taskState{}
	})
}

// call returns the result of a read that started at since or later: another reader's, if
// there is one, or ask's own. ctx ends the wait, not the read, which others may wait for;
// its result is kept for keep.
func (p *statePoller) call(ctx context.Context, key string, since time.Time, keep time.Duration, ask func() taskState) taskState {
	p.mu.Lock()
	last := p.open[key]
	if last == nil || !last.began.IsZero() && last.began.Before(since) {
		flight := &stateFlight{done: make(chan struct{})}
		if p.open == nil {
			p.open = map[string]*stateFlight{}
		}
		p.open[key] = flight
		go p.run(key, last, flight, keep, ask)
		last = flight
	}
	p.mu.Unlock()
	select {
	case <-last.done:
		return last.found
	case <-ctx.Done():
		return taskState{}
	}
}

// run reads after the flight before has ended, so that one is under way at a time.
func (p *statePoller) run(key string, before, flight *stateFlight, keep time.Duration, ask func() taskState) {
	if before != nil {
		<-before.done
	}
	p.mu.Lock()
	flight.began = time.Now()
	p.mu.Unlock()
	flight.found = ask()
	close(flight.done)
	time.AfterFunc(keep, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.open[key] == flight {
			delete(p.open, key)
		}
	})
}
