package subscription

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
)

// pingEvery is how long a connection may be silent before it is pinged and, if no reply comes
// for as long again, replaced.
const pingEvery = 3 * time.Second

// link is a connection for messages: of the sharded channels of one server, or of all other
// channels.
type link struct {
	s      *Subscription
	server *redis.Client // whose sharded channels it is for; nil for all other channels
	echo   string        // the channel on which the process receives its own messages

	// The rest is guarded by the lock of s.

	changes    map[string]bool         // names of channels to subscribe to or unsubscribe from
	subscribed bool                    // the subscription is in force
	failure    error                   // why it is not
	missed     int                     // the last so many messages of echo did not arrive
	end        context.CancelCauseFunc // of the present session; nil before the first

	ready chan struct{} // has an element when changes is not empty
}

func newLink(s *Subscription, server *redis.Client, echo string) *link {
	return &link{s: s, server: server, echo: echo, changes: map[string]bool{}, ready: make(chan struct{}, 1)}
}

// change lets the link subscribe to a channel, or unsubscribe. The caller holds the lock.
func (l *link) change(name string) {
	l.changes[name] = true
	signal(l.ready)
}

// run keeps the connection until ctx ends or, if it is for a server's sharded channels, until
// it breaks.
func (l *link) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		began := time.Now()
		err := l.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > 10*time.Second {
			failures = 0
		}
		failures++
		l.setFailure(err)
		select {
		case <-ctx.Done():
		case <-time.After(chat.Backoff(failures, 50*time.Millisecond, time.Second)):
		}
		if l.server != nil {
			return
		}
	}
}

// session subscribes to all channels on one connection and serves it until it breaks.
func (l *link) session(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	l.setEnd(end)
	ps := l.begin(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	// The connection is given up either way; closing it also ends a read.
	defer context.AfterFunc(ctx, func() { _ = ps.Close() })()
	defer func() { _ = ps.Close() }()
	defer end(nil)
	wg.Go(func() { l.applyChanges(ctx, ps) })

	for silent := false; ; {
		msg, err := ps.ReceiveTimeout(ctx, pingEvery)
		switch {
		case err == nil:
			silent = false
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case isTimeout(err) && !silent:
			silent = true
			if err := errors.Join(l.checkServer(ctx), ps.Ping(ctx)); err != nil {
				return err
			}
			continue
		default:
			return err
		}
		switch m := msg.(type) {
		case *redis.Subscription:
			switch m.Kind {
			case "subscribe", "ssubscribe":
				l.confirm(m.Channel)
			case "sunsubscribe":
				l.unsubscribed(ctx, m.Channel)
			}
		case *redis.Message:
			l.s.Deliver(m)
		}
	}
}

func (l *link) setEnd(end context.CancelCauseFunc) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.end = end
}

// checkServer returns an error if the link is for sharded channels and their server does not
// have the slot of echo, as it replies to any command with a key. A server that is separated from
// the others keeps subscriptions, and nothing arrives on them.
func (l *link) checkServer(ctx context.Context) error {
	if l.server == nil {
		return nil
	}
	if err := l.server.Get(ctx, l.echo).Err(); !errors.Is(err, redis.Nil) {
		return err
	}
	return nil
}

// begin opens the connection. The inboxes of its channels are unconfirmed until Redis has
// confirmed their channels.
func (l *link) begin(ctx context.Context) *redis.PubSub {
	names := l.reset()
	if l.server == nil {
		return l.s.rdb.Subscribe(ctx, append(names, l.s.names.Control(), l.echo)...)
	}
	ps := l.server.SSubscribe(ctx, l.echo)
	l.subscribeSharded(ctx, ps, names)
	return ps
}

// subscribeSharded subscribes to sharded channels. A command can have channels of one slot only.
func (l *link) subscribeSharded(ctx context.Context, ps *redis.PubSub, names []string) {
	for _, name := range names {
		_ = ps.SSubscribe(ctx, name) // Receive returns the same error, which ends the session
	}
}

// reset marks all inboxes of the link as unconfirmed, and returns the names of their channels.
func (l *link) reset() (names []string) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	clear(l.changes)
	for name, ch := range l.s.channels {
		if ch.link == l {
			names = append(names, name)
			ch.unconfirm()
		}
	}
	return names
}

func (ch *channel) unconfirm() {
	ch.live = false
	for _, in := range ch.inboxes {
		in.markUnconfirmed()
	}
}

// applyChanges subscribes to channels that have their first inbox, and unsubscribes from
// those that have lost their last: many with one command.
func (l *link) applyChanges(ctx context.Context, ps *redis.PubSub) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.ready:
		}
		add, drop := l.takeChanges()
		// Receive returns the same error, which ends the session.
		if l.server != nil {
			for _, name := range drop {
				_ = ps.SUnsubscribe(ctx, name)
			}
			l.subscribeSharded(ctx, ps, add)
			continue
		}
		if len(drop) > 0 {
			_ = ps.Unsubscribe(ctx, drop...)
		}
		if len(add) > 0 {
			_ = ps.Subscribe(ctx, add...)
		}
	}
}

func (l *link) takeChanges() (add, drop []string) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	for name := range l.changes {
		if ch := l.s.channels[name]; ch != nil && ch.link == l {
			add = append(add, name)
		} else {
			drop = append(drop, name)
		}
	}
	clear(l.changes)
	return add, drop
}

// confirm records that Redis has confirmed the subscription to a channel.
func (l *link) confirm(name string) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if name == l.echo {
		l.setSubscribed()
	}
	ch := l.s.channels[name]
	if ch == nil || ch.link != l {
		return
	}
	ch.live = true
	for _, in := range ch.inboxes {
		in.confirm()
	}
}

// setSubscribed records that the subscription is in force. The caller holds the lock.
func (l *link) setSubscribed() {
	if l.failure != nil {
		l.s.logger.Info("chunk log: subscribed again")
	}
	l.subscribed, l.failure = true, nil
	l.s.notifyChanged()
}

// setFailure records why the subscription is not in force, and logs a new reason.
func (l *link) setFailure(err error) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if l.failure == nil || l.failure.Error() != err.Error() {
		l.s.logger.Warn("chunk log: the subscription was lost; readers read lists until it is back",
			"channels", l.s.names.Channels(), "err", err)
	}
	l.subscribed, l.failure = false, err
	l.s.notifyChanged()
}

// notifyChanged wakes those who wait for a state. The caller holds the lock.
func (s *Subscription) notifyChanged() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}
