// Package signals cancels a context when the process receives a signal, and lets a command
// handle the first Ctrl+C.
package signals

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// ReceivedError is the cause of a context that a signal cancelled.
type ReceivedError struct{ signal syscall.Signal }

func (s ReceivedError) Error() string {
	return fmt.Sprintf("ended by the signal %q", s.signal.String())
}

func (s ReceivedError) ExitCode() int { return 128 + int(s.signal) }

// Signals cancels the program's context at SIGINT, SIGTERM and SIGHUP. A command can
// handle the first Ctrl+C with OnInterrupt; the second one cancels the context.
type Signals struct {
	cancel context.CancelCauseFunc
	ch     chan os.Signal
	pipe   chan os.Signal
	done   chan struct{}
	once   sync.Once

	mu        sync.Mutex
	interrupt func()
}

func Notify(ctx context.Context) (context.Context, *Signals) {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &Signals{cancel: cancel, ch: make(chan os.Signal, 4), pipe: make(chan os.Signal, 1), done: make(chan struct{})}
	signal.Notify(s.ch, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	// With this, a write to a closed pipe fails with EPIPE, and the program exits
	// normally instead of being killed.
	signal.Notify(s.pipe, syscall.SIGPIPE)
	go s.watch()
	return ctx, s
}

func (s *Signals) watch() {
	defer close(s.done)
	for sig := range s.ch {
		s.mu.Lock()
		act := s.interrupt
		s.interrupt = nil
		s.mu.Unlock()
		if number, ok := sig.(syscall.Signal); ok && (number != syscall.SIGINT || act == nil) {
			s.cancel(ReceivedError{number})
			continue
		}
		act()
	}
}

// OnInterrupt calls act at the next Ctrl+C instead of cancelling the context. Act must
// not block. Nil restores the default.
func (s *Signals) OnInterrupt(act func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupt = act
}

func (s *Signals) Close() {
	s.once.Do(func() {
		signal.Stop(s.ch)
		signal.Stop(s.pipe)
		close(s.ch)
		<-s.done
		s.cancel(nil)
	})
}

// Shutdown returns a context and a channel for a server that SIGTERM and SIGINT end: the
// first signal closes stop, the second one ends the context. Release must be called.
func Shutdown(parent context.Context) (ctx context.Context, stop <-chan struct{}, release func()) {
	ctx, cancel := context.WithCancelCause(parent)
	first := make(chan struct{})
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, syscall.SIGTERM, syscall.SIGINT)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, ok := <-ch; !ok {
			return
		}
		close(first)
		if sig, ok := (<-ch).(syscall.Signal); ok {
			cancel(ReceivedError{sig})
		}
	}()
	return ctx, first, func() {
		signal.Stop(ch)
		close(ch)
		<-done
		cancel(nil)
	}
}
