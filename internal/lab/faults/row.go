package faults

import (
	"context"
	"fmt"
	"path"
	"slices"

	"chat/internal/lab/history"
	"chat/internal/lab/judge"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

// Row is one fault, or a few that belong together.
type Row struct {
	Name string // area/what-happens
	On   []world.Profile
	Core bool // part of the tests of every change
	// Alone: it needs a world of its own, or minutes, so it is not part of a soak.
	Alone bool
	// Clocks: it sets wall clocks, which needs a chatd that is built for it; the
	// database's times are not compared with the lab's.
	Clocks bool
	// Later: it needs the program of a later version.
	Later bool
	// Crowd: it needs thousands of sockets, so two do not run at the same time.
	Crowd bool
	// Setup changes the world before its processes start; may be nil.
	Setup func(w *World)
	// Fault breaks something while the load runs, and returns when it has repaired
	// it; nil: the load itself is the fault.
	Fault func(ctx context.Context, w *World) error
	// Load changes the load; may be nil.
	Load func(l *load.Load)
	// Check judges the promises of this row alone; may be nil.
	Check func(h *history.History) []judge.Violation
	// Allow lists what this fault excuses.
	Allow judge.Allow
}

// Rows are all faults, in the order in which they run.
func Rows() []Row {
	return slices.Concat(calmRows(), processRows(), crashRows(), redisRows(), sqlRows(), standbyRows(), providerRows(), clientRows(), manyRows(), timeRows(), deployRows())
}

// Select returns the rows whose names match one of the patterns (path.Match, or
// a whole area); no pattern means all.
func Select(rows []Row, patterns []string) ([]Row, error) {
	if len(patterns) == 0 {
		return rows, nil
	}
	var out []Row
	for _, p := range patterns {
		n := len(out)
		for _, r := range rows {
			ok, err := path.Match(p, r.Name)
			if err != nil {
				return nil, fmt.Errorf("pattern %q: %w", p, err)
			}
			if ok || p == path.Dir(r.Name) {
				out = append(out, r)
			}
		}
		if len(out) == n {
			return nil, fmt.Errorf("no row is called %q; -list shows them", p)
		}
	}
	return out, nil
}
