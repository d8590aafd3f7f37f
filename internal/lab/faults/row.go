package faults

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"

	"chat/internal/lab/history"
	"chat/internal/lab/judge"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

// Row is one fault, or a few that belong together.
type Row struct {
	Name string // area/what-happens, with @ and Redis if that is not one server
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
	// Redis is what the row's Redis consists of.
	Redis world.RedisKind
	// Except says on which kinds of Redis a row of redis/* or deploy/* does not run, and why.
	Except map[world.RedisKind]string
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
	return slices.Concat(calmRows(), processRows(), crashRows(), onEveryRedis(redisRows()), failoverRows(), clusterRows(),
		sqlRows(), standbyRows(), providerRows(), clientRows(), manyRows(), timeRows(), onEveryRedis(deployRows()))
}

// onEveryRedis adds the same rows on a Cluster and behind Sentinels, unless a row says why not.
func onEveryRedis(rows []Row) []Row {
	all := slices.Clone(rows)
	for _, kind := range []world.RedisKind{world.Cluster, world.Sentinel} {
		for _, r := range rows {
			if r.Except[kind] == "" {
				r.Core = false
				all = append(all, on(kind, r))
			}
		}
	}
	return all
}

// on is a row on a kind of Redis.
func on(kind world.RedisKind, r Row) Row {
	r.Name, r.On, r.Redis, r.Except = r.Name+"@"+string(kind), full(), kind, nil
	return r
}

// except is a row that runs on one server only.
func except(r Row, why string) Row {
	return exceptOn(world.Sentinel, exceptOn(world.Cluster, r, why), why)
}

// exceptOn is a row that does not run on a kind of Redis.
func exceptOn(kind world.RedisKind, r Row, why string) Row {
	but := map[world.RedisKind]string{kind: why}
	maps.Copy(but, r.Except)
	r.Except = but
	return r
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
