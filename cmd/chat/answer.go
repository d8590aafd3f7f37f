package main

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"chat"
	"chat/daemon/client"
)

// answer is what has been seen of a task's stream.
type answer struct {
	task         string
	conversation string
	message      string
	attempt      int
	at           chat.Position
	text         strings.Builder
	reasoning    strings.Builder
	ended        bool
	state        chat.TaskState
	finish       string
	usage        *chat.Usage
	problem      *chat.Error
	begun        atomic.Bool // something has come
}

// add takes in the next chunk.
func (a *answer) add(c chat.Chunk) {
	a.at, a.attempt = c.Position(), c.Attempt
	switch c.Type {
	case chat.ChunkContent:
		a.text.WriteString(c.Content)
	case chat.ChunkReasoning:
		a.reasoning.WriteString(c.Content)
	case chat.ChunkReset:
		a.text.Reset()
		a.reasoning.Reset()
	case chat.ChunkDone, chat.ChunkError:
		a.ended, a.state, a.finish, a.usage, a.problem = true, c.State, c.FinishReason, c.Usage, c.Err()
		if c.MessageID != "" {
			a.message = c.MessageID
		}
	}
}

// endedAs takes the ending from the task, when the stream had nothing left.
func (a *answer) endedAs(t chat.Task) {
	a.ended, a.state, a.finish, a.usage, a.problem = t.State.Terminal(), t.State, t.FinishReason, t.Usage, t.Error
	a.message, a.attempt = t.MessageID, t.Attempt
}

// presenter shows an answer as it is made. Its errors are those of the output.
type presenter interface {
	// chunk is called for every chunk, after a has taken it in.
	chunk(a *answer, c chat.Chunk) error
	// link is called when the connection comes or goes.
	link(a *answer, l chat.Link) error
	// end is called once: when the answer has ended, or when we leave before.
	end(a *answer) error
}

// follow shows the stream of a task until it ends.
func follow(ctx context.Context, cl *client.Client, a *answer, from chat.Position, show presenter) error {
	for u, err := range cl.Follow(ctx, a.task, from) {
		switch {
		case err != nil:
			return err
		case u.Link != nil:
			err = show.link(a, *u.Link)
		case u.Chunk != nil:
			if u.Chunk.Type != chat.ChunkReset { // with which each attempt but the first begins
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
		a.endedAs(t)
	}
	return show.end(a)
}

// retryLook is how often a task is looked at while nothing comes of it.
const retryLook = 2 * time.Second

// tellRetries says, until something comes, why an attempt has failed and when the
// next one is made: the stream is silent meanwhile.
func (p *program) tellRetries(ctx context.Context, cl *client.Client, a *answer) {
	every := time.NewTicker(retryLook)
	defer every.Stop()
	for told := 0; !a.begun.Load(); {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		t, err := cl.Task(ctx, a.task)
		if err != nil {
			continue // the stream tells, and comes back
		}
		if t.State.Terminal() {
			return
		}
		failed := t.Error != nil && t.Error.Code != chat.CodeDraining
		if t.State == chat.TaskQueued && failed && t.Attempt > told && !a.begun.Load() {
			told = t.Attempt
			p.note("%s; try %d in %s", t.Error.Fact(), t.Attempt+1, max(time.Until(t.RunAfter), 0).Round(time.Second))
		}
	}
}

// code is the exit code of an answer that has ended.
func (a *answer) code() int {
	switch a.state {
	case chat.TaskDone:
		if a.truncated() {
			return exitIncomplete
		}
		return exitOK
	case chat.TaskCancelled:
		return exitStopped
	case chat.TaskInterrupted:
		return exitIncomplete
	case chat.TaskFailed:
		if a.problem != nil {
			return exitOf(a.problem.Code)
		}
	case chat.TaskQueued, chat.TaskRunning:
	}
	return exitInternal
}

// truncated reports whether the provider ended the answer before the model did.
func (a *answer) truncated() bool {
	return a.state == chat.TaskDone && (a.finish == "length" || a.finish == "content_filter")
}

// explain tells the user about an ending that is not plain success.
func (p *program) explainEnd(a *answer) {
	switch {
	case a.state == chat.TaskFailed && a.problem != nil:
		again := ""
		if a.problem.Retryable {
			again = " (chat retry " + short(a.task) + " asks again)"
		}
		p.complain("the answer failed: %s%s%s", a.problem.Message, p.environmentHint(a.problem), again)
	case a.state == chat.TaskFailed:
		p.complain("the answer failed")
	case a.state == chat.TaskInterrupted:
		reason := "it ended early"
		if a.problem != nil {
			reason = a.problem.Message + p.environmentHint(a.problem)
		}
		p.complain("the answer is incomplete: %s (what there is of it is kept: chat show %s)", reason, short(a.conversation))
	case a.state == chat.TaskCancelled:
		p.complain("the answer was stopped (what there is of it is kept: chat show %s)", short(a.conversation))
	case a.truncated() && a.finish == "length":
		p.complain("the answer is incomplete: the model's limit on its length was reached (chat send -C %s \"go on\")", short(a.conversation))
	case a.truncated():
		p.complain("the answer is incomplete: the provider's content filter ended it")
	}
}

// age is how long ago t was, in one unit.
func age(t time.Time) string {
	d := time.Since(t)
	switch {
	case d < time.Minute:
		return plural(int(d/time.Second), "second")
	case d < time.Hour:
		return plural(int(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return plural(int(d/time.Hour), "hour")
	}
	return plural(int(d/(24*time.Hour)), "day")
}
