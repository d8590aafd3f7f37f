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

// standbyRows promote a standby of PostgreSQL under load. With a synchronous one nothing that
// was acknowledged is lost. An asynchronous one lacks the last transactions, while Redis, the
// workers and the readers know them.
func standbyRows() []Row {
	var all []Row
	behind := judge.Allow{LateCancel: true, Overlap: true, Repurchase: true, RepurchaseFull: true}
	for _, hosts := range []bool{false, true} {
		way := map[bool]string{false: "one-address", true: "two-hosts"}[hosts]
		all = append(all,
			standbyRow("promoted-synchronous-"+way, world.Standby{Synchronous: true, Hosts: hosts}, judge.Allow{LateCancel: true}, promote),
			losing(standbyRow("promoted-asynchronous-"+way, world.Standby{Hosts: hosts},
				behind, promoteBehind)))
	}
	slow := judge.Allow{LateCancel: true, SlowFirst: true}
	hangs := slow
	hangs.Overlap, hangs.RepurchaseFull = true, true // leases expire while workers wait for the server that hangs
	hangs.Silence = true                             // an API may need 15 s to notice the same, and workers less
	return append(all,
		losing(standbyRow("lost-claims", world.Standby{}, behind, loseClaims)),
		alone(standbyRow("synchronous-and-cut-off-first", world.Standby{Synchronous: true}, slow, func(ctx context.Context, w *World) error {
			if err := errors.Join(w.Standby.Link.Swallow(world.ToServer), w.Standby.Link.Swallow(world.ToClient)); err != nil {
				return err
			}
			if err := world.Pause(ctx, w.Chance.Between(12*time.Second, 20*time.Second)); err != nil {
				return err
			}
			return promote(ctx, w)
		})),
		alone(standbyRow("promoted-while-the-primary-hangs", world.Standby{Synchronous: true, Hosts: true}, hangs, func(ctx context.Context, w *World) error {
			if err := w.each(sqlEdges, func(e *world.Edge) error { return errors.Join(e.Swallow(world.ToServer), e.Swallow(world.ToClient)) }); err != nil {
				return err
			}
			if err := errors.Join(world.Pause(ctx, w.Chance.Between(time.Second, 4*time.Second)), w.Promote(ctx)); err != nil {
				return err
			}
			return world.Pause(ctx, 20*time.Second)
		})),
	)
}

func standbyRow(name string, s world.Standby, allow judge.Allow, f func(context.Context, *World) error) Row {
	return Row{Name: "standby/" + name, On: full(), Allow: allow, Fault: f, Setup: func(w *World) { w.Standby = new(s) }}
}

// promote kills the primary and promotes the standby.
func promote(ctx context.Context, w *World) error {
	if err := w.Postgres.Kill(); err != nil {
		return err
	}
	if err := errors.Join(world.Pause(ctx, w.Chance.Between(0, 3*time.Second)), w.Promote(ctx)); err != nil {
		return err
	}
	return w.backToNormal(ctx, "SQL")
}

// promoteBehind promotes a standby that lacks the last seconds.
func promoteBehind(ctx context.Context, w *World) error {
	return w.promoteWithout(ctx, func() error { return nil })
}

// loseClaims promotes a standby that has tasks and lacks their claims, whose workers go on. A
// new worker claims them again.
func loseClaims(ctx context.Context, w *World) error {
	for _, n := range w.Worker {
		if err := n.Kill(); err != nil {
			return err
		}
	}
	if err := world.Pause(ctx, w.Chance.Between(time.Second, 2*time.Second)); err != nil {
		return err
	}
	if err := w.promoteWithout(ctx, func() error { return w.startAll(ctx, w.Worker, 0) }); err != nil {
		return err
	}
	_, err := w.AddWorker(ctx, "worker-3")
	return err
}

// promoteWithout promotes a standby that lacks what happens during do, and for some seconds
// after it.
func (w *World) promoteWithout(ctx context.Context, do func() error) error {
	from := time.Now()
	if err := w.Postgres.CaughtUp(ctx, w.Standby.Server); err != nil {
		return err
	}
	w.Standby.Link.Cut()
	if err := do(); err != nil {
		return err
	}
	if err := world.Pause(ctx, w.Chance.Between(time.Second, 3*time.Second)); err != nil {
		return err
	}
	if err := w.Postgres.Kill(); err != nil {
		return err
	}
	w.History.MayLose(from, time.Now())
	if err := errors.Join(world.Pause(ctx, w.Chance.Between(0, 2*time.Second)), w.Promote(ctx)); err != nil {
		return err
	}
	return w.backToNormal(ctx, "SQL")
}

// losing fails a run in which nothing was lost, because it proves nothing.
func losing(r Row) Row {
	r.Load = func(l *load.Load) { l.Asks, l.Every = 60, 80*time.Millisecond }
	r.Check = func(h *history.History) []judge.Violation {
		for _, a := range h.Asks() {
			if a.Accepted != nil && h.Lost(a) {
				return nil
			}
		}
		return []judge.Violation{broken("A1", "", "the promoted standby had everything: this run proves nothing")}
	}
	return r
}
