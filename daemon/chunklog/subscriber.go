package chunklog

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
)

// pingEvery is how long the shared connection may be silent before it is pinged and, if
// no reply comes for as long again, replaced.
const pingEvery = 3 * time.Second

// subscriber is the one subscription of the process. It distributes messages to the
// inboxes of all tails.
type subscriber struct {
	rdb  *redis.Client
	opts Options

	mu       sync.Mutex
	channels map[string]*channel // that have inboxes, by name
	inboxes  int                 // in channels
	changes  map[string]bool     // names of channels to subscribe to or unsubscribe from
	handlers []func(chat.TaskEvent)
	echoes   map[string]chan struct{} // closed when the message arrives; by message

	subscribed bool          // the subscription is in force
	failure    error         // why it is not
	changed    chan struct{} // closed when subscribed or failure changes

	changesReady chan struct{}
	echoChannel  string // on which the process receives its own messages
}

// channel is a Redis channel and its inboxes.
type channel struct {
	inboxes []*inbox
	live    bool // confirmed on the current connection
}

func newSubscriber(rdb *redis.Client, o Options) *subscriber {
	return &subscriber{
		rdb: rdb, opts: o, changesReady: make(chan struct{}, 1),
		channels: map[string]*channel{}, changes: map[string]bool{}, echoes: map[string]chan struct{}{},
		changed: make(chan struct{}), echoChannel: o.Names.Check(rand.Text()),
	}
}

func (s *subscriber) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inboxes
}

// join adds an inbox to a task's channel. The caller must not read the list before the
// inbox is confirmed.
func (s *subscriber) join(taskID string) *inbox {
	in := &inbox{wake: make(chan struct{}, 1)}
	name := s.opts.Names.Channel(taskID)
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[name]
	if ch == nil {
		ch = &channel{}
		s.channels[name] = ch
	}
	in.at = len(ch.inboxes)
	ch.inboxes = append(ch.inboxes, in)
	s.inboxes++
	if ch.live {
		in.confirm()
	} else {
		s.changes[name] = true
		s.signal()
	}
	return in
}

// leave removes an inbox; the second time it does nothing.
func (s *subscriber) leave(taskID string, in *inbox) {
	name := s.opts.Names.Channel(taskID)
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[name]
	if ch == nil || in.at >= len(ch.inboxes) || ch.inboxes[in.at] != in {
		return
	}
	last := len(ch.inboxes) - 1
	ch.inboxes[in.at] = ch.inboxes[last]
	ch.inboxes[in.at].at = in.at
	ch.inboxes[last] = nil
	ch.inboxes = ch.inboxes[:last]
	s.inboxes--
	if last == 0 {
		delete(s.channels, name)
		s.changes[name] = true
		s.signal()
	}
}

// signal wakes applyChanges.
func (s *subscriber) signal() {
	select {
	case s.changesReady <- struct{}{}:
	default:
	}
}

// run keeps a connection until ctx ends.
func (s *subscriber) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		began := time.Now()
		err := s.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > 10*time.Second {
			failures = 0
		}
		failures++
		s.setFailure(err)
		select {
		case <-ctx.Done():
		case <-time.After(chat.Backoff(failures, 50*time.Millisecond, time.Second)):
		}
	}
}

// session subscribes to all channels on one connection and serves it until it breaks.
func (s *subscriber) session(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ps := s.rdb.Subscribe(ctx, s.beginSession()...)
	var wg sync.WaitGroup
	defer wg.Wait()
	// The connection is given up either way; closing it also ends a read.
	defer context.AfterFunc(ctx, func() { _ = ps.Close() })()
	defer func() { _ = ps.Close() }()
	defer cancel()
	wg.Go(func() { s.applyChanges(ctx, ps) })

	for silent := false; ; {
		msg, err := ps.ReceiveTimeout(ctx, pingEvery)
		switch {
		case err == nil:
			silent = false
		case ctx.Err() != nil:
			return ctx.Err()
		case isTimeout(err) && !silent:
			silent = true
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
				s.confirm(m.Channel)
			}
		case *redis.Message:
			s.deliver(m)
		}
	}
}

// beginSession marks all inboxes as unconfirmed, and returns the names of the channels
// that a new connection subscribes to.
func (s *subscriber) beginSession() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := []string{s.opts.Names.Control(), s.echoChannel}
	clear(s.changes)
	for name, ch := range s.channels {
		names = append(names, name)
		ch.live = false
		for _, in := range ch.inboxes {
			in.markUnconfirmed()
		}
	}
	return names
}

// applyChanges subscribes to channels that have their first inbox, and unsubscribes from
// those that have lost their last: many with one command.
func (s *subscriber) applyChanges(ctx context.Context, ps *redis.PubSub) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.changesReady:
		}
		add, drop := s.takeChanges()
		// Receive returns the same error, which ends the session.
		if len(drop) > 0 {
			_ = ps.Unsubscribe(ctx, drop...)
		}
		if len(add) > 0 {
			_ = ps.Subscribe(ctx, add...)
		}
	}
}

func (s *subscriber) takeChanges() (add, drop []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.changes {
		if s.channels[name] != nil {
			add = append(add, name)
		} else {
			drop = append(drop, name)
		}
	}
	clear(s.changes)
	return add, drop
}

// confirm records that Redis has confirmed the subscription to a channel.
func (s *subscriber) confirm(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == s.echoChannel {
		s.setSubscribed()
	}
	ch := s.channels[name]
	if ch == nil {
		return
	}
	ch.live = true
	for _, in := range ch.inboxes {
		in.confirm()
	}
}

// deliver passes a message on to those it is for.
func (s *subscriber) deliver(m *redis.Message) {
	switch m.Channel {
	case s.opts.Names.Control():
		s.handleEvent(m.Payload)
		return
	case s.echoChannel:
		s.receiveEcho(m.Payload)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[m.Channel]
	if ch == nil {
		return
	}
	c, err := parseEntry(m.Payload)
	for _, in := range ch.inboxes {
		if err != nil {
			in.drop()
		} else {
			in.put(c)
		}
	}
}

// setSubscribed records that the subscription is in force. The caller holds mu.
func (s *subscriber) setSubscribed() {
	if s.failure != nil {
		s.opts.Logger.Info("chunk log: subscribed again")
	}
	s.subscribed, s.failure = true, nil
	s.notifyChanged()
}

// setFailure records why the subscription is not in force, and logs a new reason.
func (s *subscriber) setFailure(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil || s.failure.Error() != err.Error() {
		s.opts.Logger.Warn("chunk log: the subscription was lost; readers read lists until it is back",
			"channels", s.opts.Names.Channels(), "err", err)
	}
	s.subscribed, s.failure = false, err
	s.notifyChanged()
}

func (s *subscriber) notifyChanged() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}
