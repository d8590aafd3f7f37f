// Package answer follows an answer and writes it as text, as JSON or to a file. It also
// reports how the answer ended, and the exit code.
package answer

import (
	"cmp"
	"context"
	"sync/atomic"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/exit"
)

// answer is the state of a task's stream so far.
type answer struct {
	task         string
	conversation string
	message      string
	attempt      int
	at           chat.Position
	parts        chat.Parts
	ended        bool
	state        chat.TaskState
	finish       string
	usage        *chat.Usage
	problem      *chat.Error
	shortfall    string // from chat.Shortfall; valid after the end
	notices      []string
	structured   bool        // the answer is JSON
	begun        atomic.Bool // a chunk has arrived
}

// New returns the answer of a task before its first chunk.
func New(task, conversation, message string) *answer {
	return &answer{task: task, conversation: conversation, message: message}
}

// add applies the next chunk.
func (a *answer) add(c chat.Chunk) {
	a.at, a.attempt = c.Position(), c.Attempt
	a.parts.Apply(c)
	if c.Terminal() {
		a.ended, a.state, a.finish, a.usage, a.problem = true, c.State, c.FinishReason, c.Usage, cmp.Or(c.Err(), c.Mismatch())
		a.notices = c.Notices
		if c.MessageID != "" {
			a.message = c.MessageID
		}
	}
}

// setEnd copies the end from the task, if the stream had no chunk left.
func (a *answer) setEnd(t chat.Task) {
	a.ended, a.state, a.finish, a.usage, a.problem = t.State.Terminal(), t.State, t.FinishReason, t.Usage, t.Error
	a.message, a.attempt, a.notices = t.MessageID, t.Attempt, t.Notices
}

// Presenter writes an answer as it arrives. Its errors are write errors.
type Presenter interface {
	// chunk is called for every chunk, after it is added to a.
	chunk(a *answer, c chat.Chunk) error
	// link is called when the state of the connection changes.
	link(a *answer, l chat.ConnState) error
	// end is called once, when the answer ends or the command exits earlier.
	end(a *answer) error
}

// Follow writes the stream of a task until it ends.
func Follow(ctx context.Context, cl *client.Client, a *answer, from chat.Position, show Presenter) error {
	a.structured = a.structured && from.IsStart() // the rest of a JSON value is none
	for u, err := range cl.Follow(ctx, a.task, from) {
		switch {
		case err != nil:
			return err
		case u.Conn != nil:
			err = show.link(a, *u.Conn)
		case u.Chunk != nil:
			if u.Chunk.Type != chat.ChunkReset { // a reset only starts the next attempt
				a.begun.Store(true)
			}
			a.add(*u.Chunk)
			err = show.chunk(a, *u.Chunk)
		}
		if err != nil {
			return err
		}
	}
	if !a.ended {
		t, err := cl.Task(ctx, a.task)
		if err != nil {
			return err
		}
		a.setEnd(t)
	}
	if err := a.checkComplete(ctx, cl, from); err != nil {
		return err
	}
	return show.end(a)
}

// Wait follows a task until it ends, without output.
func Wait(ctx context.Context, cl *client.Client, a *answer) error {
	return Follow(ctx, cl, a, chat.Start(), noOutput{})
}

// checkComplete checks whether an answer that is done is complete. If the stream was not read
// from its start, it checks the stored message.
func (a *answer) checkComplete(ctx context.Context, cl *client.Client, from chat.Position) error {
	if a.state != chat.TaskDone {
		return nil
	}
	a.shortfall = chat.Shortfall(a.finish, a.parts)
	if a.shortfall == "" || from.IsStart() {
		return nil
	}
	messages, err := cl.Messages(ctx, a.conversation)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if m.ID == a.message {
			a.shortfall = m.Shortfall()
		}
	}
	return nil
}

// ExitCode returns the exit code of an answer that has ended.
func (a *answer) ExitCode() int {
	switch a.state {
	case chat.TaskDone:
		switch {
		case a.problem != nil:
			return exit.Of(a.problem.Code)
		case a.shortfall != "":
			return exit.Incomplete
		}
		return exit.OK
	case chat.TaskCancelled:
		return exit.Stopped
	case chat.TaskInterrupted:
		return exit.Incomplete
	case chat.TaskFailed:
		if a.problem != nil {
			return exit.Of(a.problem.Code)
		}
	case chat.TaskQueued, chat.TaskRunning:
	}
	return exit.Internal
}

// noOutput is a Presenter without output.
type noOutput struct{}

func (noOutput) chunk(*answer, chat.Chunk) error { return nil }

func (noOutput) link(*answer, chat.ConnState) error { return nil }

func (noOutput) end(*answer) error { return nil }
