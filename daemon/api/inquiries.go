package api

import (
	"context"
	"sync"
	"time"
)

// inquiries ask SQL how followed tasks stand, once for all followers of a task:
// ten thousand of them ask as often as one.
type inquiries struct {
	mu   sync.Mutex
	open map[string]*inquiry // the newest of each task
}

// inquiry is one question and, once done is closed, its answer.
type inquiry struct {
	began time.Time // when it is asked; zero while an older one is under way
	done  chan struct{}
	found finding
}

// ask returns an answer to a question that was asked at since or later: that of
// somebody else's, if there is one, or ask's own. ctx ends the wait, not the
// question, which others may wait for; its answer is kept for keep.
func (q *inquiries) ask(ctx context.Context, key string, since time.Time, keep time.Duration, ask func() finding) finding {
	q.mu.Lock()
	last := q.open[key]
	if last == nil || !last.began.IsZero() && last.began.Before(since) {
		i := &inquiry{done: make(chan struct{})}
		if q.open == nil {
			q.open = map[string]*inquiry{}
		}
		q.open[key] = i
		go q.answer(key, last, i, keep, ask)
		last = i
	}
	q.mu.Unlock()
	select {
	case <-last.done:
		return last.found
	case <-ctx.Done():
		return finding{}
	}
}

// answer asks behind the question before, so that one is under way at a time.
func (q *inquiries) answer(key string, before, i *inquiry, keep time.Duration, ask func() finding) {
	if before != nil {
		<-before.done
	}
	q.mu.Lock()
	i.began = time.Now()
	q.mu.Unlock()
	i.found = ask()
	close(i.done)
	time.AfterFunc(keep, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.open[key] == i {
			delete(q.open, key)
		}
	})
}
