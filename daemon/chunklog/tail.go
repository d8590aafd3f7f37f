package chunklog

import (
	"context"
	"time"

	"chat"
)

const (
	// batch is how many entries are read at once.
	batch = 512
	// maxKept is the largest inbox that is kept to be filled again.
	maxKept = 16
	// confirmWait is how long a new tail waits for its subscription before it
	// reads the list without one.
	confirmWait = time.Second
	// rereadPause paces a tail that cannot read the list, or whose position is not
	// in it. The latter doubles up to longestPace.
	rereadPause = 500 * time.Millisecond
	longestPace = 5 * time.Second
	// leastRead is how long a read of the list may take at least.
	leastRead = time.Second
)

// Tail reads a task's chunks from a position on, each once and in order,
// whatever the pub/sub channel loses. It is not safe for concurrent use.
type Tail struct {
	log    *Log
	taskID string
	pos    chat.Position
	inbox  *subscriber
	timer  *time.Timer // of Next
	began  bool
	reread bool
	packed []string            // the whole list, if it is packed
	own    bool                // Next has returned the chunk at the position
	ahead  bool                // the list does not have the position
	paced  time.Duration       // the last pause because of that
	since  time.Time           // the metadata's updated_at when that was first seen
	given  []chat.EncodedChunk // what fetch has returned of the inbox, to be filled again
}

// Tail starts reading behind the position after. Close it.
//
// A position is honoured if the entry at its index was written by its attempt. If a
// newer attempt is in the list, the next chunk is the reset with which that begins.
// Until the list has either, the tail waits: a list that Redis has lost or rolled
// back comes back with its writer, and without a writer there will be a new attempt,
// or an end in SQL. So the positions of a tail only ever grow.
//
// A position that never was has no such future. If it is of no attempt, or if the
// living writer of its attempt says that the list is whole without it, the next chunk
// is a reset of our own at position 0-0, and the list is replayed from there.
func (l *Log) Tail(taskID string, after chat.Position) *Tail {
	return &Tail{log: l, taskID: taskID, pos: after, inbox: l.hub.join(taskID), timer: time.NewTimer(time.Hour), reread: true}
}

// Close leaves the shared subscription.
func (t *Tail) Close() {
	t.timer.Stop()
	t.log.hub.leave(t.taskID, t.inbox)
}

// Position is that of the last chunk returned by Next.
func (t *Tail) Position() chat.Position { return t.pos }

// Next returns the chunks that come next, waiting for them for at most wait. It
// returns none when nothing came, or when a hint said that the task's state
// should be looked at. That Redis does not answer is not an error of the stream:
// the same happens then. The only error is the context's. The slice is valid until
// the next call.
func (t *Tail) Next(ctx context.Context, wait time.Duration) ([]chat.EncodedChunk, error) {
	began := time.Now()
	t.timer.Reset(wait)
	if err := t.begin(ctx); err != nil {
		return nil, err
	}
	var pause <-chan time.Time
	for {
		// A Redis that does not answer must not hold the caller for longer.
		chunks, ok := t.fetch(ctx, began.Add(max(wait, leastRead)))
		if len(chunks) > 0 {
			t.own = true
			return chunks, nil
		}
		if !ok || t.ahead {
			pause = time.After(t.pace())
			t.reread = true
		}
		if t.inbox.takeNudge() {
			t.reread = true
			return nil, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-t.timer.C:
			t.reread = true // a lost message would show only now
			return nil, nil
		case <-pause:
		case <-t.inbox.wake:
		}
	}
}

// begin waits for the subscription, once: what is read from the list before it
// is in force might be followed by a message that nobody received.
func (t *Tail) begin(ctx context.Context) error {
	if t.began {
		return nil
	}
	t.began = true
	patience := time.NewTimer(confirmWait)
	defer patience.Stop()
	for !t.inbox.isConfirmed() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-patience.C:
			return nil
		case <-t.timer.C:
			t.timer.Reset(0)
			return nil
		case <-t.inbox.wake:
		}
	}
	return nil
}

// fetch returns what the inbox or, after a gap, the list has. ok is false if the
// list could not be read.
func (t *Tail) fetch(ctx context.Context, until time.Time) (chunks []chat.EncodedChunk, ok bool) {
	queue, reread := t.inbox.take(t.given)
	t.given = nil
	if t.reread || reread {
		t.reread = true
		reading, cancel := context.WithDeadline(ctx, until)
		chunks, err := t.read(reading)
		cancel()
		if err != nil {
			return nil, false
		}
		t.reread = len(chunks) == batch // there may be more
		t.inbox.putBack(queue)
		return t.advance(chunks), true
	}
	if t.continues(queue) {
		if cap(queue) <= maxKept {
			t.given = queue
		}
		return queue, true
	}
	for _, c := range queue {
		switch {
		case !t.pos.IsStart() && !t.pos.Less(c.Position()) && t.pos.Attempt != chat.AnyAttempt:
			// seen already, or of an attempt that is over
		case c.Index == t.pos.Index+1 && (c.Attempt == t.pos.Attempt || c.Type == chat.ChunkReset || t.pos.IsStart()):
			chunks = append(chunks, c)
			t.pos = c.Position()
		default:
			t.reread = true
			if len(chunks) == 0 {
				return t.fetch(ctx, until)
			}
			t.inbox.signal()
			return chunks, true
		}
	}
	return chunks, true
}

// continues reports whether all of queue comes next, as it nearly always does, and
// goes on behind it.
func (t *Tail) continues(queue []chat.EncodedChunk) bool {
	pos := t.pos
	for _, c := range queue {
		if c.Index != pos.Index+1 || c.Attempt != pos.Attempt {
			return false
		}
		pos.Index++
	}
	t.pos = pos
	return len(queue) > 0
}

func (t *Tail) advance(chunks []chat.EncodedChunk) []chat.EncodedChunk {
	if n := len(chunks); n > 0 {
		t.pos = chunks[n-1].Position()
	}
	return chunks
}

// entries returns the raw entries from index on, at most n of them. Those of a
// packed list are kept: it does not change any more, and its reader wants them all.
func (t *Tail) entries(ctx context.Context, index, n int) ([]string, error) {
	if t.packed == nil {
		raw, err := t.log.readFrom(ctx, t.taskID, index, n)
		if err != nil || len(raw) > 0 {
			return raw, err
		}
		if t.packed, err = t.log.unpack(ctx, t.taskID); err != nil {
			return nil, err
		}
	}
	from := min(index, len(t.packed))
	return t.packed[from:min(from+n, len(t.packed))], nil
}

// read returns the entries behind the position, at most batch of them.
func (t *Tail) read(ctx context.Context) ([]chat.EncodedChunk, error) {
	if t.pos.IsStart() {
		raw, err := t.entries(ctx, 0, batch)
		return valid(raw, 0), err
	}
	// Our own entry comes along, to see that it is still ours.
	raw, err := t.entries(ctx, t.pos.Index, batch+1)
	if err != nil {
		return nil, err
	}
	chunks := valid(raw, t.pos.Index)
	if len(chunks) > 0 && (t.pos.Attempt == chat.AnyAttempt || chunks[0].Attempt == t.pos.Attempt) {
		t.found()
		return chunks[1:], nil
	}
	return t.resync(ctx)
}

func (f *subscriber) isConfirmed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.confirmed
}

// take empties the inbox; spare is filled next.
func (f *subscriber) take(spare []chat.EncodedChunk) (queue []chat.EncodedChunk, reread bool) {
	clear(spare) // the texts are not needed any more
	f.mu.Lock()
	defer f.mu.Unlock()
	queue, reread = f.queue, f.reread
	f.queue, f.reread = spare[:0], false
	return queue, reread
}

// putBack returns messages to the front of the inbox: they may be newer than
// what was read from the list.
func (f *subscriber) putBack(queue []chat.EncodedChunk) {
	if len(queue) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue = append(queue, f.queue...)
	f.signal()
}

func (f *subscriber) takeNudge() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.recheck
	f.recheck = false
	return n
}
