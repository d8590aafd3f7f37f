package tui

import (
	"context"
	"iter"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/follow"
)

// The messages that commands answer with. session is the opened conversation
// that a question belongs to; a result of another session is stale.
type (
	openedMsg struct {
		session      int
		conversation chat.Conversation
		messages     []chat.Message
		err          error
	}
	recordMsg struct {
		session      int
		conversation chat.Conversation
		messages     []chat.Message
		err          error
	}
	stoppedMsg struct {
		taskID string
		err    error
	}
	framesMsg []follow.Batch
	tickMsg   struct{}
)

// jobs runs commands. Bubble Tea leaves commands behind when it ends; jobs ends
// them with its context and waits for them.
type jobs struct {
	command func(func(context.Context) tea.Msg) tea.Cmd

	mu     sync.Mutex
	closed bool
	group  sync.WaitGroup
}

func newJobs(ctx context.Context) *jobs {
	j := &jobs{}
	j.command = func(work func(context.Context) tea.Msg) tea.Cmd {
		return func() tea.Msg {
			if !j.enter() {
				return nil
			}
			defer j.group.Done()
			msg := work(ctx)
			if ctx.Err() != nil {
				return nil
			}
			return msg
		}
	}
	return j
}

func (j *jobs) enter() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.closed {
		j.group.Add(1)
	}
	return !j.closed
}

// wait returns when all commands have ended; later ones do nothing.
func (j *jobs) wait() {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	j.group.Wait()
}

// after answers with msg when d has passed.
func (j *jobs) after(d time.Duration, msg tea.Msg) tea.Cmd {
	return j.command(func(ctx context.Context) tea.Msg {
		pause(ctx, d)
		return msg
	})
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (m *Model) openCommand(id string) tea.Cmd {
	session, backend := m.session, m.backend
	return m.jobs.command(func(ctx context.Context) tea.Msg {
		c, messages, err := backend.Messages(ctx, id)
		return openedMsg{session, c, messages, err}
	})
}

// recordCommand reads the messages again, so that the screen equals the record.
func (m *Model) recordCommand() tea.Cmd {
	session, backend, id := m.session, m.backend, m.conversation.ID
	return m.jobs.command(func(ctx context.Context) tea.Msg {
		c, messages, err := backend.Messages(ctx, id)
		return recordMsg{session, c, messages, err}
	})
}

func (m *Model) stopCommand(taskID string) tea.Cmd {
	backend := m.backend
	return m.jobs.command(func(ctx context.Context) tea.Msg {
		return stoppedMsg{taskID, backend.Stop(ctx, taskID)}
	})
}

// followCommand reads a task's stream into the hub until it ends.
func (m *Model) followCommand(id int, taskID string) tea.Cmd {
	hub, backend := m.hub, m.backend
	return m.jobs.command(func(ctx context.Context) tea.Msg {
		hub.Run(ctx, id, func(ctx context.Context) iter.Seq2[chat.FollowEvent, error] {
			return backend.Follow(ctx, taskID, chat.Start())
		})
		return nil
	})
}

func (m *Model) framesCommand() tea.Cmd {
	hub := m.hub
	return m.jobs.command(func(ctx context.Context) tea.Msg {
		return framesMsg(hub.Next(ctx))
	})
}
