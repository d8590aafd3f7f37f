package chunklog

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"chat"
)

// maxChunk is the size in bytes from which a chunk accepts no more text. Pending deltas
// of one type become one chunk, so under overload chunks grow and latency does not.
const maxChunk = 16 << 10

const (
	// retryLimit is the longest delay between tries while Redis does not respond.
	retryLimit = 2 * time.Second
	// idleRefresh is how often a writer without new text checks its list.
	idleRefresh = 2 * time.Second
)

// errLeaseInDoubt means that the lease may be lost, so nothing is sent for now.
var errLeaseInDoubt = errors.New("chunk log: the lease is in doubt")

// Writer appends the chunks of one attempt. Add never waits for Redis: pending text is
// sent with the next round trip, which the batcher makes for all writers. Run handles
// the slow path: lost lists, an unreachable Redis, TTL renewal. The writer keeps the
// whole log in memory, so that it can write a lost list again.
type Writer struct {
	log       *Log
	task      chat.Task
	model     atomic.Value // string: the model that the metadata names
	created   time.Time
	leaseHeld func() bool
	ctx       context.Context //nolint:containedctx // of round trips for all writers, which Add does not wait for

	mu      sync.Mutex // guards pending and queued
	pending []delta
	queued  bool // the batcher has this writer in its list
	wake    chan struct{}
	stop    chan struct{}

	// sending guards the fields below. It is held during a step, by Run and the batcher
	// and, after Run, by Seal and Close.
	sending   sync.Mutex
	entries   []string // the list as it should be, with those of older attempts
	confirmed int      // how many entries Redis is known to hold
	published int      // how many entries have been published
	attempted int      // how many entries the last step would have confirmed
	list      listState
	ttlSetAt  time.Time
	syncedAt  time.Time // when the last successful step began
	status    chat.TaskState
	finish    string // the finish reason of a complete answer, or of the task
	packed    []byte // the entries, once Pack was called
}

// delta is a pending chunk, which has no position yet.
type delta struct {
	typ  chat.ChunkType
	more *chat.Chunk // the whole chunk, if it has fields besides its content; rare
	text []byte      // its content, which grows
}

// chunk returns the chunk without its content.
func (d *delta) chunk() chat.Chunk {
	if d.more != nil {
		return *d.more
	}
	return chat.Chunk{Type: d.typ}
}

// joins reports whether the content of c can be appended to d.
func (d *delta) joins(c *chat.Chunk) bool {
	head := d.chunk()
	return len(d.text) < maxChunk && head.CanJoin(c)
}

// Begin opens the log of task for its attempt and returns what an earlier attempt left,
// if that can still be read. Run creates the list of a first attempt. A later attempt
// begins with a reset chunk. Begin returns no error if Redis is unreachable: the writer
// keeps everything and catches up later. The writer calls leaseHeld before each append,
// and sends nothing while it returns false.
func (l *Log) Begin(ctx context.Context, task chat.Task, leaseHeld func() bool) (*Writer, chat.Answer, error) {
	w := &Writer{
		log: l, task: task, created: time.Now(), leaseHeld: leaseHeld, status: chat.TaskRunning,
		ctx:  context.WithoutCancel(ctx),
		wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	w.SetModel(task.Model)
	if task.Attempt <= 1 {
		w.signal()
		return w, chat.Answer{}, nil
	}
	w.list = w.list.afterCheck(true)
	previous, err := w.loadPrevious(ctx)
	if err != nil {
		l.opts.Logger.Warn("chunk log: cannot read the chunks of an earlier attempt", "task", task.ID, "err", err)
	}
	if err := w.index(chat.Chunk{Type: chat.ChunkReset}); err != nil {
		return nil, chat.Answer{}, err
	}
	if err := w.flush(ctx); errors.Is(err, ErrStale) {
		return nil, chat.Answer{}, err
	}
	return w, previous, nil
}

// Add appends a chunk to the log and sets its Index and Attempt. Its texts must be
// normalised. Pending chunks of one part become one chunk. A reset drops the attempt's
// answer so far. Add never waits for Redis.
func (w *Writer) Add(c chat.Chunk) {
	if w.enqueue(&c) {
		w.log.batcher.enqueue(w.ctx, w)
	}
}

// SetModel changes the model that the metadata names.
func (w *Writer) SetModel(name string) { w.model.Store(name) }

// enqueue adds c to the pending chunks, and reports whether the caller must add the
// writer to the batcher's list.
func (w *Writer) enqueue(c *chat.Chunk) (first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.pending); n > 0 && w.pending[n-1].joins(c) {
		w.pending[n-1].text = append(w.pending[n-1].text, c.Content...)
	} else {
		d := delta{typ: c.Type, text: []byte(c.Content)}
		if !c.Bare() {
			d.more = new(*c)
		}
		w.pending = append(w.pending, d)
	}
	first = !w.queued
	w.queued = true
	return first
}

// signal wakes Run.
func (w *Writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Stop makes Run return after its current round trip.
func (w *Writer) Stop() { close(w.stop) }

func (w *Writer) stopped() bool {
	select {
	case <-w.stop:
		return true
	default:
		return false
	}
}

// Run creates the list, renews its TTL, writes it again when it was lost, and sends
// text while the batcher cannot. It returns nil after Stop or when ctx ends, and
// ErrStale when a newer attempt writes the stream.
func (w *Writer) Run(ctx context.Context) error {
	idle := min(idleRefresh, w.log.opts.TTL/3)
	timer := time.NewTimer(idle)
	defer timer.Stop()
	failures := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.stop:
			return nil
		case <-w.wake:
			if failures > 0 || w.upToDate() {
				continue // after a failure the timer sets the pace
			}
		case <-timer.C:
			if due := w.idleFor(idle); due > 0 {
				timer.Reset(due)
				continue
			}
		}
		next := idle
		err := w.flush(ctx)
		switch {
		case errors.Is(err, ErrStale):
			return err
		case err != nil:
			failures++
			next = chat.Backoff(failures, 100*time.Millisecond, retryLimit)
			if failures == 1 {
				w.log.opts.Logger.Warn("chunk log: append failed; the answer is kept in memory", "task", w.task.ID, "err", err)
			}
		default:
			failures = 0
		}
		timer.Reset(next)
	}
}

// Seal sends all pending chunks and retries until ctx ends. Call it after Run has
// returned. If the answer is complete, Seal records its finish reason: a later attempt
// adopts only such an answer. Seal returns the number of chunks, which is the index of the terminal
// chunk. The number is correct even if Redis was unreachable.
func (w *Writer) Seal(ctx context.Context, finishReason string, complete bool) (int, error) {
	w.sending.Lock()
	defer w.sending.Unlock()
	if err := w.drain(); err != nil {
		return 0, err
	}
	w.finish, w.ttlSetAt = "", time.Time{}
	if complete {
		w.finish = finishReason
	}
	return len(w.entries), w.flushUntil(ctx)
}

// Pack returns all chunks of a sealed log in one piece, for SQL, where they outlive the
// list. It is nil if there are none. Decode reads it.
func (w *Writer) Pack() []byte {
	w.sending.Lock()
	defer w.sending.Unlock()
	if w.packed == nil && len(w.entries) > 0 {
		packed, err := encode(w.entries)
		if err != nil {
			w.log.opts.Logger.Warn("chunk log: cannot pack a log; its positions end with the list", "task", w.task.ID, "err", err)
		}
		w.packed = packed
	}
	return w.packed
}

// Close sets the position of the terminal chunk, appends it, and retries until ctx ends.
// Call it after the result was committed to SQL. A failure loses nothing:
// readers find the end in SQL.
func (w *Writer) Close(ctx context.Context, terminal chat.Chunk) error {
	w.sending.Lock()
	defer w.sending.Unlock()
	if err := w.index(terminal); err != nil {
		return err
	}
	w.status, w.finish, w.ttlSetAt = terminal.State, terminal.FinishReason, time.Time{}
	if err := w.flushUntil(ctx); err != nil || len(w.entries) < packAt {
		return err
	}
	if err := w.packList(ctx); err != nil {
		w.log.opts.Logger.Debug("chunk log: cannot pack a list; it stays unpacked", "task", w.task.ID, "err", err)
	}
	return nil
}

// packList replaces the list by one string.
func (w *Writer) packList(ctx context.Context) error {
	last := len(w.entries) - 1
	packed, err := w.packed, error(nil)
	if packed == nil {
		packed, err = encode(w.entries[:last])
	}
	if err == nil {
		packed, err = withEntry(packed, w.entries[last])
	}
	if err != nil {
		return err
	}
	return w.log.pack(ctx, w.task.ID, w.task.Attempt, packed)
}

// flushUntil syncs the list until that succeeds, a newer attempt is found or ctx ends.
// The caller holds sending.
func (w *Writer) flushUntil(ctx context.Context) error {
	for n := 1; ; n++ {
		err := w.sync(ctx)
		if err == nil || errors.Is(err, ErrStale) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(chat.Backoff(n, 20*time.Millisecond, time.Second)):
		}
	}
}
