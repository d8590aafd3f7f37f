package lab

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"time"
)

// Profile is a way to run chat.
type Profile string

// The profiles: one process on the embedded engines, or API and worker
// processes on Redis and PostgreSQL.
const (
	Embedded Profile = "embedded"
	Full     Profile = "full"
)

// Profiles are all of them.
func Profiles() []Profile { return []Profile{Embedded, Full} }

// Row is one fault, or a few that belong together.
type Row struct {
	Name string // area/what-happens
	On   []Profile
	Core bool // fast and telling enough for every change
	// Alone: it takes a world of its own, or minutes: not a part of a soak.
	Alone bool
	// Clocks: it sets wall clocks, which takes a chatd that is built for it; what
	// the database says of when is not held against the lab's own clock.
	Clocks bool
	// Later: it needs the program of a later version.
	Later bool
	// Crowd: it takes thousands of sockets: not two at once.
	Crowd bool
	// Setup changes the world before its processes start; may be nil.
	Setup func(w *World)
	// Fault breaks something while the load runs, and returns when it has
	// mended it; nil: the load itself is the fault.
	Fault func(ctx context.Context, w *World) error
	// Load changes what is asked; may be nil.
	Load func(l *Load)
	// Check judges what only this row promises; may be nil.
	Check func(h *History) []Violation
	// Allow is what this fault excuses.
	Allow Allow
}

// Allow says which promises a fault suspends, and why they do not hold under it.
type Allow struct {
	// Overlap: two calls for one task at once, because the owner of the first
	// was cut off from the database or paused, and nobody can tell it.
	Overlap bool
	// Repurchase: an answer received whole may be made again on the embedded
	// engine, whose lists die with the process; RepurchaseFull: on Redis, too,
	// because everything that held it was lost or out of reach at once.
	Repurchase, RepurchaseFull bool
	// Unfinished: tasks may end as failed or interrupted.
	Unfinished bool
	// LateCancel: a cancel may reach the provider later than after six seconds.
	LateCancel bool
	// LostCancel: a cancel that was accepted may be forgotten, because the database
	// has lost it.
	LostCancel bool
	// Panics: a panic in the log is what was asked for.
	Panics bool
	// Silence: streams may be silent for longer than a heartbeat. SlowFirst: they
	// may begin late, since nobody can tell whose task it is.
	Silence, SlowFirst bool
}

// chance is a source of random decisions that a seed repeats.
type chance struct{ *rand.Rand }

// between is a duration in [a, b).
func (c chance) between(a, b time.Duration) time.Duration {
	return a + time.Duration(c.Int64N(int64(b-a)))
}

// often is true with probability p.
func (c chance) often(p float64) bool { return c.Float64() < p }

// seeded is the source of chance number n of a run.
func seeded(seed uint64, n uint64) chance { return chance{rand.New(rand.NewPCG(seed, n))} }

// Rows are all faults, in the order in which they run.
func Rows() []Row {
	return slices.Concat(calmRows(), processRows(), crashRows(), redisRows(), sqlRows(), providerRows(), clientRows(), manyRows(), timeRows(), deployRows())
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
