package api

import (
	"context"
	"sync"
	"time"

	"chat"
)

// pump writes chunks until the terminal one.
func (s *Server) pump(ctx context.Context, f *frames) error {
	tail := s.log.Tail(f.taskID, f.after)
	defer tail.Close()
	look := &lookout{every: s.opts.Recheck, came: time.Now(), found: make(chan finding, 1)}
	defer look.work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		wait := time.Duration(0)
		if f.rec == nil {
			wait = max(0, min(s.opts.Heartbeat-time.Since(f.written), look.due()))
		}
		asked := time.Now()
		var chunks []chat.EncodedChunk
		var err error
		if look.asked {
			chunks, err = look.during(ctx, tail, wait)
		} else {
			chunks, err = tail.Next(ctx, wait)
		}
		if err != nil && ctx.Err() != nil {
			return err
		}
		if len(chunks) > 0 {
			if ended, err := f.chunks(chunks...); err != nil || ended {
				return err
			}
			continue
		}
		if ended, err := s.between(ctx, f, tail, look, time.Since(asked) < wait); err != nil || ended {
			return err
		}
	}
}

// between does what is due while no chunks come. hinted says that the wait for them
// ended early, because something has happened.
func (s *Server) between(ctx context.Context, f *frames, tail Tail, look *lookout, hinted bool) (ended bool, err error) {
	if f.rec != nil { // the list has no more: SQL has the rest
		return true, f.record(f.rec.afterLog(tail.Position()))
	}
	if time.Since(f.written) >= s.opts.Heartbeat {
		if err := f.comment("still here"); err != nil {
			return false, err
		}
	}
	if look.answered() {
		f.rec, err = look.result()
		return false, err
	}
	if hinted || look.due() <= 0 {
		since := time.Now()
		if !hinted {
			since = since.Add(-s.opts.Recheck / 4) // what another follower was told then is new enough
		}
		look.start(hinted, func() finding { return s.recheck(ctx, f.owner, f.taskID, since) })
	}
	return false, nil
}

// finding is what SQL says of a followed task: its record once it has ended.
type finding struct {
	rec *record
	err error
}

// recheck looks whether the task has ended meanwhile, as it stood at since or
// later. A database that does not answer ends no stream; a task that is gone (its
// conversation was deleted) does.
func (s *Server) recheck(ctx context.Context, owner, taskID string, since time.Time) finding {
	return s.inquiries.ask(ctx, owner+"\x00"+taskID, since, s.opts.Recheck, func() finding {
		_, rec, err := s.look(s.draining, s.opts.Recheck, owner, taskID) // asked for all followers
		if err == nil || chat.IsCode(err, chat.CodeNotFound) {
			return finding{rec, err}
		}
		if s.draining.Err() == nil {
			s.opts.Logger.Warn("api: a followed task's state cannot be read; will try again", "task", taskID, "err", err)
		}
		return finding{}
	})
}

// lookout asks SQL beside the stream, one question at a time: neither chunks nor
// heartbeats wait for the answer.
type lookout struct {
	every time.Duration
	came  time.Time // the last answer
	asked bool      // and no answer yet
	again bool      // a hint came behind the question
	found chan finding
	work  sync.WaitGroup

	mu   sync.Mutex
	wake context.CancelFunc // ends the wait that is under way
}

// during is a wait for chunks that ends early, by its context, when the answer comes.
func (l *lookout) during(ctx context.Context, tail Tail, wait time.Duration) ([]chat.EncodedChunk, error) {
	ctx, wake := context.WithCancel(ctx)
	defer wake()
	l.mu.Lock()
	l.wake = wake
	l.mu.Unlock()
	if l.answered() {
		wake()
	}
	return tail.Next(ctx, wait)
}

func (l *lookout) answered() bool { return len(l.found) > 0 }

// due is how long from now SQL is to be asked again; while it is being asked, not
// before it has answered.
func (l *lookout) due() time.Duration {
	switch {
	case l.asked:
		return l.every
	case l.again:
		return 0
	}
	return l.every - time.Since(l.came)
}

// start asks. hinted says that something has happened by now, so that an earlier
// question may have been too early.
func (l *lookout) start(hinted bool, ask func() finding) {
	if l.asked {
		l.again = l.again || hinted
		return
	}
	l.asked, l.again = true, false
	l.work.Go(func() {
		l.found <- ask()
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.wake != nil { // otherwise the stream does not wait yet, and will look first
			l.wake()
		}
	})
}

// result is the answer, which is there.
func (l *lookout) result() (*record, error) {
	l.asked, l.came = false, time.Now()
	f := <-l.found
	return f.rec, f.err
}
