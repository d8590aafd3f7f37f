package main

import (
	"context"
	"fmt"
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
	parts        chat.Parts
	ended        bool
	state        chat.TaskState
	finish       string
	usage        *chat.Usage
	problem      *chat.Error
	shortfall    string // as chat.Shortfall says; valid once it has ended
	notices      []string
	begun        atomic.Bool // something has come
}

// add takes in the next chunk.
func (a *answer) add(c chat.Chunk) {
	a.at, a.attempt = c.Position(), c.Attempt
	a.parts.Apply(c)
	if c.Terminal() {
		a.ended, a.state, a.finish, a.usage, a.problem = true, c.State, c.FinishReason, c.Usage, c.Err()
		a.notices = c.Notices
		if c.MessageID != "" {
			a.message = c.MessageID
		}
	}
}

// endedAs takes the ending from the task, when the stream had nothing left.
func (a *answer) endedAs(t chat.Task) {
	a.ended, a.state, a.finish, a.usage, a.problem = t.State.Terminal(), t.State, t.FinishReason, t.Usage, t.Error
	a.message, a.attempt, a.notices = t.MessageID, t.Attempt, t.Notices
}

// presenter shows an answer as it is made. Its errors are those of the output.
type presenter interface {
	// chunk is called for every chunk, after a has taken it in.
	chunk(a *answer, c chat.Chunk) error
	// link is called when the connection comes or goes.
	link(a *answer, l chat.ConnState) error
	// end is called once: when the answer has ended, or when we leave before.
	end(a *answer) error
}

// follow shows the stream of a task until it ends.
func follow(ctx context.Context, cl *client.Client, a *answer, from chat.Position, show presenter) error {
	for u, err := range cl.Follow(ctx, a.task, from) {
		switch {
		case err != nil:
			return err
		case u.Conn != nil:
			err = show.link(a, *u.Conn)
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
	if err := a.judge(ctx, cl, from); err != nil {
		return err
	}
	return show.end(a)
}

// judge finds out whether an answer that is done is one. Of one that was seen from
// the middle on, the record says so.
func (a *answer) judge(ctx context.Context, cl *client.Client, from chat.Position) error {
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
			p.infof("%s; try %d in %s", t.Error.Fact(), t.Attempt+1, max(time.Until(t.RunAfter), 0).Round(time.Second))
		}
	}
}

// code is the exit code of an answer that has ended.
func (a *answer) code() int {
	switch a.state {
	case chat.TaskDone:
		if a.shortfall != "" {
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

// explain tells the user about an ending that is not plain success.
func (p *program) explainEnd(a *answer) {
	switch {
	case a.state == chat.TaskFailed && a.problem != nil:
		again := ""
		if a.problem.Retryable {
			again = " (chat retry " + short(a.task) + " asks again)"
		}
		p.warnf("the answer failed: %s%s%s", a.problem.Message, p.environmentHint(a.problem), again)
	case a.state == chat.TaskFailed:
		p.warnf("the answer failed")
	case a.state == chat.TaskInterrupted:
		reason := "it ended early"
		if a.problem != nil {
			reason = a.problem.Message + p.environmentHint(a.problem)
		}
		p.warnf("the answer is incomplete: %s (what there is of it is kept: chat show %s)", reason, short(a.conversation))
	case a.state == chat.TaskCancelled:
		p.warnf("the answer was stopped (what there is of it is kept: chat show %s)", short(a.conversation))
	case a.shortfall != "":
		p.warnf("%s%s", a.shortfall, a.advice())
	}
}

// advice is what to do about an answer that is none, or not all.
func (a *answer) advice() string {
	task, conversation := short(a.task), short(a.conversation)
	switch ending := chat.EndingOfParts(a.finish, a.parts); {
	case strings.TrimSpace(a.parts.Text()) == "" && a.parts.Reasoning() != "":
		return fmt.Sprintf(" (chat attach %s --reasoning only shows the reasoning; chat retry %s asks again)", task, task)
	case ending == chat.EndingLength || ending == chat.EndingOther:
		return fmt.Sprintf(" (chat send -C %s \"go on\")", conversation)
	case ending == chat.EndingFilter || ending == chat.EndingTool:
		return " (put the question differently, or choose another model with -m)"
	}
	return fmt.Sprintf(" (chat retry %s asks again)", task)
}

// age is how long ago t was.
func age(t time.Time) string { return chat.Age(time.Since(t)) }
