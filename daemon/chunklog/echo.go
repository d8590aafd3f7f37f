package chunklog

import (
	"context"
	"crypto/rand"
	"errors"
)

// errNoEcho means that a published message did not arrive on the subscription.
var errNoEcho = errors.New("published messages do not arrive")

// Echo publishes a message and waits until the subscription receives it, as it must
// receive the chunks of a stream.
func (l *Log) Echo(ctx context.Context) error {
	s, message := l.subscriber, rand.Text()
	if err := s.awaitSubscribed(ctx); err != nil {
		return err
	}
	arrived := s.expectEcho(message)
	defer s.forgetEcho(message)
	if err := l.rdb.Publish(ctx, s.echoChannel, message).Err(); err != nil {
		return err
	}
	select {
	case <-arrived:
		return nil
	case <-ctx.Done():
		return errNoEcho
	}
}

// awaitSubscribed waits until the subscription is in force, or returns why it is not.
func (s *subscriber) awaitSubscribed(ctx context.Context) error {
	for {
		subscribed, changed, failure := s.state()
		if subscribed || failure != nil {
			return failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errNoEcho
		}
	}
}

func (s *subscriber) state() (subscribed bool, changed <-chan struct{}, failure error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subscribed, s.changed, s.failure
}

// expectEcho returns a channel that is closed when message arrives.
func (s *subscriber) expectEcho(message string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	arrived := make(chan struct{})
	s.echoes[message] = arrived
	return arrived
}

func (s *subscriber) forgetEcho(message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.echoes, message)
}

func (s *subscriber) receiveEcho(message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if arrived := s.echoes[message]; arrived != nil {
		delete(s.echoes, message)
		close(arrived)
	}
}
