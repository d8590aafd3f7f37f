package chunklog

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
)

const (
	// maxQueued bounds the messages held for one follower; beyond it they are
	// dropped and the follower reads the list.
	maxQueued = 256
	// pingEvery is how long the shared connection may be silent before it is
	// pinged, and, if nothing answers for as long again, replaced.
	pingEvery = 3 * time.Second
)

// Control is a hint on the control channel. Losing one costs time, never truth.
type Control struct {
	Type   string `json:"type"` // ControlCancel or ControlEnded
	TaskID string `json:"task_id"`
}

// The types of hints.
const (
	ControlCancel = "cancel" // a running task should be stopped
	ControlEnded  = "ended"  // a task has ended without a chunk to say so
)

// hub is the one subscription of the process, shared by all subscribers.
type hub struct {
	rdb  *redis.Client
	opts Options

	mu          sync.Mutex
	channels    map[string]*channel // that have subscribers, by name
	subscribers int                 // in topics
	dirty       map[string]bool     // channels to (un)subscribe, on the connection's next turn
	onControl   []func(Control)
	echoes      map[string]chan struct{} // that are waited for
	stands      bool                     // the subscription
	broken      error                    // why it does not
	changed     chan struct{}            // closed when one of the two changes

	dirtied chan struct{}
	self    string // a channel on which the process hears itself
}

// channel is a Redis channel and its subscribers.
type channel struct {
	subscribers []*subscriber
	live        bool // confirmed on this connection
}

// subscriber is one tail's inbox. Its hub fills it, its tail empties it.
type subscriber struct {
	wake chan struct{}
	at   int // index in its channel's subscribers; the hub's

	mu    sync.Mutex
	queue []chat.EncodedChunk
	// reread says that messages may have been missed; confirmed that the
	// subscription is in force; recheck that the task's state should be looked at.
	reread, confirmed, recheck bool
}

func newHub(rdb *redis.Client, o Options) *hub {
	return &hub{
		rdb: rdb, opts: o, dirtied: make(chan struct{}, 1),
		channels: map[string]*channel{}, dirty: map[string]bool{}, echoes: map[string]chan struct{}{},
		changed: make(chan struct{}), self: o.Names.Check(rand.Text()),
	}
}

func (h *hub) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.subscribers
}

// join adds a subscriber to a task. The caller must read the list after the
// subscriber is woken with confirmed set, not before.
func (h *hub) join(taskID string) *subscriber {
	f := &subscriber{wake: make(chan struct{}, 1)}
	ch := h.opts.Names.Channel(taskID)
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.channels[ch]
	if t == nil {
		t = &channel{}
		h.channels[ch] = t
	}
	f.at = len(t.subscribers)
	t.subscribers = append(t.subscribers, f)
	h.subscribers++
	if t.live {
		f.confirm()
	} else {
		h.dirty[ch] = true
		h.signal()
	}
	return f
}

func (h *hub) leave(taskID string, f *subscriber) {
	ch := h.opts.Names.Channel(taskID)
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.channels[ch]
	if t == nil || f.at >= len(t.subscribers) || t.subscribers[f.at] != f {
		return // it has left before
	}
	last := len(t.subscribers) - 1
	t.subscribers[f.at] = t.subscribers[last]
	t.subscribers[f.at].at = f.at
	t.subscribers[last] = nil
	t.subscribers = t.subscribers[:last]
	h.subscribers--
	if last == 0 {
		delete(h.channels, ch)
		h.dirty[ch] = true
		h.signal()
	}
}

func (h *hub) signal() {
	select {
	case h.dirtied <- struct{}{}:
	default:
	}
}

// run keeps one connection after another.
func (h *hub) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		began := time.Now()
		err := h.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > 10*time.Second {
			failures = 0
		}
		failures++
		h.broke(err)
		select {
		case <-ctx.Done():
		case <-time.After(chat.Backoff(failures, 50*time.Millisecond, time.Second)):
		}
	}
}

// session subscribes to everything wanted on one connection and serves it until
// it breaks.
func (h *hub) session(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h.mu.Lock()
	names := []string{h.opts.Names.Control(), h.self}
	clear(h.dirty)
	for ch, t := range h.channels {
		names = append(names, ch)
		t.live = false
		for _, f := range t.subscribers {
			f.markUnconfirmed()
		}
	}
	h.mu.Unlock()

	ps := h.rdb.Subscribe(ctx, names...)
	var wg sync.WaitGroup
	defer wg.Wait()
	// The connection is given up either way; closing it also ends a read.
	defer context.AfterFunc(ctx, func() { _ = ps.Close() })()
	defer func() { _ = ps.Close() }()
	defer cancel()
	wg.Go(func() { h.follow(ctx, ps) })

	for silent := 0; ; {
		msg, err := ps.ReceiveTimeout(ctx, pingEvery)
		switch {
		case err == nil:
			silent = 0
		case ctx.Err() != nil:
			return ctx.Err()
		case isTimeout(err) && silent == 0:
			silent++
			if err := ps.Ping(ctx); err != nil {
				return err
			}
			continue
		default:
			return err
		}
		switch m := msg.(type) {
		case *redis.Subscription:
			if m.Kind == "subscribe" {
				h.confirm(m.Channel)
			}
		case *redis.Message:
			h.deliver(m)
		}
	}
}

// follow sends the subscriptions that joining and leaving followers ask for,
// many in one command.
func (h *hub) follow(ctx context.Context, ps *redis.PubSub) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.dirtied:
		}
		var add, drop []string
		h.mu.Lock()
		for ch := range h.dirty {
			if h.channels[ch] != nil {
				add = append(add, ch)
			} else {
				drop = append(drop, ch)
			}
		}
		clear(h.dirty)
		h.mu.Unlock()
		// An error here shows as an error of Receive too, which ends the session.
		if len(drop) > 0 {
			_ = ps.Unsubscribe(ctx, drop...)
		}
		if len(add) > 0 {
			_ = ps.Subscribe(ctx, add...)
		}
	}
}

// confirm tells a channel's followers that from now on no message passes them
// by, and that some may have until now: after a reconnect as at the start.
func (h *hub) confirm(channel string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if channel == h.self {
		h.stand()
	}
	t := h.channels[channel]
	if t == nil {
		return
	}
	t.live = true
	for _, f := range t.subscribers {
		f.confirm()
	}
}

func (h *hub) deliver(m *redis.Message) {
	switch m.Channel {
	case h.opts.Names.Control():
		h.control(m.Payload)
		return
	case h.self:
		h.hear(m.Payload)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.channels[m.Channel]
	if t == nil {
		return
	}
	c, err := parseEntry(m.Payload)
	for _, f := range t.subscribers {
		f.mu.Lock()
		if err != nil || len(f.queue) >= maxQueued {
			f.queue, f.reread = nil, true
		} else {
			f.queue = append(f.queue, c)
		}
		f.mu.Unlock()
		f.signal()
	}
}

func (h *hub) control(payload string) {
	var c Control
	if err := json.Unmarshal([]byte(payload), &c); err != nil {
		h.opts.Logger.Warn("chunk log: a control message is not JSON", "err", err)
		return
	}
	h.mu.Lock()
	if t := h.channels[h.opts.Names.Channel(c.TaskID)]; t != nil {
		for _, f := range t.subscribers {
			f.mu.Lock()
			f.recheck = true
			f.mu.Unlock()
			f.signal()
		}
	}
	handlers := h.onControl
	h.mu.Unlock()
	for _, fn := range handlers {
		fn(c)
	}
}

// confirm opens the inbox: what was published before is in the list, what comes
// now comes here.
func (f *subscriber) confirm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.confirmed {
		f.confirmed, f.reread = true, true
		f.signal()
	}
}

// markUnconfirmed records that messages may be missed until the next confirmation.
func (f *subscriber) markUnconfirmed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.confirmed, f.reread = false, true
	f.signal()
}

func (f *subscriber) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// OnControl registers fn for every hint; it must not block.
func (l *Log) OnControl(fn func(Control)) {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	l.hub.onControl = append(l.hub.onControl[:len(l.hub.onControl):len(l.hub.onControl)], fn)
}

// Hint publishes c to every process.
func (l *Log) Hint(ctx context.Context, c Control) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	return l.rdb.Publish(ctx, l.opts.Names.Control(), data).Err()
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}
