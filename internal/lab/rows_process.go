package lab

import (
	"context"
	"errors"
	"syscall"
	"time"

	"chat"
)

func both() []Profile { return Profiles() }
func full() []Profile { return []Profile{Full} }

// calmRows are the load without a fault: what fails here fails everywhere.
func calmRows() []Row {
	return []Row{{Name: "calm/nothing-breaks", On: both(), Core: true}}
}

// processRows kill, pause and restart processes.
func processRows() []Row {
	return []Row{
		{Name: "process/kill-api", On: full(), Fault: func(ctx context.Context, w *World) error {
			return w.AnyAPI().Restart(ctx, w.Chance.between(0, 2*time.Second))
		}},
		{Name: "process/kill-worker", On: full(), Core: true, Fault: func(ctx context.Context, w *World) error {
			return w.AnyWorker().Restart(ctx, w.Chance.between(0, 5*time.Second))
		}},
		{
			Name: "process/kill-worker-at-the-default-lease", On: full(), Alone: true,
			Setup: func(w *World) { w.Lease = chat.LeaseDuration },
			Load:  func(l *Load) { l.Tokens = [2]int{100, 200} },
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
			return w.startAll(ctx, w.Worker, w.Chance.between(0, 4*time.Second))
		}},
		{Name: "process/kill-everything", On: both(), Core: true, Allow: Allow{Repurchase: true, RepurchaseFull: true}, Fault: killEverything},
		{Name: "process/kill-again-and-again", On: both(), Allow: Allow{Repurchase: true, Unfinished: true}, Fault: func(ctx context.Context, w *World) error {
			for range 3 {
				n := w.Nodes()[w.Chance.IntN(len(w.Nodes()))]
				if err := n.Restart(ctx, w.Chance.between(0, time.Second)); err != nil {
					return err
				}
				if err := pause(ctx, w.Chance.between(0, 2*time.Second)); err != nil {
					return err
				}
			}
			return nil
		}},
		{Name: "process/stop-worker-past-its-lease", On: full(), Core: true, Allow: Allow{Overlap: true, LateCancel: true, Repurchase: true, RepurchaseFull: true}, Fault: func(ctx context.Context, w *World) error {
			return w.freeze(ctx, w.AnyWorker(), w.Lease+w.Chance.between(2*time.Second, 6*time.Second))
		}},
		{Name: "process/stop-api", On: full(), Allow: Allow{Silence: true}, Fault: func(ctx context.Context, w *World) error {
			return w.freeze(ctx, w.AnyAPI(), w.Chance.between(time.Second, 5*time.Second))
		}},
		{Name: "process/stop-everything", On: both(), Allow: Allow{Silence: true, Overlap: true, LateCancel: true, Repurchase: true, RepurchaseFull: true}, Fault: func(ctx context.Context, w *World) error {
			return w.freezeAll(ctx, w.Nodes(), w.Lease+w.Chance.between(time.Second, 4*time.Second))
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
			if err := errors.Join(n.Signal(syscall.SIGTERM), pause(ctx, 50*time.Millisecond), n.Signal(syscall.SIGTERM)); err != nil {
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
		if err := pause(ctx, w.Chance.between(0, time.Second)); err != nil {
			return err
		}
		if err := errors.Join(w.Redis.Start(ctx), w.Postgres.Start(ctx)); err != nil {
			return err
		}
	}
	return w.startAll(ctx, w.Nodes(), 0)
}

// startAll starts processes that are dead, after a while.
func (w *World) startAll(ctx context.Context, nodes []*Node, after time.Duration) error {
	if err := pause(ctx, after); err != nil {
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
func (w *World) freeze(ctx context.Context, n *Node, d time.Duration) error {
	return w.freezeAll(ctx, []*Node{n}, d)
}

func (w *World) freezeAll(ctx context.Context, nodes []*Node, d time.Duration) error {
	for _, n := range nodes {
		if err := n.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
	}
	err := pause(ctx, d)
	for _, n := range nodes {
		err = errors.Join(err, n.Signal(syscall.SIGCONT))
	}
	return err
}

// nextAttempt judges that what a killed worker was making is made again within
// twenty seconds.
func nextAttempt(h *History) []Violation {
	var out []Violation
	for _, d := range h.takenOver() {
		if d > 20*time.Second {
			out = append(out, Violation{"A5", "", "the next attempt began " + d.String() + " after the kill"})
		}
	}
	if len(h.takenOver()) == 0 {
		out = append(out, Violation{"A5", "", "the killed worker had nothing to do: this run says nothing"})
	}
	return out
}

// takenOver are the times from the end of a process to the next call of the
// provider for each task that it held.
func (h *History) takenOver() []time.Duration {
	if len(h.ends) == 0 {
		return nil
	}
	killed := h.ends[0].dead
	var out []time.Duration
	for _, a := range h.Asks() {
		calls := h.CallsOf(a.Mark)
		for i := 1; i < len(calls); i++ {
			if d := calls[i-1].Ended.Sub(killed); calls[i-1].Gone() && d > -50*time.Millisecond && d < time.Second {
				out = append(out, calls[i].Began.Sub(killed))
			}
		}
	}
	return out
}
