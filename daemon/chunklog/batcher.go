package chunklog

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"chat/daemon/redisconn"
)

// maxBatch bounds the steps of one round trip.
const maxBatch = 512

// batcher lets all streams share round trips, like the group commit of a database: the
// steps that arrive during one round trip wait, and the next one sends them together.
// Under load batches grow, and the cost of a step shrinks.
//
// A writer that has text calls enqueue and continues; the batcher appends the text, so
// that a token wakes no goroutine but the batcher's. A caller that waits for its step
// calls append. One goroutine (run) makes the steps of both, and ends when there are
// none.
type batcher struct {
	opts settings

	mu      sync.Mutex
	steps   []*batchedAppend // whose callers wait
	writers []*Writer        // that have text
	since   time.Time        // when the first of writers was added
	running bool             // run has been started and has not ended

	lag atomic.Int64 // see recordLag
}

const (
	// minStreams is the size of a batch from which its delay is a sign of overload, and
	// not of a slow Redis or a busy machine.
	minStreams = 64
	// lagTarget is the delay of writers above which readers of providers slow down.
	lagTarget = 25 * time.Millisecond
	// maxReadDelay bounds how long text stays with its provider.
	maxReadDelay = 200 * time.Millisecond
)

// readDelay returns how long to wait before more text is read from a provider: 0 unless
// there are more streams than the process can serve. After a delay the text arrives in
// one piece, which costs as much as a single token on its whole way to the reader.
func (b *batcher) readDelay() time.Duration {
	excess := time.Duration(b.lag.Load()) - lagTarget
	return max(0, min(4*excess, maxReadDelay))
}

// recordLag updates the moving average of the time from enqueue to the reply. A batch
// of fewer than minStreams writers counts as 0.
func (b *batcher) recordLag(writers int, took time.Duration) {
	lag := b.lag.Load()
	if writers < minStreams {
		took = 0
	}
	b.lag.Store(lag + (int64(took)-lag)/8)
}

// batchedAppend is an append that shares a round trip.
type batchedAppend struct {
	step
	opts   *settings
	reply  appendReply
	err    error
	writer *Writer       // whose text is appended, if no caller waits
	done   chan struct{} // receives when the step was made, if a caller waits
}

// Key, Queue and SetErr implement redisconn.Transaction.
func (a *batchedAppend) Key() string { return a.opts.names.Chunks(a.taskID) }

// Queue adds the commands of the step.
func (a *batchedAppend) Queue(ctx context.Context, p redis.Pipeliner) {
	a.reply = a.queue(ctx, p, *a.opts)
}

// SetErr records why the step was not made.
func (a *batchedAppend) SetErr(err error) { a.err = err }

// append makes a step. It may wait for the round trip of other steps and for its own,
// each bounded by Options.Timeout.
func (b *batcher) append(ctx context.Context, s step) error {
	a := &batchedAppend{step: s, opts: &b.opts, done: make(chan struct{}, 1)}
	b.addStep(ctx, a)
	<-a.done
	return a.result()
}

func (b *batcher) addStep(ctx context.Context, a *batchedAppend) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.steps = append(b.steps, a)
	b.start(ctx)
}

// enqueue adds w to the writers that have text. It does not wait.
func (b *batcher) enqueue(ctx context.Context, w *Writer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.writers) == 0 {
		b.since = time.Now()
	}
	b.writers = append(b.writers, w)
	b.start(ctx)
}

// start starts run unless it is running. The caller holds mu. Nothing waits for run to
// end: it ends with the last step, which Options.Timeout bounds.
func (b *batcher) start(ctx context.Context) {
	if !b.running {
		b.running = true
		go b.run(context.WithoutCancel(ctx)) // it makes the steps of other callers, too
	}
}

// run makes steps, one batch after the other, until there are none.
func (b *batcher) run(ctx context.Context) {
	var spare []*Writer
	for {
		steps, writers, since := b.next(spare)
		if len(steps)+len(writers) == 0 {
			return
		}
		b.flush(ctx, steps, writers, since)
		clear(writers)
		spare = writers
	}
}

// next takes the next batch from the queues, and clears running if there is none. spare
// becomes the next queue of writers.
func (b *batcher) next(spare []*Writer) (steps []*batchedAppend, writers []*Writer, since time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	steps, writers, since = b.steps, b.writers, b.since
	b.steps = nil
	if len(steps) > maxBatch {
		steps, b.steps = steps[:maxBatch:maxBatch], steps[maxBatch:]
	}
	if n := maxBatch - len(steps); len(writers) > n {
		writers, b.writers = writers[:n:n], writers[n:]
	} else {
		b.writers = spare[:0]
	}
	b.running = len(steps)+len(writers) > 0
	return steps, writers, since
}

// flush makes the steps of callers and appends the text of writers, in one round trip.
// Each writer is locked from the moment its step is prepared until its outcome is
// recorded.
func (b *batcher) flush(ctx context.Context, steps []*batchedAppend, writers []*Writer, since time.Time) {
	for _, w := range writers {
		if w.stopped() {
			continue // Seal sends the rest
		}
		if !w.sending.TryLock() {
			w.signal() // the holder of the lock may have missed the newest text
			continue
		}
		if s, ok := w.prepareAppend(); ok {
			steps = append(steps, &batchedAppend{step: s, opts: &b.opts, writer: w})
		} else {
			w.sending.Unlock()
		}
	}
	if len(steps) == 0 {
		return
	}
	if err := b.send(ctx, steps); err != nil {
		b.lag.Store(0) // an unreachable Redis is no reason to delay reads
	} else {
		b.recordLag(len(writers), time.Since(since))
	}
	for _, a := range steps {
		w := a.writer
		if w == nil {
			a.done <- struct{}{}
			continue
		}
		outcome := a.result()
		w.recordOutcome(a.step, outcome)
		w.sending.Unlock()
		if outcome != nil {
			w.signal()
		}
	}
}

// send makes steps in one round trip, and stores the replies and the error of each. It
// returns an error if the round trip failed.
func (b *batcher) send(ctx context.Context, steps []*batchedAppend) error {
	ctx, cancel := context.WithTimeout(ctx, b.opts.Timeout)
	defer cancel()
	return redisconn.Exec(ctx, b.opts.rdb, steps)
}

// result returns the outcome of a step that was sent.
func (a *batchedAppend) result() error {
	if a.err != nil {
		return a.err
	}
	return a.reply.outcome(a.step)
}
