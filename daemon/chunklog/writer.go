package chunklog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
)

// maxChunk is how many bytes a chunk may have before the next one begins. Deltas
// of one type that wait for a round trip together become one chunk: under overload
// chunks grow, and latency does not.
const maxChunk = 16 << 10

const (
	// retryLimit caps the pause between tries while Redis does not answer.
	retryLimit = 2 * time.Second
	// idleRefresh is how often a writer without new text looks after its list.
	idleRefresh = 2 * time.Second
)

// errInDoubt: the lease may be lost, so nothing is sent for now.
var errInDoubt = errors.New("chunk log: the lease is in doubt")

// Writer appends one attempt's chunks. Add never waits for Redis: whatever is
// pending goes with the next round trip, which the batcher makes for all writers.
// Run handles the slow path: lost lists, an unreachable Redis, TTL renewal. The
// writer keeps the whole log in memory, so that a lost list can be written again.
type Writer struct {
	log     *Log
	task    chat.Task
	created time.Time
	allowed func() bool     // whether the lease still holds
	ctx     context.Context //nolint:containedctx // of round trips for all writers, which Add does not wait for

	mu      sync.Mutex // guards pending and queued
	pending []delta
	queued  bool // the batcher has this writer in its list
	wake    chan struct{}
	stop    chan struct{}

	// sending guards the rest. Run and the batcher take it, and after Run Seal and
	// Close.
	sending   sync.Mutex
	entries   []string // the list as it should be, older attempts included
	confirmed int      // how many of them Redis is known to hold
	published int      // how many of them have been published
	attempted int      // how many there were at the last try
	looked    bool     // whether it is known what was there before
	intact    bool     // whether the list is believed to be entries[:confirmed]
	unsure    bool     // whether an append to such a list may have been applied
	stale     bool     // a newer attempt was found
	ttlSetAt  time.Time
	sent      time.Time // the last step that succeeded
	status    chat.TaskState
	finish    string // of an answer that was received to its end, or of the task
}

// delta is a chunk that waits for its place in the list.
type delta struct {
	typ  chat.ChunkType
	more *chat.Chunk // the chunk, if it has more than its content; few do
	text []byte      // its content, which grows
}

// chunk is the chunk without its content.
func (d *delta) chunk() chat.Chunk {
	if d.more != nil {
		return *d.more
	}
	return chat.Chunk{Type: d.typ}
}

// joins reports whether c can go on where d ends.
func (d *delta) joins(c *chat.Chunk) bool {
	head := d.chunk()
	return len(d.text) < maxChunk && head.CanJoin(c)
}

// Begin opens the log of task for its attempt and returns what an earlier
// attempt left, if it can still be read. From attempt 2 on, the first chunk is a
// reset; the first attempt begins the list when Run does. Redis being away is no
// error: the writer keeps everything and catches up later. allowed is asked before each append; while it says no (a lease that
// may be lost) nothing is sent.
func (l *Log) Begin(ctx context.Context, task chat.Task, allowed func() bool) (*Writer, chat.Answer, error) {
	w := &Writer{
		log: l, task: task, created: time.Now(), allowed: allowed, status: chat.TaskRunning,
		ctx:  context.WithoutCancel(ctx),
		wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	if task.Attempt <= 1 {
		w.intact = true // there is none, which is what the first step expects
		w.signal()
		return w, chat.Answer{}, nil
	}
	w.looked = true
	left, err := w.loadPrevious(ctx)
	if err != nil {
		l.opts.Logger.Warn("chunk log: cannot read what an earlier attempt left", "task", task.ID, "err", err)
	}
	if err := w.index(chat.Chunk{Type: chat.ChunkReset}); err != nil {
		return nil, chat.Answer{}, err
	}
	if err := w.flush(ctx); errors.Is(err, ErrStale) {
		return nil, chat.Answer{}, err
	}
	return w, left, nil
}

// loadPrevious takes over the entries that count of earlier attempts.
func (w *Writer) loadPrevious(ctx context.Context) (chat.Answer, error) {
	raw, chunks, err := w.log.readAll(ctx, w.task.ID)
	if err != nil {
		return chat.Answer{}, err
	}
	a, err := w.log.answerOf(ctx, w.task.ID, chunks)
	if err != nil {
		return a, err
	}
	w.entries = withoutEnd(raw, chunks)
	w.published = len(w.entries)
	return a, nil
}

// cancelled is the finish reason of a task that was cancelled, and of no whole answer.
const cancelled = "cancelled"

// answerOf is the text of the newest attempt in chunks, and whether that is a whole
// answer: its writer settled it as complete, and the list still has all entries that
// it had then.
func (l *Log) answerOf(ctx context.Context, taskID string, chunks []chat.EncodedChunk) (chat.Answer, error) {
	a, err := answerIn(chunks)
	if err != nil {
		return a, err
	}
	m, err := l.metadata(ctx, taskID, metaAttempt, metaChunkCount, metaFinishReason, metaStatus)
	if err != nil {
		return a, err
	}
	a.FinishReason = m[2]
	status := chat.TaskState(m[3])
	complete := a.FinishReason != "" && a.FinishReason != cancelled && (status == chat.TaskRunning || status == chat.TaskDone)
	a.Complete = complete && m[0] == fmt.Sprint(a.Attempt) && m[1] == fmt.Sprint(len(chunks))
	return a, nil
}

// metadata returns fields of a stream's metadata, each "" if it is not there. HMGET
// would be one more command for an operator to allow.
func (l *Log) metadata(ctx context.Context, taskID string, fields ...string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	cmds, err := l.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for _, f := range fields {
			p.HGet(ctx, l.opts.Names.Metadata(taskID), f)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	values := make([]string, len(fields))
	for i, cmd := range cmds {
		values[i] = cmd.(*redis.StringCmd).Val() //nolint:errcheck // made above
	}
	return values, nil
}

// Read returns the text that the log of a task holds for its newest attempt.
func (l *Log) Read(ctx context.Context, taskID string) (chat.Answer, error) {
	_, chunks, err := l.readAll(ctx, taskID)
	if err != nil {
		return chat.Answer{}, err
	}
	return l.answerOf(ctx, taskID, chunks)
}

// Add appends a chunk to the log; its Index and Attempt are set here. Its texts must be
// normalised. Chunks of one part that wait together become one. A reset begins the
// attempt's answer again. Add never blocks on Redis.
func (w *Writer) Add(c chat.Chunk) {
	if w.enqueue(&c) {
		w.log.batcher.enqueue(w.ctx, w)
	}
}

// enqueue adds c to what is pending, and reports whether the batcher does not have
// this writer in its list yet.
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

func (w *Writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Stop makes Run return after the step it is in.
func (w *Writer) Stop() { close(w.stop) }

// Run keeps the list until Stop, the end of ctx, or a newer attempt, for which it
// returns ErrStale: it begins the list, re-arms the TTL and restores what was lost,
// even while no text comes, and sends text while the batcher cannot.
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
				continue // the timer paces a writer whose Redis does not answer
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

// Seal sends everything, after Run has returned. If the answer was received to its
// end (complete), it records why that ended: only such an answer may be taken over by a
// later attempt. It tries until ctx ends. It returns the number of
// chunks, which is the index of the terminal one; that holds even if Redis could
// not be reached.
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

// Close appends the terminal chunk, after its commit to SQL, and trying until ctx
// ends. It sets the chunk's position. A failure loses nothing: readers find the
// end in SQL.
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
	if err := w.log.pack(ctx, w.task.ID, w.task.Attempt, w.entries); err != nil {
		w.log.opts.Logger.Debug("chunk log: a list was not packed; it stays as it is", "task", w.task.ID, "err", err)
	}
	return nil
}

// flushUntil flushes until that succeeds, a newer attempt is found or ctx ends.
func (w *Writer) flushUntil(ctx context.Context) error {
	for n := 1; ; n++ {
		err := w.step(ctx)
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
