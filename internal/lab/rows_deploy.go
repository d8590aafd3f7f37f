package lab

import (
	"context"
	"errors"
	"time"
)

// deployRows are what a new version does to a running one.
func deployRows() []Row {
	three := func(w *World) { w.APIs, w.Workers = 3, 3 }
	return []Row{
		{Name: "deploy/rolling-restart-of-three", On: full(), Core: true, Setup: three, Load: func(l *Load) { l.Asks = 40 }, Fault: func(ctx context.Context, w *World) error {
			for i := range w.API {
				for _, n := range []*Node{w.API[i], w.Worker[i]} {
					ended, err := n.Term(20 * time.Second)
					if err != nil {
						return err
					}
					if !ended {
						return errors.New(n.Name + " does not end on SIGTERM")
					}
					if err := n.Start(ctx); err != nil {
						return err
					}
				}
			}
			return nil
		}},
		{Name: "deploy/rolling-kill-of-three", On: full(), Setup: three, Load: func(l *Load) { l.Asks = 40 }, Allow: Allow{Unfinished: true}, Fault: func(ctx context.Context, w *World) error {
			for i := range w.API {
				if err := errors.Join(w.API[i].Restart(ctx, 0), w.Worker[i].Restart(ctx, 0), pause(ctx, w.Chance.between(0, 2*time.Second))); err != nil {
					return err
				}
			}
			return nil
		}},
		{Name: "deploy/answer-longer-than-the-drain", On: both(), Load: func(l *Load) { l.Tokens = [2]int{150, 200} }, Fault: func(ctx context.Context, w *World) error {
			n := w.AnyWorker()
			ended, err := n.Term(20 * time.Second)
			if err != nil {
				return err
			}
			if !ended {
				return errors.New("it does not end")
			}
			return n.Start(ctx)
		}},
		{
			// Half of the processes are of a later version, whose worker writes chunks of a
			// type that the others do not know; one after the other is replaced while the
			// load runs.
			Name: "deploy/mixed-versions", On: full(), Later: true,
			Setup: func(w *World) { w.Later = map[string]bool{"api-1": true, "worker-1": true} },
			Fault: mixed, Check: laterChunksArrive,
		},
		behindAPool(), behind("nginx", nginx), behind("haproxy", haproxy),
		{Name: "deploy/more-workers-come-and-go", On: full(), Fault: func(ctx context.Context, w *World) error {
			n, err := w.AddWorker(ctx, "worker-more")
			if err != nil {
				return err
			}
			if err := pause(ctx, w.Chance.between(500*time.Millisecond, 2*time.Second)); err != nil {
				return err
			}
			_, err = n.Term(20 * time.Second)
			return err
		}},
	}
}

// laterChunksArrive: what only the later version knows reached the readers.
func laterChunksArrive(h *History) []Violation {
	for _, a := range h.Asks() {
		for _, f := range a.Followers {
			for _, c := range f.Conns {
				for _, fr := range c.Frames {
					if fr.Chunk.Type == LaterType {
						return nil
					}
				}
			}
		}
	}
	return []Violation{{"C1", "", "no reader saw a chunk of the type that only the later version knows"}}
}

func mixed(ctx context.Context, w *World) error {
	for _, n := range []*Node{w.Worker[0], w.API[0]} {
		if err := pause(ctx, w.Chance.between(time.Second, 3*time.Second)); err != nil {
			return err
		}
		ended, err := n.Term(20 * time.Second)
		if err != nil {
			return err
		}
		if !ended {
			return errors.New(n.Name + " does not end on SIGTERM")
		}
		n.cmd.Path = w.chatd
		if err := n.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// behind is a rolling restart behind a balancer with its settings as installed.
func behind(name string, b func() *balancer) Row {
	return Row{
		Name: "deploy/behind-" + name, On: full(), Alone: true,
		Setup: func(w *World) {
			w.balancer = b()
			w.Env = append(w.Env, "CHATD_ALLOW_HOST=chatd") // what nginx calls its upstream
		},
		Fault: func(ctx context.Context, w *World) error {
			for _, n := range w.API {
				if _, err := n.Term(20 * time.Second); err != nil {
					return err
				}
				if err := errors.Join(n.Start(ctx), pause(ctx, w.Chance.between(0, time.Second))); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
