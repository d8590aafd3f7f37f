package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/internal/crash"
	"chat/internal/lab/history"
	"chat/internal/lab/judge"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

// crashRows kill a process at each crash point, at a pass that the seed chooses.
func crashRows() []Row {
	var out []Row
	for _, p := range crash.Points() {
		if p != crash.SweeperBeforeEnd {
			out = append(out, crashRow(p))
		}
	}
	return append(out, endedBySweeper(), poison(),
		Row{
			Name: "process/panic-in-an-attempt", On: both(), Core: true, Allow: judge.Allow{Panics: true},
			Setup: func(w *World) { w.crashAt(crash.WorkerMidAnswer, "panic", 400) },
		},
		Row{
			Name: "process/panic-in-a-handler", On: both(), Allow: judge.Allow{Panics: true},
			Setup: func(w *World) { w.crashAt(crash.APIBeforeCommit, "panic", 8) },
		},
	)
}

// crashAt lets the first process of the point's kind die at one of the point's
// first passes.
func (w *World) crashAt(p crash.Point, how string, passes int) {
	name := "chatd"
	if w.Profile == world.Full {
		name, _, _ = strings.Cut(string(p), "-")
		if name == "log" || name == "sweeper" {
			name = "worker"
		}
		name += "-1"
	}
	w.First = map[string]string{name: fmt.Sprintf("CHATD_CRASH=%s:%d:%s", p, 1+w.Chance.IntN(passes), how)}
}

func crashRow(p crash.Point) Row {
	passes := 8
	switch p {
	case crash.WorkerMidAnswer, crash.LogBeforeAppend, crash.LogAfterAppend:
		passes = 300
	case crash.WorkerBeforeRelease, crash.WorkerAfterRelease:
		passes = 3
	default:
	}
	r := Row{Name: "crash/" + string(p), On: []world.Profile{world.Full, world.Embedded}, Setup: func(w *World) { w.crashAt(p, "kill", passes) }}
	r.Core = p == crash.WorkerBeforeCommit || p == crash.WorkerAfterCommit || p == crash.APIAfterCommit || p == crash.APIBeforeReply
	// The list dies with the embedded engine, and so does text that only the list
	// had.
	r.Allow = judge.Allow{Repurchase: true, RepurchaseFull: p == crash.WorkerAfterLastToken || p == crash.WorkerBeforeRepair}
	if p == crash.WorkerBeforeRepair { // no answer is JSON, and neither is its correction
		r.Load = func(l *load.Load) {
			l.Format = &chat.Format{Repair: true}
			l.Direct = func(_ int, c world.Chance) (string, history.Want) {
				return fmt.Sprintf("then chunks=%d", 5+c.IntN(20)), history.Want{}
			}
		}
	}
	if p == crash.WorkerBeforeSwitch || p == crash.WorkerAfterSwitch { // the model fails, and is asked once more
		r.Load = func(l *load.Load) {
			l.Failover = &chat.Failover{Models: []string{modeltest.Models()[1]}}
			l.Direct = func(_ int, c world.Chance) (string, history.Want) {
				return fmt.Sprintf("fail=2 status=503 chunks=%d", 5+c.IntN(20)), history.Want{}
			}
		}
	}
	if strings.HasPrefix(string(p), "worker-") && strings.HasSuffix(string(p), "release") {
		r.Load = func(l *load.Load) {
			l.Direct = func(i int, c world.Chance) (string, history.Want) {
				return fmt.Sprintf("fail=1 abort=%d", c.IntN(20)), history.Want{}
			}
		}
	}
	r.Fault = func(ctx context.Context, w *World) error {
		for _, n := range w.Nodes() {
			if w.First[n.Name] == "" {
				continue
			}
			if !n.EndedWithin(30 * time.Second) {
				return fmt.Errorf("%s never reached %s", n.Name, p)
			}
			if err := world.Pause(ctx, w.Chance.Between(0, 3*time.Second)); err != nil {
				return err
			}
			return n.Start(ctx)
		}
		return errors.New("no process was set to crash")
	}
	return r
}

// endedBySweeper kills an instance while its sweeper ends tasks whose workers are gone
// and whose cancel was requested.
func endedBySweeper() Row {
	return Row{
		Name: "crash/" + string(crash.SweeperBeforeEnd), On: full(),
		Load: func(l *load.Load) { l.Cancels, l.Tokens = 1, [2]int{200, 250} },
		Setup: func(w *World) {
			at := "CHATD_CRASH=" + string(crash.SweeperBeforeEnd)
			w.First = map[string]string{"api-1": at, "api-2": at}
		},
		Fault: func(ctx context.Context, w *World) error {
			for _, n := range w.Worker {
				if err := n.Kill(); err != nil {
					return err
				}
			}
			began := time.Now()
			died := 0
			for died == 0 && time.Since(began) < 40*time.Second {
				for _, n := range w.API {
					if n.EndedWithin(100 * time.Millisecond) {
						died++
						if err := n.Start(ctx); err != nil {
							return err
						}
					}
				}
			}
			if died == 0 {
				return errors.New("no sweeper ended a task")
			}
			for _, n := range w.API { // none may crash later
				if err := n.Restart(ctx, 0); err != nil {
					return err
				}
			}
			return w.startAll(ctx, w.Worker, 0)
		},
	}
}

// poison is a message that kills every worker that claims it, at its first token.
// It must end as a failure after three attempts, and leave the others alone.
func poison() Row {
	return Row{
		Alone: true,
		Name:  "process/a-message-that-kills-its-worker", On: both(), Allow: judge.Allow{Unfinished: true, Repurchase: true, RepurchaseFull: true},
		Load: func(l *load.Load) { l.Asks, l.Cancels = 3, 0 },
		Fault: func(ctx context.Context, w *World) error {
			deadly := "CHATD_CRASH=" + string(crash.WorkerMidAnswer)
			n := w.Worker[0]
			for _, other := range w.Worker {
				if err := other.Kill(); err != nil {
					return err
				}
			}
			for range 12 {
				if err := n.Start(ctx, deadly); err != nil && n.Alive() {
					return err
				}
				if !n.EndedWithin(8 * time.Second) {
					break // it no longer crashes
				}
			}
			if err := n.Kill(); err != nil {
				return err
			}
			return w.startAll(ctx, w.Worker, 0)
		},
		Check: func(h *history.History) []judge.Violation {
			var out []judge.Violation
			for _, a := range h.Asks() {
				if a.Accepted == nil {
					continue
				}
				if t, ok := h.Rows.Task(a.Accepted.TaskID); ok && t.State != chat.TaskDone && t.Code != chat.CodeAttemptsSpent {
					out = append(out, broken("D8", a.Mark, fmt.Sprintf("it ended as %s with %s", t.State, t.Code)))
				}
			}
			return out
		},
	}
}
