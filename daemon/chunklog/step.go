package chunklog

import (
	"context"
	"errors"
	"time"

	"chat"
	"chat/internal/crash"
)

// quiet is how long from now the list will have been left alone for idle; none if
// it is not known to be well.
func (w *Writer) quiet(idle time.Duration) time.Duration {
	w.sending.Lock()
	defer w.sending.Unlock()
	if !w.intact || w.unsure || w.acked < len(w.entries) {
		return 0
	}
	return idle - time.Since(w.sent)
}

// well reports whether there is nothing for Run to do that the pusher has not done.
func (w *Writer) well() bool {
	w.sending.Lock()
	defer w.sending.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.intact && !w.unsure && !w.stale && !w.sent.IsZero() && w.acked == len(w.entries) && len(w.pending) == 0
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

// take makes a step of the text that is pending, for the pusher, which then holds
// the lock until took. A writer that is busy, or whose list is not well, is left to
// Run.
func (w *Writer) take() (s step, ok bool) {
	select {
	case <-w.stop: // what is left is Settle's
		return s, false
	default:
	}
	if !w.sending.TryLock() {
		w.poke() // there may be more text by now than its holder has seen
		return s, false
	}
	if !w.intact || !w.looked || w.unsure || w.stale || !w.allowed() || w.drain() != nil {
		w.sending.Unlock()
		w.poke()
		return s, false
	}
	if len(w.entries) == w.acked { // somebody was quicker
		w.sending.Unlock()
		return s, false
	}
	crash.Here(crash.LogBeforeAppend)
	return w.next(), true
}

// took takes down what a step of take has come to, and unlocks.
func (w *Writer) took(s step, err error) {
	w.note(s, err)
	w.sending.Unlock()
	if err != nil {
		w.poke()
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
	case w.acked:
		w.intact = true
	case w.tried:
		w.intact, w.acked, w.told = true, n, n
	}
	return nil
}

// next is the step that brings an intact list up to date.
func (w *Writer) next() step {
	w.tried = len(w.entries)
	s := step{
		taskID: w.task.ID, attempt: w.task.Attempt, before: w.acked,
		entries: w.entries[w.acked:], publish: w.entries[w.told:], made: time.Now(),
	}
	if s.before == 0 || !w.intact || s.made.Sub(w.armed) >= w.log.opts.Refresh {
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
	w.note(s, err)
	return err
}

// note takes down what a step has come to.
func (w *Writer) note(s step, err error) {
	if w.intact {
		w.unsure = err != nil && !errors.Is(err, errMismatch)
	}
	w.intact = err == nil
	if err != nil {
		w.stale = w.stale || errors.Is(err, ErrStale)
		return
	}
	crash.Here(crash.LogAfterAppend)
	w.acked, w.told = w.tried, w.tried
	w.sent = s.made
	if s.meta != nil {
		w.armed = s.made
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
