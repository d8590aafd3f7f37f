package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// signalled is the cause of a context that a signal ended.
type signalled struct{ signal syscall.Signal }

func (s signalled) Error() string { return fmt.Sprintf("ended by the signal %q", s.signal.String()) }

func (s signalled) exitCode() int { return 128 + int(s.signal) }

// signals ends the program's context at SIGINT, SIGTERM and SIGHUP. A command
// that has something to do at the first Ctrl+C says so with onInterrupt; the
// second one leaves at once.
type signals struct {
	cancel context.CancelCauseFunc
	ch     chan os.Signal
	pipe   chan os.Signal
	done   chan struct{}
	once   sync.Once

	mu        sync.Mutex
	interrupt func()
}

func notify(ctx context.Context) (context.Context, *signals) {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &signals{cancel: cancel, ch: make(chan os.Signal, 4), pipe: make(chan os.Signal, 1), done: make(chan struct{})}
	signal.Notify(s.ch, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	// Taken and not read: a write to a pipe that nobody reads then fails, and we
	// leave in good order, instead of being killed in the middle.
	signal.Notify(s.pipe, syscall.SIGPIPE)
	go s.watch()
	return ctx, s
}

func (s *signals) watch() {
	defer close(s.done)
	for sig := range s.ch {
		s.mu.Lock()
		act := s.interrupt
		s.interrupt = nil
		s.mu.Unlock()
		if number, ok := sig.(syscall.Signal); ok && (number != syscall.SIGINT || act == nil) {
			s.cancel(signalled{number})
			continue
		}
		act()
	}
}

// onInterrupt calls act, which must not block, at the next Ctrl+C instead of
// ending the context. nil takes it back.
func (s *signals) onInterrupt(act func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupt = act
}

func (s *signals) close() {
	s.once.Do(func() {
		signal.Stop(s.ch)
		signal.Stop(s.pipe)
		close(s.ch)
		<-s.done
		s.cancel(nil)
	})
}
