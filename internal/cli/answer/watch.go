package answer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/connect"
	"chat/internal/cli/exit"
	"chat/internal/cli/ids"
	"chat/internal/cli/output"
	"chat/internal/cli/signals"
)

// retryPoll is the interval of polling a task that has no chunks yet.
const retryPoll = 2 * time.Second

// reportRetries reports, until the first chunk, why an attempt failed and when the next
// one starts. The stream does not report this.
func (w *Watcher) reportRetries(ctx context.Context, cl *client.Client, a *answer) {
	every := time.NewTicker(retryPoll)
	defer every.Stop()
	for reported := 0; !a.begun.Load(); {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		t, err := cl.Task(ctx, a.task)
		if err != nil {
			continue // the stream reports and retries it
		}
		if t.State.Terminal() {
			return
		}
		failed := t.Error != nil && t.Error.Code != chat.CodeDraining
		if t.State == chat.TaskQueued && failed && t.Attempt > reported && !a.begun.Load() {
			reported = t.Attempt
			if t.Error.Code == chat.CodeProviderContext { // it waits for a summary
				w.Infof("%s (chat attach %s shows it)", t.Error.Message, ids.Short(t.WaitsFor))
				continue
			}
			w.Infof("%s; try %d in %s", t.Error.Summary(), t.Attempt+1, max(time.Until(t.RunAfter), 0).Round(time.Second))
		}
	}
}

// PrintDetached prints the id of a task that continues in the background.
func (w *Watcher) PrintDetached(f Format, acc chat.Accepted) error {
	if f.JSON || f.JSONLines {
		return output.WriteJSON(w.Out, Result{
			V: 1, Task: acc.TaskID, Conversation: acc.ConversationID, Status: acc.Status, Message: &messageSummary{ID: acc.MessageID},
			TaskID: acc.TaskID, ConvID: acc.ConversationID, State: chat.TaskQueued,
		})
	}
	_, err := fmt.Fprintln(w.Out, acc.TaskID)
	return err
}

// The limits of stopping an answer.
const (
	cancelTimeout = 5 * time.Second  // for the server to accept the cancel
	endTimeout    = 10 * time.Second // for the answer's last chunk after that
)

// errNoEnd says that a stopped answer did not end in time.
var errNoEnd = errors.New("the server has not stopped the answer yet")

// Watcher writes answers as they arrive and reports how they ended.
type Watcher struct {
	*output.Console
	server  *connect.Connector
	signals *signals.Signals
}

// NewWatcher returns a watcher that stops its own answers at Ctrl+C.
func NewWatcher(con *output.Console, server *connect.Connector, sig *signals.Signals) *Watcher {
	return &Watcher{Console: con, server: server, signals: sig}
}

// stopper stops a task that this command started, at most once.
type stopper struct {
	once   sync.Once
	wait   sync.WaitGroup
	reason int // the exit code of the stop; valid after wait
}

func (s *stopper) stop(ctx context.Context, cl *client.Client, task string, reason int, leave context.CancelCauseFunc) {
	s.once.Do(func() {
		s.reason = reason
		s.wait.Go(func() {
			cctx, cancel := context.WithTimeout(ctx, cancelTimeout)
			defer cancel()
			if _, err := cl.Cancel(cctx, task); err != nil {
				leave(fmt.Errorf("cannot stop the answer: %w", err))
				return
			}
			t := time.NewTimer(endTimeout)
			defer t.Stop()
			select {
			case <-t.C:
				leave(errNoEnd)
			case <-ctx.Done():
			}
		})
	})
}

// FollowOwn follows a task that this command started. Ctrl+C and the timeout stop the
// task; every other exit lets it continue.
func (w *Watcher) FollowOwn(parent context.Context, cl *client.Client, a *answer, show Presenter, timeout time.Duration) error {
	ctx, leave := context.WithCancelCause(parent)
	s := &stopper{}
	w.signals.OnInterrupt(func() {
		w.Infof("stopping the answer; press Ctrl+C again to exit immediately")
		s.stop(ctx, cl, a.task, exit.Interrupt, leave)
	})
	if timeout > 0 {
		t := time.AfterFunc(timeout, func() { s.stop(ctx, cl, a.task, exit.Timeout, leave) })
		defer t.Stop()
	}
	s.wait.Go(func() { w.reportRetries(ctx, cl, a) })
	err := Follow(ctx, cl, a, chat.Start(), show)
	w.signals.OnInterrupt(nil)
	leave(nil)
	s.once.Do(func() {}) // the timer may be about to fire
	s.wait.Wait()
	return w.ExitSummary(parent, cl, err, a, s.reason)
}
