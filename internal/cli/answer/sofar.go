package answer

import (
	"context"
	"errors"
	"time"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/ids"
)

// errTimeout is the cause of a context that --timeout cancels.
var errTimeout = chat.Errorf(chat.CodeClientTimeout, "--timeout has passed")

// errCaughtUp is the cause of a context that --no-follow cancels.
var errCaughtUp = errors.New("that is all so far")

// WithTimeout cancels ctx with errTimeout after d; 0 means no timeout.
func WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, d, errTimeout)
}

// A stream has caught up after caughtUpAfter without a chunk. A stream that never
// pauses is cut off after soFarLimit.
const (
	caughtUpAfter = 300 * time.Millisecond
	soFarLimit    = 2 * time.Second
)

// ShowSoFar writes the current text of a running answer.
func (w *Watcher) ShowSoFar(parent context.Context, cl *client.Client, a *answer, from chat.Position, show Presenter) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	limit := time.AfterFunc(soFarLimit, func() { cancel(errCaughtUp) })
	defer limit.Stop()
	err := Follow(ctx, cl, a, from, &idleCutoff{Presenter: show, silence: time.AfterFunc(soFarLimit, func() { cancel(errCaughtUp) })})
	if !errors.Is(err, errCaughtUp) {
		return w.ExitSummary(parent, cl, err, a, 0)
	}
	t, err := cl.Task(parent, a.task)
	if err != nil {
		return err
	}
	a.state = t.State
	if err := show.end(a); err != nil {
		return w.ExitSummary(parent, cl, err, a, 0)
	}
	w.Infof("the answer is still %s: chat attach %s follows it", t.State, ids.Short(a.task))
	return nil
}

// idleCutoff ends the output when no chunk arrives in time.
type idleCutoff struct {
	Presenter
	silence *time.Timer
}

func (g *idleCutoff) chunk(a *answer, c chat.Chunk) error {
	g.silence.Reset(caughtUpAfter)
	return g.Presenter.chunk(a, c)
}

func (g *idleCutoff) link(a *answer, l chat.ConnState) error {
	g.silence.Reset(caughtUpAfter)
	return g.Presenter.link(a, l)
}
