package faults

import (
	"context"
	"errors"
	"syscall"
	"time"

	"chat/internal/lab/history"
	"chat/internal/lab/judge"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

const decade = 10 * 365 * 24 * time.Hour

// timeRows set wall clocks. Leases, limits and positions hold at any time of day.
func timeRows() []Row {
	clocks := func(w *World) { w.Clocks = true }
	// Idempotency keys are kept for a week of the database's clock.
	once := func(l *load.Load) { l.Twice, l.Drops = 0, 0 }
	rows := []Row{
		{Name: "time/an-hour-forward-and-back", On: both(), Clocks: true, Setup: clocks, Fault: func(ctx context.Context, w *World) error {
			return w.clocksStep(ctx, time.Hour, 0, -time.Hour, 0)
		}},
		{Name: "time/ten-years-forward-and-back", On: both(), Clocks: true, Setup: clocks, Load: once, Fault: func(ctx context.Context, w *World) error {
			return w.clocksStep(ctx, decade, 0)
		}},
		{Name: "time/the-database-alone", On: full(), Clocks: true, Setup: clocks, Fault: func(ctx context.Context, w *World) error {
			for _, d := range []time.Duration{time.Hour, -time.Hour, 0} {
				if err := errors.Join(w.SetDatabaseClock(d), world.Pause(ctx, w.Chance.Between(time.Second, 3*time.Second))); err != nil {
					return err
				}
			}
			return nil
		}},
		{Name: "time/instances-five-minutes-apart", On: full(), Clocks: true, Setup: clocks, Fault: func(ctx context.Context, w *World) error {
			for i, n := range w.Nodes() {
				if err := n.SetClock(time.Duration(i-1) * 5 * time.Minute); err != nil {
					return err
				}
			}
			return errors.Join(w.SetDatabaseClock(-10*time.Minute), world.Pause(ctx, 8*time.Second))
		}},
		{
			// The machine sleeps: nothing runs, no time passes for monotonic clocks, and
			// when it wakes up eight hours have passed on the wall.
			Name: "time/suspended-for-eight-hours", On: both(), Clocks: true, Setup: clocks,
			Allow: judge.Allow{Silence: true}, Fault: suspended,
		},
	}
	for i := range rows {
		rows[i].Check = clocksWereOff
	}
	return rows
}

// clocksWereOff judges the row itself: if no clock was off, the run proves nothing.
func clocksWereOff(h *history.History) []judge.Violation {
	for _, a := range h.Asks() {
		if a.Accepted == nil {
			continue
		}
		t, _ := h.Rows.Task(a.Accepted.TaskID)
		for _, c := range h.CallsOf(a.Mark) {
			if t.Finished.Sub(c.Ended).Abs() > time.Minute {
				return nil
			}
		}
	}
	return []judge.Violation{broken("D3", "", "no task ended while the database's clock was off: this run proves nothing")}
}

// clocksStep sets all clocks to one offset after the other.
func (w *World) clocksStep(ctx context.Context, steps ...time.Duration) error {
	for _, d := range steps {
		if err := errors.Join(w.SetClocks(d), world.Pause(ctx, w.Chance.Between(time.Second, 4*time.Second))); err != nil {
			return err
		}
	}
	return nil
}

func suspended(ctx context.Context, w *World) error {
	for _, n := range w.Nodes() {
		if err := n.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
	}
	err := errors.Join(world.Pause(ctx, w.Chance.Between(200*time.Millisecond, time.Second)), w.SetClocks(8*time.Hour))
	if w.Chance.Often(0.5) { // network connections are lost
		err = errors.Join(err, w.each(frontEdges, func(e *world.Edge) error { return e.Reset() }))
	}
	for _, n := range w.Nodes() {
		err = errors.Join(err, n.Signal(syscall.SIGCONT))
	}
	return errors.Join(err, world.Pause(ctx, 3*time.Second))
}
