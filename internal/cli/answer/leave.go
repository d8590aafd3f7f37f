package answer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/exit"
	"chat/internal/cli/ids"
	"chat/internal/cli/output"
	"chat/internal/cli/signals"
)

// ExitSummary reports how an answer ended, or its state if the command exits earlier, and
// returns the exit code. Stopped is the exit code if this command stopped the answer, or 0.
func (w *Watcher) ExitSummary(ctx context.Context, cl *client.Client, err error, a *answer, stopped int) error {
	var s signals.ReceivedError
	switch {
	case err == nil && stopped != 0 && a.state == chat.TaskCancelled:
		if stopped == exit.Timeout {
			w.Warnf("--timeout has passed: the answer was stopped (its partial text is kept: chat show %s%s)", ids.Short(a.conversation), a.toContinue())
		} else {
			w.Infof("stopped the answer; its partial text is kept: chat show %s%s", ids.Short(a.conversation), a.toContinue())
		}
		return exit.With(stopped)
	case err == nil:
		w.ExplainEnd(a)
		return exit.With(a.ExitCode())
	case errors.Is(err, errTimeout):
		w.Warnf("--timeout has passed; %s", w.taskHint(ctx, cl, a))
		return exit.With(exit.Timeout)
	case errors.As(err, &s):
		w.Infof("%s", w.taskHint(ctx, cl, a))
		return err
	case errors.Is(err, output.ErrDiverged):
		w.Warnf("%s: chat attach %s shows the complete answer", err, ids.Short(a.task))
		return exit.With(exit.Incomplete)
	case errors.Is(err, syscall.EPIPE):
		w.Debugf("%s", w.taskHint(ctx, cl, a))
		return err
	case stopped != 0:
		w.Warnf("%s: chat attach %s shows how it ends", err, ids.Short(a.task))
		return exit.With(stopped)
	case chat.IsCode(err, chat.CodeDaemon):
		w.Warnf("%s (chat attach %s returns to the answer)", err, ids.Short(a.task))
		return exit.With(exit.Daemon)
	}
	w.Warnf("%s (%s)", err, w.taskHint(ctx, cl, a))
	return exit.With(exit.Of(chat.CodeOf(err)))
}

// hintTimeout limits how long an exiting command waits for the state of the task.
const hintTimeout = time.Second

// taskHint returns the state of the answer and how to return to it. It asks the server,
// because a slow reader may not have received the end.
func (w *Watcher) taskHint(ctx context.Context, cl *client.Client, a *answer) string {
	state, id := a.state, ids.Short(a.task)
	if !a.ended {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hintTimeout)
		defer cancel()
		t, err := cl.Task(ctx, a.task)
		if err != nil {
			return fmt.Sprintf("chat attach %s returns to the answer", id)
		}
		state = t.State
	}
	switch {
	case state == chat.TaskDone && a.shortfall == "":
		return fmt.Sprintf("the answer is complete: chat attach %s shows it", id)
	case state.Terminal():
		return fmt.Sprintf("the answer has ended (%s): chat attach %s shows it", state, id)
	case w.server.InProcess:
		return fmt.Sprintf("the answer ends with this process; chat attach %s restarts it", id)
	}
	return fmt.Sprintf("the answer continues: chat attach %s", id)
}

// ExplainEnd warns about an answer that failed, was stopped or is incomplete.
func (w *Watcher) ExplainEnd(a *answer) {
	switch {
	case a.state == chat.TaskFailed && a.problem != nil:
		hint := ""
		if a.problem.Retryable {
			hint = " (chat retry " + ids.Short(a.task) + " asks again)"
		}
		w.Warnf("the answer failed: %s%s%s", a.problem.Message, w.server.EnvironmentHint(a.problem), hint)
	case a.state == chat.TaskFailed:
		w.Warnf("the answer failed")
	case a.state == chat.TaskInterrupted:
		reason := "it ended early"
		if a.problem != nil {
			reason = a.problem.Message + w.server.EnvironmentHint(a.problem)
		}
		w.Warnf("the answer is incomplete: %s (its partial text is kept: chat show %s%s)", reason, ids.Short(a.conversation), a.toContinue())
	case a.state == chat.TaskCancelled:
		w.Warnf("the answer was stopped (its partial text is kept: chat show %s%s)", ids.Short(a.conversation), a.toContinue())
	case a.problem != nil:
		w.Warnf("%s (the text is kept; chat retry %s asks again%s)", a.problem.Message, ids.Short(a.task), a.toContinue())
	case a.shortfall != "":
		w.Warnf("%s%s", a.shortfall, a.advice())
	}
}

// toContinue returns how to continue the answer, "" if that is not possible.
func (a *answer) toContinue() string {
	m := chat.Message{Role: chat.RoleAssistant, State: a.state, FinishReason: a.finish, Parts: a.parts}
	if m.Continuable() != nil {
		return ""
	}
	return fmt.Sprintf("; chat continue %s continues it", ids.Short(a.task))
}

// advice returns what to do about an empty or incomplete answer.
func (a *answer) advice() string {
	task := ids.Short(a.task)
	switch ending := chat.EndingOfParts(a.finish, a.parts); {
	case strings.TrimSpace(a.parts.Text()) == "" && a.parts.Reasoning() != "":
		return fmt.Sprintf(" (chat attach %s --reasoning only shows the reasoning; chat retry %s asks again)", task, task)
	case ending == chat.EndingLength || ending == chat.EndingOther:
		return fmt.Sprintf(" (chat continue %s)", task)
	case ending == chat.EndingFilter || ending == chat.EndingTool:
		return " (rephrase the message, or choose another model with -m)"
	}
	return fmt.Sprintf(" (chat retry %s asks again)", task)
}
