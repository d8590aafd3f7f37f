package faults

import (
	"context"
	"errors"
	"time"

	"chat/internal/lab/history"
	"chat/internal/lab/judge"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

// deployRows replace processes while the load runs.
func deployRows() []Row {
	three := func(w *World) { w.APIs, w.Workers = 3, 3 }
	return []Row{
		{Name: "deploy/rolling-restart-of-three", On: full(), Core: true, Setup: three, Load: func(l *load.Load) { l.Asks, l.Formats = 40, true }, Fault: rollingRestart},
		{Name: "deploy/rolling-kill-of-three", On: full(), Setup: three, Load: func(l *load.Load) { l.Asks = 40 }, Allow: judge.Allow{Unfinished: true}, Fault: func(ctx context.Context, w *World) error {
			for i := range w.API {
				if err := errors.Join(w.API[i].Restart(ctx, 0), w.Worker[i].Restart(ctx, 0), world.Pause(ctx, w.Chance.Between(0, 2*time.Second))); err != nil {
					return err
				}
			}
			return nil
		}},
		{Name: "deploy/answer-longer-than-the-drain", On: both(), Load: func(l *load.Load) { l.Tokens = [2]int{150, 200} }, Fault: func(ctx context.Context, w *World) error {
			n := w.AnyWorker()
			ended, err := n.Term(20 * time.Second)
			if err != nil {
				return err
			}
			if !ended {
				return errors.New("the process does not end")
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
		except(behindAPool("transaction", 10, true), inFrontOfSQL),
		except(behindAPool("session", 80, false), inFrontOfSQL),
		except(behind("nginx", world.NGINX), inFrontOfTheAPI),
		except(behind("haproxy", world.HAProxy), inFrontOfTheAPI),
		{Name: "deploy/more-workers-come-and-go", On: full(), Fault: func(ctx context.Context, w *World) error {
			n, err := w.AddWorker(ctx, "worker-more")
			if err != nil {
				return err
			}
			if err := world.Pause(ctx, w.Chance.Between(500*time.Millisecond, 2*time.Second)); err != nil {
				return err
			}
			_, err = n.Term(20 * time.Second)
			return err
		}},
	}
}

const (
	inFrontOfTheAPI = "the balancer is in front of the API"
	inFrontOfSQL    = "the pool is on the way to SQL"
)

// rollingRestart replaces all processes, one after the other.
func rollingRestart(ctx context.Context, w *World) error {
	for i := range w.API {
		for _, n := range []*world.Node{w.API[i], w.Worker[i]} {
			if err := terminate(n); err != nil {
				return err
			}
			if err := n.Start(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// terminate ends a process by SIGTERM.
func terminate(n *world.Node) error {
	ended, err := n.Term(20 * time.Second)
	if err == nil && !ended {
		err = errors.New(n.Name + " does not end on SIGTERM")
	}
	return err
}

// laterChunksArrive judges that readers received the chunks that only the later
// version knows.
func laterChunksArrive(h *history.History) []judge.Violation {
	for _, a := range h.Asks() {
		for _, f := range a.Followers {
			for _, c := range f.Conns {
				for _, fr := range c.Frames {
					if fr.Chunk.Type == world.LaterType {
						return nil
					}
				}
			}
		}
	}
	return []judge.Violation{broken("C1", "", "no reader saw a chunk of the type that only the later version knows")}
}

func mixed(ctx context.Context, w *World) error {
	for _, n := range []*world.Node{w.Worker[0], w.API[0]} {
		if err := world.Pause(ctx, w.Chance.Between(time.Second, 3*time.Second)); err != nil {
			return err
		}
		if err := terminate(n); err != nil {
			return err
		}
		n.SetProgram(w.Programs.Chatd)
		if err := n.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// behind is a rolling restart behind a balancer with its default settings.
func behind(name string, b func() *world.Balancer) Row {
	return Row{
		Name: "deploy/behind-" + name, On: full(), Alone: true,
		Setup: func(w *World) {
			w.Balancer = b()
			w.Env = append(w.Env, "CHATD_ALLOW_HOST=chatd") // the name that nginx uses for its upstream
		},
		Fault: func(ctx context.Context, w *World) error {
			for _, n := range w.API {
				if _, err := n.Term(20 * time.Second); err != nil {
					return err
				}
				if err := errors.Join(n.Start(ctx), world.Pause(ctx, w.Chance.Between(0, time.Second))); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
