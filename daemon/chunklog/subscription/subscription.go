// Package subscription receives the messages of all streams for all readers of a process. One
// server has one connection for all of them. A Cluster with sharded channels has one connection
// for each of its servers, and one for the events.
package subscription

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"sync"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/chunklog/entry"
	"chat/daemon/keys"
	"chat/daemon/redisconn"
)

// Subscription distributes the messages of streams to inboxes, and events to handlers.
type Subscription struct {
	rdb    *redisconn.Client
	names  keys.Names
	logger *slog.Logger

	main *link // control, and all channels that are not sharded

	mu       sync.Mutex
	channels map[string]*channel     // that have inboxes, by name
	inboxes  int                     // in channels
	shards   map[*redis.Client]*link // by server
	unrouted map[string]bool         // names of sharded channels that have no link
	handlers []func(chat.TaskEvent)
	echoes   map[string]chan struct{} // closed when the message arrives; by message
	changed  chan struct{}            // closed when the state of a link changes

	routing chan struct{} // has an element when unrouted is not empty
}

// channel is a Redis channel and its inboxes.
type channel struct {
	inboxes []*Inbox
	link    *link // that subscribes to it; nil while none does
	live    bool  // confirmed on the current connection
}

// New returns a subscription on rdb, which begins when Run is called.
func New(rdb *redisconn.Client, logger *slog.Logger) *Subscription {
	s := &Subscription{
		rdb: rdb, names: rdb.Names(), logger: logger,
		channels: map[string]*channel{}, shards: map[*redis.Client]*link{}, unrouted: map[string]bool{},
		echoes: map[string]chan struct{}{}, changed: make(chan struct{}), routing: make(chan struct{}, 1),
	}
	s.main = newLink(s, nil, s.names.Check(rand.Text()))
	return s
}

// Size returns the number of inboxes.
func (s *Subscription) Size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inboxes
}

// Run keeps the connections until ctx ends.
func (s *Subscription) Run(ctx context.Context) {
	var links sync.WaitGroup
	defer links.Wait()
	links.Go(func() { s.main.run(ctx) })
	if s.rdb.IsSharded() {
		s.route(ctx, &links)
	}
}

// Join adds an inbox to a task's channel. The caller must not read the list before the
// inbox is confirmed.
func (s *Subscription) Join(taskID string) *Inbox {
	in := &Inbox{wake: make(chan struct{}, 1)}
	name := s.names.Channel(taskID)
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[name]
	if ch == nil {
		ch = &channel{}
		s.channels[name] = ch
		s.subscribe(name, ch)
	}
	in.at = len(ch.inboxes)
	ch.inboxes = append(ch.inboxes, in)
	s.inboxes++
	if ch.live {
		in.confirm()
	}
	return in
}

// subscribe lets a link subscribe to a channel. The caller holds mu.
func (s *Subscription) subscribe(name string, ch *channel) {
	if !s.rdb.IsSharded() {
		ch.link = s.main
		s.main.change(name)
		return
	}
	s.unrouted[name] = true
	signal(s.routing)
}

// Leave removes an inbox; the second time it does nothing.
func (s *Subscription) Leave(taskID string, in *Inbox) {
	name := s.names.Channel(taskID)
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
		delete(s.unrouted, name)
		if ch.link != nil {
			ch.link.change(name)
		}
	}
}

// OnEvent registers handle for the events of all processes, this one included. It must
// not block.
func (s *Subscription) OnEvent(handle func(chat.TaskEvent)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers = append(s.handlers[:len(s.handlers):len(s.handlers)], handle)
}

// Deliver passes a message on to those it is for.
func (s *Subscription) Deliver(m *redis.Message) {
	if m.Channel == s.names.Control() {
		s.handleEvent(m.Payload)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[m.Channel]
	if ch == nil {
		s.receiveEcho(m.Payload)
		return
	}
	c, err := entry.Parse(m.Payload)
	for _, in := range ch.inboxes {
		if err != nil {
			in.drop()
		} else {
			in.put(c)
		}
	}
}

// handleEvent wakes the tails of the event's task, and calls all handlers.
func (s *Subscription) handleEvent(payload string) {
	var e chat.TaskEvent
	if err := json.Unmarshal([]byte(payload), &e); err != nil {
		s.logger.Warn("chunk log: an event is not valid JSON", "err", err)
		return
	}
	for _, handle := range s.recheckTails(e.TaskID) {
		handle(e)
	}
}

// recheckTails makes the tails of a task return, and returns the handlers of events.
func (s *Subscription) recheckTails(taskID string) []func(chat.TaskEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.channels[s.names.Channel(taskID)]; ch != nil {
		for _, in := range ch.inboxes {
			in.requestRecheck()
		}
	}
	return s.handlers
}

// signal wakes the reader of a channel with room for one element.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
