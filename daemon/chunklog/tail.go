package chunklog

import (
	"context"
	"time"

	"chat"
	"chat/daemon/chunklog/subscription"
)

const (
	// maxRead is how many entries one read of the list returns.
	maxRead = 512
	// maxKept is the largest queue of an inbox that is kept for reuse.
	maxKept = 16
	// confirmWait is how long a new tail waits for its subscription before it reads the
	// list without one.
	confirmWait = time.Second
	// rereadDelay is how long a tail waits that cannot read the list, or whose position
	// is not in it. In the second case the delay doubles up to maxRereadDelay.
	rereadDelay    = 500 * time.Millisecond
	maxRereadDelay = 5 * time.Second
	// minReadTime is how long a read of the list may take at least.
	minReadTime = time.Second
)

// Tail reads a task's chunks from a position on, each once and in order, whatever the
// pub/sub channel loses. It is not safe for concurrent use.
type Tail struct {
	log       *Log
	taskID    string
	pos       chat.Position
	inbox     *subscription.Inbox
	timer     *time.Timer         // of Next
	confirmed bool                // the wait for the subscription is over
	reread    bool                // the list must be read
	packed    []string            // the whole list, if it is packed
	returned  bool                // Next has returned the chunk at pos
	missing   bool                // the list does not have pos
	delay     time.Duration       // the last delay because of that
	updatedAt time.Time           // of the metadata, when that was first noticed
	spare     []chat.EncodedChunk // the queue that Next returned last, for reuse
}

// Tail starts reading after a position. The caller closes it.
//
// A position is valid if the entry at its index was written by its attempt. If the list
// has a newer attempt instead, the next chunk is the reset with which that attempt
// begins. If the list has neither, the tail waits: the writer writes a lost or
// rolled-back list again, and without a writer there will be a new attempt, or an end in
// SQL. So the positions of a tail only grow.
//
// Some positions cannot have existed: a position without an attempt, and one that the
// running writer of its attempt has not reached. For these the next chunk is a reset with
// the position 0-0, followed by the list from its start.
func (l *Log) Tail(taskID string, after chat.Position) *Tail {
	return &Tail{log: l, taskID: taskID, pos: after, inbox: l.subscription.Join(taskID), timer: time.NewTimer(time.Hour), reread: true}
}

// Close leaves the shared subscription.
func (t *Tail) Close() {
	t.timer.Stop()
	t.log.subscription.Leave(t.taskID, t.inbox)
}

// Position returns the position of the last chunk that Next returned.
func (t *Tail) Position() chat.Position { return t.pos }

// Next waits at most wait for the next chunks. It returns none after that time, and
// earlier when an event concerned the task, so that the caller reads the task's state.
// With a wait of 0 it reads the list, which has all chunks of an ended task.
// An unreachable Redis is not an error: Next returns no chunks then. The only error is
// the cause of ctx. The slice is valid until the next call.
func (t *Tail) Next(ctx context.Context, wait time.Duration) ([]chat.EncodedChunk, error) {
	began := time.Now()
	t.timer.Reset(wait)
	if wait <= 0 { // the messages of chunks that are in the list may still be on their way
		t.reread = true
	}
	if err := t.awaitConfirmation(ctx); err != nil {
		return nil, err
	}
	var retry <-chan time.Time
	for {
		// A Redis that does not respond must not hold the caller for longer.
		chunks, ok := t.fetch(ctx, began.Add(max(wait, minReadTime)))
		if len(chunks) > 0 {
			t.returned = true
			return chunks, nil
		}
		if !ok || t.missing {
			retry = time.After(t.nextDelay())
			t.reread = true
		}
		if t.inbox.TakeRecheck() {
			t.reread = true
			return nil, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-t.timer.C:
			t.reread = true // this finds a chunk whose message was lost
			return nil, nil
		case <-retry:
		case <-t.inbox.Wake():
		}
	}
}

// awaitConfirmation waits once until the subscription is in force. A chunk that is
// published between a read of the list and the subscription would be missed.
func (t *Tail) awaitConfirmation(ctx context.Context) error {
	if t.confirmed {
		return nil
	}
	t.confirmed = true
	timeout := time.NewTimer(confirmWait)
	defer timeout.Stop()
	for !t.inbox.IsConfirmed() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timeout.C:
			return nil
		case <-t.timer.C:
			t.timer.Reset(0)
			return nil
		case <-t.inbox.Wake():
		}
	}
	return nil
}

// fetch returns the chunks in the inbox or, after a gap, in the list. ok is false if the
// list could not be read.
func (t *Tail) fetch(ctx context.Context, until time.Time) (chunks []chat.EncodedChunk, ok bool) {
	queue, reread := t.inbox.Take(t.spare)
	t.spare = nil
	if t.reread || reread {
		t.reread = true
		readCtx, cancel := context.WithDeadline(ctx, until)
		chunks, err := t.read(readCtx)
		cancel()
		if err != nil {
			return nil, false
		}
		t.reread = len(chunks) == maxRead // there may be more
		if len(queue) > 0 {
			t.inbox.PutBack(queue)
			if !t.missing { // otherwise the list is read again, after a delay
				t.inbox.Signal()
			}
		}
		return t.advance(chunks), true
	}
	if t.continues(queue) {
		if cap(queue) <= maxKept {
			t.spare = queue
		}
		return queue, true
	}
	for _, c := range queue {
		switch {
		case !t.pos.IsStart() && !t.pos.Less(c.Position()) && t.pos.Attempt != chat.AnyAttempt:
			// returned before, or of an older attempt
		case c.Index == t.pos.Index+1 && (c.Attempt == t.pos.Attempt || c.Type == chat.ChunkReset || t.pos.IsStart()):
			chunks = append(chunks, c)
			t.pos = c.Position()
		default:
			t.reread = true
			if len(chunks) == 0 {
				return t.fetch(ctx, until)
			}
			t.inbox.Signal()
			return chunks, true
		}
	}
	return chunks, true
}

// continues reports whether all of queue comes next, as it usually does, and advances
// the position.
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

// entries returns at most n entries from index on. It keeps those of a packed list,
// which does not change any more, because its reader will want them all.
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

// read returns at most maxRead chunks after the position.
func (t *Tail) read(ctx context.Context) ([]chat.EncodedChunk, error) {
	if t.pos.IsStart() {
		raw, err := t.entries(ctx, 0, maxRead)
		return valid(raw, 0), err
	}
	// The entry at the position is read too, to check that the position is valid.
	raw, err := t.entries(ctx, t.pos.Index, maxRead+1)
	if err != nil {
		return nil, err
	}
	chunks := valid(raw, t.pos.Index)
	if len(chunks) > 0 && (t.pos.Attempt == chat.AnyAttempt || chunks[0].Attempt == t.pos.Attempt) {
		t.setFound()
		return chunks[1:], nil
	}
	return t.resync(ctx)
}
