package subscription

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
)

// errMoved means that a server gave its slots away just now.
var errMoved = errors.New("the server has no slots")

// unsubscribed gives a channel to the server that has its slot now, unless this process has
// left it: a server that gives a slot away ends the subscriptions to its channels.
func (l *link) unsubscribed(ctx context.Context, name string) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if ch := l.s.channels[name]; ch != nil && ch.link == l {
		l.s.rdb.ReloadSlots(ctx)
		ch.link = nil
		ch.unconfirm()
		l.s.subscribe(name, ch)
	}
}

// route gives sharded channels to the links of their servers, until ctx ends. It starts the
// links.
func (s *Subscription) route(ctx context.Context, links *sync.WaitGroup) {
	failures := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.routing:
		}
		var failed error
		for _, name := range s.takeUnrouted() {
			server, err := s.rdb.ServerOf(ctx, name)
			if err == nil {
				err = s.give(ctx, links, name, server)
			}
			if err != nil {
				failed = err
				s.returnUnrouted(name)
			}
		}
		if failed == nil {
			failures = 0
			continue
		}
		failures++
		select {
		case <-ctx.Done():
			return
		case <-time.After(chat.Backoff(failures, 50*time.Millisecond, time.Second)):
			signal(s.routing)
		}
	}
}

func (s *Subscription) takeUnrouted() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.unrouted {
		names = append(names, name)
	}
	clear(s.unrouted)
	return names
}

func (s *Subscription) returnUnrouted(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.channels[name] != nil {
		s.unrouted[name] = true
	}
}

// give lets the link of a server subscribe to a channel that still has inboxes.
func (s *Subscription) give(ctx context.Context, links *sync.WaitGroup, name string, server *redis.Client) error {
	l, err := s.linkTo(ctx, links, server)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.channels[name]; ch != nil && ch.link == nil {
		ch.link = l
		l.change(name)
	}
	return nil
}

// linkTo returns the link to a server, which it starts if there is none.
func (s *Subscription) linkTo(ctx context.Context, links *sync.WaitGroup, server *redis.Client) (*link, error) {
	s.mu.Lock()
	l := s.shards[server]
	s.mu.Unlock()
	if l != nil {
		return l, nil
	}
	echo, err := s.rdb.NameOn(ctx, server, func(int) string { return s.names.Check(rand.Text()) })
	if err == nil && echo == "" {
		err = errMoved
	}
	if err != nil {
		return nil, err
	}
	l = newLink(s, server, echo)
	s.mu.Lock()
	s.shards[server] = l
	s.mu.Unlock()
	links.Go(func() {
		l.run(ctx)
		l.giveUp(ctx)
	})
	return l, nil
}

// giveUp returns the channels of a link that has ended, because their server has ended or they
// have moved.
func (l *link) giveUp(ctx context.Context) {
	l.s.rdb.ReloadSlots(ctx)
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	delete(l.s.shards, l.server)
	for name, ch := range l.s.channels {
		if ch.link == l {
			ch.link = nil
			ch.unconfirm()
			l.s.subscribe(name, ch)
		}
	}
}
