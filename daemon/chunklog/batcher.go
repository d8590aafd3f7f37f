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

// batcher lets all streams share round trips, like the group commit of a database:
// the steps that arrive during one round trip wait and go together in the next.
// Under load batches grow, and the cost of a step shrinks.
//
// A step arrives in one of two ways. A writer that has text calls enqueue and
// continues; the batcher makes the step, so that a token wakes no goroutine but
// the batcher's. A caller that waits for its step passes it to append. One
// goroutine serves both, while there are steps to make.
type batcher struct {
	rdb  *redis.Client
	opts Options

	mu      sync.Mutex
	waiting []*batchedAppend
	texts   []*Writer // that have text
	since   time.Time // when the first of texts was added
	busy    bool      // serve runs

	lag atomic.Int64 // moving average, nanoseconds from enqueue to the reply, with many writers
}

const (
	// minStreams is how many writers a round trip must serve for its time to be a sign
	// of their number, and not of a slow Redis or a busy machine.
	minStreams = 64
	// lagTarget is how far writers may be behind before they are slowed down.
	lagTarget = 25 * time.Millisecond
	// maxReadDelay bounds how long text is left with its provider.
	maxReadDelay = 200 * time.Millisecond
)

// pause is how long a writer should wait before it reads more text from its
// provider: 0, unless there are more streams than the process can serve. After a
// wait the text arrives in one piece, which costs as much as a single token all
// the way to the reader.
func (p *batcher) pause() time.Duration {
	behind := time.Duration(p.lag.Load()) - lagTarget
	return max(0, min(4*behind, maxReadDelay))
}

// recordLag records how long a round trip of n writers took.
func (p *batcher) recordLag(n int, took time.Duration) {
	lag := p.lag.Load()
	if n < minStreams {
		took = 0
	}
	p.lag.Store(lag + (int64(took)-lag)/8)
}

// batchedAppend is one step of a round trip.
type batchedAppend struct {
	step
	appended
	commands int // how many it took
	err      error
	writer   *Writer       // whose step it is, if no caller waits for it
	made     chan struct{} // receives when the step was made, if a caller waits
}

// append makes a step. It may wait for a round trip of others and for its own, each
// bounded by the timeout.
func (p *batcher) append(ctx context.Context, s step) error {
	mine := &batchedAppend{step: s, made: make(chan struct{}, 1)}
	p.mu.Lock()
	p.waiting = append(p.waiting, mine)
	p.wake(ctx)
	p.mu.Unlock()
	<-mine.made
	return mine.result()
}

// enqueue adds w to the writers that have text. It does not wait.
func (p *batcher) enqueue(ctx context.Context, w *Writer) {
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
func (p *batcher) wake(ctx context.Context) {
	if !p.busy {
		p.busy = true
		go p.serve(context.WithoutCancel(ctx)) // for others, too
	}
}

// serve makes steps, many at a time, until there are none.
func (p *batcher) serve(ctx context.Context) {
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
			if s, ok := w.beginAppend(); ok {
				steps = append(steps, &batchedAppend{step: s, writer: w})
			}
		}
		together := len(texts)
		clear(texts)
		spare = texts
		if len(steps) > 0 {
			if p.send(ctx, steps) == nil {
				p.recordLag(together, time.Since(since))
			} else {
				p.lag.Store(0) // that Redis is away is no reason to wait
			}
		}
		for _, s := range steps {
			if s.writer != nil {
				s.writer.finishAppend(s.step, s.result())
			} else {
				s.made <- struct{}{}
			}
		}
	}
}

// send makes the steps of a batch in one round trip. Each has its own error; the one
// returned is that of the round trip.
func (p *batcher) send(ctx context.Context, batch []*batchedAppend) error {
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

func (s *batchedAppend) result() error {
	if s.err != nil {
		return s.err
	}
	return s.check(s.step)
}
