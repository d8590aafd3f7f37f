// Package follow brings the streams of running tasks to the screen at the
// screen's pace. Each task is read by one goroutine; whatever arrived between
// two frames is merged, so that the screen handles at most one message per frame
// however fast the models write.
//
// Delivery: nothing is dropped and order is kept within a task, except for text
// before a reset, which a reader does not need. If the screen stops taking batches,
// its readers wait once MaxPending bytes are pending; the server never does.
package follow

import (
	"context"
	"iter"
	"sync"
	"time"

	"chat"
)

const (
	// Frame is the shortest time between two batches.
	Frame = 33 * time.Millisecond
	// MaxPending bounds the text that waits for the screen, in bytes per task.
	MaxPending = 1 << 20
	// share is the part of the time that drawing may take: one in share.
	share = 4
	// slowest bounds how far costly frames can stretch the time between two.
	slowest = 500 * time.Millisecond
)

// Batch is what one stream received since the last frame, in order. Adjacent chunks
// of the same kind are merged; Conn is the last change of the connection.
type Batch struct {
	ID     int // of the stream, as given to Run
	Chunks []chat.Chunk
	Conn   *chat.ConnState
	Ended  bool  // nothing more will come
	Err    error // why it ended, if not by a terminal chunk
}

// Source yields the updates of one task until it ends or ctx does.
type Source func(ctx context.Context) iter.Seq2[chat.FollowEvent, error]

// Hub merges the updates of any number of streams.
type Hub struct {
	mu      sync.Mutex
	pending []*entry // in order of arrival
	cancels map[int]context.CancelFunc
	stopped map[int]bool  // before they began
	wake    chan struct{} // holds a token while something is pending
	drained chan struct{} // closed and replaced when the screen took everything
	last    time.Time
	pace    time.Duration
}

// NewHub returns an empty Hub.
func NewHub() *Hub {
	return &Hub{
		cancels: map[int]context.CancelFunc{},
		stopped: map[int]bool{},
		wake:    make(chan struct{}, 1),
		drained: make(chan struct{}),
		pace:    Frame,
	}
}

// Run follows source until it ends, ctx ends, or Stop(id). ids are the caller's
// and are not used twice.
func (h *Hub) Run(ctx context.Context, id int, source Source) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !h.begin(id, cancel) {
		return
	}
	defer func() {
		h.mu.Lock()
		delete(h.cancels, id)
		h.mu.Unlock()
	}()
	var failure error
	for u, err := range source(ctx) {
		if err != nil {
			failure = err
			break
		}
		if !h.put(ctx, id, u) {
			return
		}
	}
	if ctx.Err() == nil {
		h.add(id, func(e *entry) { e.ended, e.err = true, failure })
	}
}

// begin registers a stream, unless it was stopped before it began.
func (h *Hub) begin(id int, cancel context.CancelFunc) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped[id] {
		delete(h.stopped, id)
		return false
	}
	h.cancels[id] = cancel
	return true
}

// Stop ends the stream with that id, if there is one, and forgets what it has
// yielded.
func (h *Hub) Stop(id int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if cancel := h.cancels[id]; cancel != nil {
		cancel()
	} else {
		h.stopped[id] = true
	}
	for i, e := range h.pending {
		if e.id == id {
			h.pending = append(h.pending[:i], h.pending[i+1:]...)
			break
		}
	}
}

// put adds an update, waiting while too much is pending; false when ctx ended.
func (h *Hub) put(ctx context.Context, id int, u chat.FollowEvent) bool {
	for {
		h.mu.Lock()
		e, drained := h.find(id), h.drained
		full := e != nil && e.bytes >= MaxPending
		h.mu.Unlock()
		if !full {
			break
		}
		select {
		case <-ctx.Done():
			return false
		case <-drained:
		}
	}
	if ctx.Err() != nil {
		return false
	}
	h.add(id, func(e *entry) { e.merge(u) })
	return true
}

// find returns the pending entry of id, or nil. The caller holds the lock.
func (h *Hub) find(id int) *entry {
	for _, e := range h.pending {
		if e.id == id {
			return e
		}
	}
	return nil
}

// add changes the pending entry of id, and wakes the screen.
func (h *Hub) add(id int, change func(*entry)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.find(id)
	if e == nil {
		e = &entry{id: id}
		h.pending = append(h.pending, e)
	}
	change(e)
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Next waits for updates, at least until a frame after the last ones, and returns
// them all. It returns nil when ctx ends. Only one caller may wait at a time.
func (h *Hub) Next(ctx context.Context) []Batch {
	select {
	case <-ctx.Done():
		return nil
	case <-h.wake:
	}
	h.mu.Lock()
	rest := h.pace - time.Since(h.last)
	h.mu.Unlock()
	if rest > 0 {
		timer := time.NewTimer(rest)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
	}
	return h.take()
}

// take empties the hub. It can come back empty when Stop was faster.
func (h *Hub) take() []Batch {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.wake: // what came while waiting for the frame is taken too
	default:
	}
	batches := make([]Batch, 0, len(h.pending))
	for _, e := range h.pending {
		batches = append(batches, e.batch())
	}
	h.pending, h.last = nil, time.Now()
	close(h.drained)
	h.drained = make(chan struct{})
	return batches
}

// Cost records how long the last batches took to draw. It stretches the time
// between frames so that drawing takes at most a quarter of it.
func (h *Hub) Cost(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pace = min(max(Frame, share*d), slowest)
}
