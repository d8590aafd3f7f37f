package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"chat"
	"chat/daemon/client"
)

// exitSummary says how a watched answer ended, or how it stands if we leave before, and
// gives the exit code. stopped is the code of a stop of ours, 0 if there was none.
func (p *program) exitSummary(ctx context.Context, cl *client.Client, err error, a *answer, stopped int) error {
	var s signalled
	switch {
	case err == nil && stopped != 0 && a.state == chat.TaskCancelled:
		if stopped == exitTimeout {
			p.warnf("--timeout has passed, and the answer was stopped (what there is of it is kept: chat show %s)", short(a.conversation))
		} else {
			p.infof("stopped; what there is of the answer is kept: chat show %s", short(a.conversation))
		}
		return exitWith(stopped)
	case err == nil:
		p.explainEnd(a)
		return exitWith(a.code())
	case errors.Is(err, errTimeout):
		p.warnf("--timeout has passed; %s", p.taskHint(ctx, cl, a))
		return exitWith(exitTimeout)
	case errors.As(err, &s):
		p.infof("%s", p.taskHint(ctx, cl, a))
		return err
	case errors.Is(err, errDiverged):
		p.warnf("%s: chat attach %s has all of it", err, short(a.task))
		return exitWith(exitIncomplete)
	case errors.Is(err, syscall.EPIPE):
		p.debugf("%s", p.taskHint(ctx, cl, a))
		return err
	case stopped != 0:
		p.warnf("%s: chat attach %s shows how it ends", err, short(a.task))
		return exitWith(stopped)
	case chat.IsCode(err, chat.CodeDaemon):
		p.warnf("%s (chat attach %s comes back to the answer)", err, short(a.task))
		return exitWith(exitDaemon)
	}
	p.warnf("%s (%s)", err, p.taskHint(ctx, cl, a))
	return exitWith(exitOf(chat.CodeOf(err)))
}

// standingTimeout is how long somebody who leaves may wait to hear how the
// answer stands.
const standingTimeout = time.Second

// taskHint is how the answer stands, and how to come back to it. What was seen
// of it may be long past: a reader that is slow, or has gone, sees no end.
func (p *program) taskHint(ctx context.Context, cl *client.Client, a *answer) string {
	state, id := a.state, short(a.task)
	if !a.ended {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), standingTimeout)
		defer cancel()
		t, err := cl.Task(ctx, a.task)
		if err != nil {
			return fmt.Sprintf("chat attach %s comes back to the answer", id)
		}
		state = t.State
	}
	switch {
	case state == chat.TaskDone && a.shortfall == "":
		return fmt.Sprintf("the answer is complete: chat attach %s shows it", id)
	case state.Terminal():
		return fmt.Sprintf("the answer has ended (%s): chat attach %s shows it", state, id)
	case p.inProcess:
		return fmt.Sprintf("the answer ends with this process; chat attach %s has it made again", id)
	}
	return fmt.Sprintf("the answer goes on: chat attach %s", id)
}
