// Package jobs runs the commands of the screen. Bubble Tea does not wait for
// commands when it ends; a Runner ends them with its context and waits for them.
package jobs

import (
	"context"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// Failure is the message of a command that failed in the background. The user
// did not ask for its result.
type Failure struct{ Err error }

// Runner makes commands. Its methods are safe for concurrent use.
type Runner struct {
	command func(func(context.Context) tea.Msg) tea.Cmd

	mu     sync.Mutex
	closed bool
	group  sync.WaitGroup
}

// New returns a Runner whose commands end with ctx.
func New(ctx context.Context) *Runner {
	r := &Runner{}
	r.command = func(work func(context.Context) tea.Msg) tea.Cmd {
		return func() tea.Msg {
			if !r.enter() {
				return nil
			}
			defer r.group.Done()
			msg := work(ctx)
			if ctx.Err() != nil {
				return nil
			}
			return msg
		}
	}
	return r
}

// Command makes a command of work. The command returns nil after the context
// has ended.
func (r *Runner) Command(work func(context.Context) tea.Msg) tea.Cmd { return r.command(work) }

// After returns msg when d has passed.
func (r *Runner) After(d time.Duration, msg tea.Msg) tea.Cmd {
	return r.Command(func(ctx context.Context) tea.Msg {
		Pause(ctx, d)
		return msg
	})
}

// Wait returns when all commands have ended. Commands that start later do nothing.
func (r *Runner) Wait() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.group.Wait()
}

func (r *Runner) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.group.Add(1)
	}
	return !r.closed
}

// Pause returns after d or when ctx ends.
func Pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
