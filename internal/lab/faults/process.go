package faults

import (
	"context"
	"errors"
	"syscall"
	"time"

	"chat"
	"chat/internal/lab/history"
	"chat/internal/lab/judge"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

func both() []world.Profile { return world.Profiles() }
func full() []world.Profile { return []world.Profile{world.Full} }

// formats adds followers of the other wire formats.
func formats(l *load.Load) { l.Formats = true }

// calmRows are the load without a fault: a failure here is a failure everywhere.
func calmRows() []Row {
	return []Row{{Name: "calm/nothing-breaks", On: both(), Core: true, Load: formats}}
}

// processRows kill, pause and restart processes.
func processRows() []Row { return append(killRows(), stopRows()...) }

func killRows() []Row {
	return []Row{
		{Name: "process/kill-api", On: full(), Load: formats, Fault: func(ctx context.Context, w *World) error {
			return w.AnyAPI().Restart(ctx, w.Chance.Between(0, 2*time.Second))
		}},
		{Name: "process/kill-worker", On: full(), Core: true, Load: formats, Fault: func(ctx context.Context, w *World) error {
			return w.AnyWorker().Restart(ctx, w.Chance.Between(0, 5*time.Second))
		}},
		{
			Name: "process/kill-worker-at-the-default-lease", On: full(), Alone: true,
			Setup: func(w *World) { w.Lease = chat.LeaseDuration },
			Load:  func(l *load.Load) { l.Tokens = [2]int{100, 200} },
			Fault: func(ctx context.Context, w *World) error {
				for _, n := range w.Worker {
					if err := n.Kill(); err != nil {
						return err
					}
				}
				_, err := w.AddWorker(ctx, "worker-3")
				return err
			},
			Check: nextAttempt,
		},
		{Name: "process/kill-all-workers", On: full(), Fault: func(ctx context.Context, w *World) error {
			for _, n := range w.Worker {
				if err := n.Kill(); err != nil {
					return err
				}
			}
			return w.startAll(ctx, w.Worker, w.Chance.Between(0, 4*time.Second))
		}},
		{Name: "process/kill-everything", On: both(), Core: true, Allow: judge.Allow{Repurchase: true, RepurchaseFull: true}, Fault: killEverything},
		{Name: "process/kill-again-and-again", On: both(), Allow: judge.Allow{Repurchase: true, Unfinished: true}, Fault: func(ctx context.Context, w *World) error {
			for range 3 {
				n := w.Nodes()[w.Chance.IntN(len(w.Nodes()))]
				if err := n.Restart(ctx, w.Chance.Between(0, time.Second)); err != nil {
					return err
				}
				if err := world.Pause(ctx, w.Chance.Between(0, 2*time.Second)); err != nil {
					return err
				}
			}
			return nil
		}},
	}
}

func stopRows() []Row {
	return []Row{
		{Name: "process/stop-worker-past-its-lease", On: full(), Core: true, Allow: judge.Allow{Overlap: true, LateCancel: true, Repurchase: true, RepurchaseFull: true}, Fault: func(ctx context.Context, w *World) error {
			return w.freeze(ctx, w.AnyWorker(), w.Lease+w.Chance.Between(2*time.Second, 6*time.Second))
		}},
		{Name: "process/stop-api", On: full(), Allow: judge.Allow{Silence: true}, Fault: func(ctx context.Context, w *World) error {
			return w.freeze(ctx, w.AnyAPI(), w.Chance.Between(time.Second, 5*time.Second))
		}},
		{Name: "process/stop-everything", On: both(), Allow: judge.Allow{Silence: true, Overlap: true, LateCancel: true, Repurchase: true, RepurchaseFull: true}, Fault: func(ctx context.Context, w *World) error {
			return w.freezeAll(ctx, w.Nodes(), w.Lease+w.Chance.Between(time.Second, 4*time.Second))
		}},
		{Name: "process/terminate-worker", On: full(), Fault: func(ctx context.Context, w *World) error {
			n := w.AnyWorker()
			ended, err := n.Term(15 * time.Second)
			if err != nil {
				return err
			}
			if !ended {
				return errors.New("a worker does not end on SIGTERM")
			}
			return n.Start(ctx)
		}},
		{Name: "process/terminate-twice", On: both(), Fault: func(ctx context.Context, w *World) error {
			n := w.AnyWorker()
			if err := errors.Join(n.Signal(syscall.SIGTERM), world.Pause(ctx, 50*time.Millisecond), n.Signal(syscall.SIGTERM)); err != nil {
				return err
			}
			if !n.EndedWithin(10 * time.Second) {
				return errors.New("a second SIGTERM does not end it")
			}
			return n.Start(ctx)
		}},
	}
}

func killEverything(ctx context.Context, w *World) error {
	for _, n := range w.Nodes() {
		if err := n.Kill(); err != nil {
			return err
		}
	}
	if w.Redis != nil {
		if err := errors.Join(w.Redis.Kill(), w.Postgres.Kill()); err != nil {
			return err
		}
		if err := world.Pause(ctx, w.Chance.Between(0, time.Second)); err != nil {
			return err
		}
		if err := errors.Join(w.Redis.Start(ctx), w.Postgres.Start(ctx)); err != nil {
			return err
		}
	}
	return w.startAll(ctx, w.Nodes(), 0)
}

// startAll starts processes that are dead, after a while.
func (w *World) startAll(ctx context.Context, nodes []*world.Node, after time.Duration) error {
	if err := world.Pause(ctx, after); err != nil {
		return err
	}
	for _, n := range nodes {
		if err := n.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// freeze stops a process for d, as a suspended machine does.
func (w *World) freeze(ctx context.Context, n *world.Node, d time.Duration) error {
	return w.freezeAll(ctx, []*world.Node{n}, d)
}

func (w *World) freezeAll(ctx context.Context, nodes []*world.Node, d time.Duration) error {
	for _, n := range nodes {
		if err := n.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
	}
	err := world.Pause(ctx, d)
	for _, n := range nodes {
		err = errors.Join(err, n.Signal(syscall.SIGCONT))
	}
	return err
}

// nextAttempt judges that the tasks of a killed worker restart within twenty
// seconds.
func nextAttempt(h *history.History) []judge.Violation {
	var out []judge.Violation
	for _, d := range h.TakenOver() {
		if d > 20*time.Second {
			out = append(out, broken("A5", "", "the next attempt began "+d.String()+" after the kill"))
		}
	}
	if len(h.TakenOver()) == 0 {
		out = append(out, broken("A5", "", "the killed worker had no task: this run proves nothing"))
	}
	return out
}
