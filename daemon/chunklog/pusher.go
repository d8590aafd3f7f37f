package chunklog

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// maxTogether bounds the steps of one round trip.
const maxTogether = 512

// pusher lets all streams share round trips, as a database commits in groups:
// while one is on its way, what comes meanwhile waits, and then goes together.
// Under load batches grow, and what a step costs Redis and us shrinks.
//
// It works for two kinds of customers. A writer that has text says so (tell) and
// goes on; the pusher takes the text and makes the step of it, so that a token
// wakes nobody but the pusher. A step that somebody waits for is handed over as it
// is (push). One goroutine serves both, as long as there is something to do.
type pusher struct {
	rdb  *redis.Client
	opts Options

	mu      sync.Mutex
	waiting []*push
	texts   []*Writer // that have text
	since   time.Time // when the first of texts told
	busy    bool      // serve runs

	lag atomic.Int64 // of late, nanoseconds from a tell to its reply, when many tell
}

const (
	// crowd is how many writers a round trip must serve for its time to be a sign
	// of their number, and not of a slow Redis or a busy machine.
	crowd = 64
	// tolerated is how far writers may be behind before they are slowed down.
	tolerated = 25 * time.Millisecond
	// longestPause bounds how long text is left with its provider.
	longestPause = 200 * time.Millisecond
)

// pause is how long a writer had better wait before it takes more text from its
// provider: nothing, unless there are more streams than there is time for. Then
// what comes meanwhile comes in one piece, which costs everybody on the way to the
// reader as much as a single token, and there is time for all.
func (p *pusher) pause() time.Duration {
	behind := time.Duration(p.lag.Load()) - tolerated
	return max(0, min(4*behind, longestPause))
}

// note takes down how long a round trip of n writers took.
func (p *pusher) note(n int, took time.Duration) {
	lag := p.lag.Load()
	if n < crowd {
		took = 0
	}
	p.lag.Store(lag + (int64(took)-lag)/8)
}

// push is one step of a round trip.
type push struct {
	step
	appended
	commands int // how many it took
	err      error
	writer   *Writer       // whose step it is, if nobody waits for it
	made     chan struct{} // told otherwise
}

// push makes a step. It may wait for a round trip of others and for its own, each
// bounded by the timeout.
func (p *pusher) push(ctx context.Context, s step) error {
	mine := &push{step: s, made: make(chan struct{}, 1)}
	p.mu.Lock()
	p.waiting = append(p.waiting, mine)
	p.wake(ctx)
	p.mu.Unlock()
	<-mine.made
	return mine.result()
}

// tell says that w has text. Nothing is waited for.
func (p *pusher) tell(ctx context.Context, w *Writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.texts) == 0 {
		p.since = time.Now()
	}
	p.texts = append(p.texts, w)
	p.wake(ctx)
}

// wake sees to it that serve runs. The lock is held. Nobody waits for serve as
// such: it ends with the last step, which ends by itself (Options.Timeout).
func (p *pusher) wake(ctx context.Context) {
	if !p.busy {
		p.busy = true
		go p.serve(context.WithoutCancel(ctx)) // for others, too
	}
}

// serve makes steps, many at a time, until there are none.
func (p *pusher) serve(ctx context.Context) {
	var spare []*Writer
	for {
		p.mu.Lock()
		steps, texts, since := p.waiting, p.texts, p.since
		p.waiting = nil
		if len(steps) > maxTogether {
			steps, p.waiting = steps[:maxTogether:maxTogether], steps[maxTogether:]
		}
		if n := maxTogether - len(steps); len(texts) > n {
			texts, p.texts = texts[:n:n], texts[n:]
		} else {
			p.texts = spare[:0]
		}
		p.busy = len(steps)+len(texts) > 0
		p.mu.Unlock()
		if len(steps)+len(texts) == 0 {
			return
		}
		for _, w := range texts {
			if s, ok := w.take(); ok {
				steps = append(steps, &push{step: s, writer: w})
			}
		}
		together := len(texts)
		clear(texts)
		spare = texts
		if len(steps) > 0 {
			if p.send(ctx, steps) == nil {
				p.note(together, time.Since(since))
			} else {
				p.lag.Store(0) // that Redis is away is no reason to wait
			}
		}
		for _, s := range steps {
			if s.writer != nil {
				s.writer.took(s.step, s.result())
			} else {
				s.made <- struct{}{}
			}
		}
	}
}

// send makes the steps of a batch in one round trip. Each has its own error; the one
// returned is that of the round trip.
func (p *pusher) send(ctx context.Context, batch []*push) error {
	ctx, cancel := context.WithTimeout(ctx, p.opts.Timeout)
	defer cancel()
	pipe := p.rdb.TxPipeline()
	for _, s := range batch {
		before := pipe.Len()
		s.appended = s.put(ctx, pipe, p.opts)
		s.commands = pipe.Len() - before
	}
	cmds, err := pipe.Exec(ctx)
	if err == nil {
		return nil
	}
	_, told := errors.AsType[redis.Error](err) // by Redis, of single commands
	for _, s := range batch {
		for _, cmd := range cmds[:s.commands] {
			if err := cmd.Err(); !errors.Is(err, redis.Nil) { // of which check makes something
				s.err = errors.Join(s.err, err)
			}
		}
		cmds = cmds[s.commands:]
		if s.err == nil && !told {
			s.err = err
		}
	}
	if told {
		return nil
	}
	return err
}

func (s *push) result() error {
	if s.err != nil {
		return s.err
	}
	return s.check(s.step)
}
