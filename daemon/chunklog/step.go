package chunklog

import (
	"context"
	"errors"
	"time"

	"chat"
	"chat/internal/crash"
)

// idleFor is the time until the list has been unchanged for idle; 0 if the list is
// not known to be synced.
func (w *Writer) idleFor(idle time.Duration) time.Duration {
	w.sending.Lock()
	defer w.sending.Unlock()
	if !w.intact || w.unsure || w.confirmed < len(w.entries) {
		return 0
	}
	return idle - time.Since(w.sent)
}

// upToDate reports whether the batcher has left nothing for Run to do.
func (w *Writer) upToDate() bool {
	w.sending.Lock()
	defer w.sending.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.intact && !w.unsure && !w.stale && !w.sent.IsZero() && w.confirmed == len(w.entries) && len(w.pending) == 0
}

// flush brings the list up to date.
func (w *Writer) flush(ctx context.Context) error {
	w.sending.Lock()
	defer w.sending.Unlock()
	return w.step(ctx)
}

// step brings the list up to date in one step, or in two if it was lost. The lock
// is held.
func (w *Writer) step(ctx context.Context) error {
	if w.stale {
		return ErrStale
	}
	if !w.allowed() {
		return errInDoubt
	}
	if err := w.drain(); err != nil {
		return err
	}
	if !w.looked {
		if err := w.look(ctx); err != nil {
			return err
		}
	}
	err := w.send(ctx)
	if errors.Is(err, errMismatch) {
		err = w.send(ctx) // a rewrite now
	}
	return err
}

// beginAppend makes a step of the text that is pending, for the batcher. If ok, it
// returns with the lock held, and finishAppend must be called. A writer that is
// busy, or whose list is not synced, is left to Run.
func (w *Writer) beginAppend() (s step, ok bool) {
	select {
	case <-w.stop: // Seal sends the rest
		return s, false
	default:
	}
	if !w.sending.TryLock() {
		w.signal() // there may be more text by now than its holder has seen
		return s, false
	}
	if !w.intact || !w.looked || w.unsure || w.stale || !w.allowed() || w.drain() != nil {
		w.sending.Unlock()
		w.signal()
		return s, false
	}
	if len(w.entries) == w.confirmed { // somebody was quicker
		w.sending.Unlock()
		return s, false
	}
	crash.Here(crash.LogBeforeAppend)
	return w.next(), true
}

// finishAppend records the outcome of a step of beginAppend, and unlocks.
func (w *Writer) finishAppend(s step, err error) {
	w.recordOutcome(s, err)
	w.sending.Unlock()
	if err != nil {
		w.signal()
	}
}

// resolve finds out whether an append was applied whose reply was lost: it was
// if the list has grown by it, and it was not if the list has not grown. A slow
// Redis is not made slower by writing whole lists again.
func (w *Writer) resolve(ctx context.Context) error {
	n, err := w.log.length(ctx, w.task.ID, w.task.Attempt)
	if err != nil && !errors.Is(err, errMismatch) {
		return err
	}
	w.unsure = false
	if err != nil || n == 0 {
		return nil //nolint:nilerr // the list is lost: the next step writes it again
	}
	switch n {
	case w.confirmed:
		w.intact = true
	case w.attempted:
		w.intact, w.confirmed, w.published = true, n, n
	}
	return nil
}

// next is the step that brings an intact list up to date.
func (w *Writer) next() step {
	w.attempted = len(w.entries)
	s := step{
		taskID: w.task.ID, attempt: w.task.Attempt, before: w.confirmed,
		entries: w.entries[w.confirmed:], publish: w.entries[w.published:], made: time.Now(),
	}
	if s.before == 0 || !w.intact || s.made.Sub(w.ttlSetAt) >= w.log.opts.Refresh {
		s.meta = w.meta(s.made)
	}
	return s
}

// send makes one step: an append if the list is intact, else a rewrite.
func (w *Writer) send(ctx context.Context) error {
	if w.unsure {
		if err := w.resolve(ctx); err != nil {
			return err
		}
	}
	s := w.next()
	crash.Here(crash.LogBeforeAppend)
	var err error
	if w.intact {
		err = w.log.append(ctx, s)
	} else {
		s.before, s.entries = 0, w.entries
		err = w.log.rewrite(ctx, s)
	}
	w.recordOutcome(s, err)
	return err
}

// recordOutcome records whether a step succeeded.
func (w *Writer) recordOutcome(s step, err error) {
	if w.intact {
		w.unsure = err != nil && !errors.Is(err, errMismatch)
	}
	w.intact = err == nil
	if err != nil {
		w.stale = w.stale || errors.Is(err, ErrStale)
		return
	}
	crash.Here(crash.LogAfterAppend)
	w.confirmed, w.published = w.attempted, w.attempted
	w.sent = s.made
	if s.meta != nil {
		w.ttlSetAt = s.made
	}
}

// drain turns what is pending into entries with an index of their own.
func (w *Writer) drain() error {
	w.mu.Lock()
	batch := w.pending
	w.pending, w.queued = nil, false
	w.mu.Unlock()
	for _, d := range batch {
		c := d.chunk()
		c.Content = string(d.text)
		if err := w.index(c); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) index(c chat.Chunk) error {
	c.Index, c.Attempt = len(w.entries), w.task.Attempt
	encoded, err := c.Encode()
	if err != nil {
		return err
	}
	w.entries = append(w.entries, encoded.JSON)
	return nil
}
