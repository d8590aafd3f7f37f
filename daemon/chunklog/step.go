package chunklog

import (
	"context"
	"errors"
	"time"

	"chat"
	"chat/internal/crash"
)

// idleFor returns the time left until the list has been unchanged for idle; 0 if the
// list needs a step now.
func (w *Writer) idleFor(idle time.Duration) time.Duration {
	w.sending.Lock()
	defer w.sending.Unlock()
	if w.list != synced || w.confirmed < len(w.entries) {
		return 0
	}
	return idle - time.Since(w.syncedAt)
}

// upToDate reports whether the batcher has left nothing for Run to do.
func (w *Writer) upToDate() bool {
	w.sending.Lock()
	defer w.sending.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.list == synced && w.confirmed == len(w.entries) && len(w.pending) == 0
}

// flush brings the list up to date.
func (w *Writer) flush(ctx context.Context) error {
	w.sending.Lock()
	defer w.sending.Unlock()
	return w.sync(ctx)
}

// sync brings the list up to date: in one step, or in two if the list was lost. The
// caller holds sending.
func (w *Writer) sync(ctx context.Context) error {
	if w.list == stale {
		return ErrStale
	}
	if !w.leaseHeld() {
		return errLeaseInDoubt
	}
	if err := w.drain(); err != nil {
		return err
	}
	if w.list == unchecked {
		if err := w.checkList(ctx); err != nil {
			return err
		}
	}
	if w.list == unknown {
		if err := w.checkLength(ctx); err != nil {
			return err
		}
	}
	err := w.makeStep(ctx)
	if errors.Is(err, errMismatch) {
		err = w.makeStep(ctx) // a rewrite
	}
	return err
}

// prepareAppend returns a step that appends the pending text, for the batcher. It
// returns false if there is nothing to append, and leaves to Run a writer whose list
// is not synced. The caller holds sending.
func (w *Writer) prepareAppend() (step, bool) {
	if w.list != synced || !w.leaseHeld() || w.drain() != nil {
		w.signal()
		return step{}, false
	}
	if len(w.entries) == w.confirmed { // Run was faster
		return step{}, false
	}
	crash.Here(crash.LogBeforeAppend)
	return w.nextStep(), true
}

// checkLength finds out whether an append was applied whose reply was lost. It was if
// the list has grown by it, and it was not if the list has not grown. So a slow Redis
// does not get more work from lists that are written again.
func (w *Writer) checkLength(ctx context.Context) error {
	n, err := w.log.length(ctx, w.task.ID, w.task.Attempt)
	if err != nil && !errors.Is(err, errMismatch) && !errors.Is(err, ErrStale) {
		return err
	}
	w.list = w.list.afterLength(n > 0 && (n == w.confirmed || n == w.attempted), err)
	switch {
	case w.list == stale:
		return ErrStale
	case w.list == synced && n == w.attempted:
		w.confirmed, w.published = n, n
	}
	return nil
}

// nextStep returns the step that brings the list up to date. For a list that is lost,
// that is a rewrite.
func (w *Writer) nextStep() step {
	w.attempted = len(w.entries)
	s := step{
		taskID: w.task.ID, attempt: w.task.Attempt, before: w.confirmed,
		entries: w.entries[w.confirmed:], publish: w.entries[w.published:], began: time.Now(),
	}
	if w.list == lost {
		s.before, s.entries = 0, w.entries
	}
	if s.before == 0 || s.began.Sub(w.ttlSetAt) >= w.log.opts.Refresh {
		s.meta = w.meta(s.began)
	}
	return s
}

// makeStep makes one step: it appends to a synced list, and writes a lost one again.
func (w *Writer) makeStep(ctx context.Context) error {
	s := w.nextStep()
	crash.Here(crash.LogBeforeAppend)
	var err error
	if w.list == lost {
		err = w.log.rewrite(ctx, s)
	} else {
		err = w.log.append(ctx, s)
	}
	w.recordOutcome(s, err)
	return err
}

// recordOutcome records the outcome of a step.
func (w *Writer) recordOutcome(s step, err error) {
	w.list = w.list.afterStep(err)
	if err != nil {
		return
	}
	crash.Here(crash.LogAfterAppend)
	w.confirmed, w.published = w.attempted, w.attempted
	w.syncedAt = s.began
	if s.meta != nil {
		w.ttlSetAt = s.began
	}
}

// drain turns the pending text into entries.
func (w *Writer) drain() error {
	for _, d := range w.takePending() {
		c := d.chunk()
		c.Content = string(d.text)
		if err := w.index(c); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) takePending() []delta {
	w.mu.Lock()
	defer w.mu.Unlock()
	pending := w.pending
	w.pending, w.queued = nil, false
	return pending
}

// index appends c to entries, with the next index.
func (w *Writer) index(c chat.Chunk) error {
	c.Index, c.Attempt = len(w.entries), w.task.Attempt
	encoded, err := c.Encode()
	if err != nil {
		return err
	}
	w.entries = append(w.entries, encoded.JSON)
	return nil
}
