package subscription

import (
	"context"
	"crypto/rand"
	"errors"
)

// errNoEcho means that a published message did not arrive on the subscription.
var errNoEcho = errors.New("published messages do not arrive")

// Echo publishes a message on each connection's channel and waits until all arrive, as the
// chunks of a stream must.
func (s *Subscription) Echo(ctx context.Context) error {
	links, err := s.awaitSubscribed(ctx)
	if err != nil {
		return err
	}
	for _, l := range links {
		if err := s.echo(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

func (s *Subscription) echo(ctx context.Context, l *link) error {
	message := rand.Text()
	arrived := s.expectEcho(message)
	defer s.forgetEcho(message)
	var err error
	if l.server == nil {
		err = s.rdb.Publish(ctx, l.echo, message).Err()
	} else {
		err = s.rdb.SPublish(ctx, l.echo, message).Err()
	}
	if err != nil {
		return err
	}
	select {
	case <-arrived:
		l.recordEcho(true)
		return nil
	case <-ctx.Done():
		l.recordEcho(false)
		return errNoEcho
	}
}

// recordEcho records whether a message arrived. If two in succession did not, the connection is
// replaced: its server may be separated from the others, and responds to a ping all the same.
func (l *link) recordEcho(arrived bool) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.missed++
	if arrived {
		l.missed = 0
	}
	if l.missed >= 2 && l.end != nil {
		l.missed = 0
		l.end(errNoEcho)
	}
}

// awaitSubscribed waits until all subscriptions are in force and returns their connections, or
// returns why one is not.
func (s *Subscription) awaitSubscribed(ctx context.Context) ([]*link, error) {
	for {
		links, subscribed, changed, failure := s.state()
		if subscribed || failure != nil {
			return links, failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, errNoEcho
		}
	}
}

func (s *Subscription) state() (links []*link, subscribed bool, changed <-chan struct{}, failure error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	links, subscribed = []*link{s.main}, true
	for _, l := range s.shards {
		links = append(links, l)
	}
	for _, l := range links {
		subscribed = subscribed && l.subscribed
		if failure == nil {
			failure = l.failure
		}
	}
	return links, subscribed, s.changed, failure
}

// expectEcho returns a channel that is closed when message arrives.
func (s *Subscription) expectEcho(message string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	arrived := make(chan struct{})
	s.echoes[message] = arrived
	return arrived
}

func (s *Subscription) forgetEcho(message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.echoes, message)
}

// receiveEcho notes that a message has arrived, if one of this process is expected. The caller
// holds the lock.
func (s *Subscription) receiveEcho(message string) {
	if arrived := s.echoes[message]; arrived != nil {
		delete(s.echoes, message)
		close(arrived)
	}
}
