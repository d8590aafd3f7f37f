package faults_test

import (
	"path"
	"slices"
	"testing"

	"chat/internal/crash"
	"chat/internal/lab/faults"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

func TestEveryCrashPointHasARow(t *testing.T) {
	rows := faults.Rows()
	for _, p := range crash.Points() {
		if !slices.ContainsFunc(rows, func(r faults.Row) bool { return r.Name == "crash/"+string(p) }) {
			t.Errorf("no row kills a process at %s", p)
		}
	}
}

func TestRowsAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range faults.Rows() {
		if seen[r.Name] || len(r.On) == 0 {
			t.Errorf("%s is listed twice, or has no profile", r.Name)
		}
		seen[r.Name] = true
	}
}

// TestRowsRunOnEveryRedis: a row of Redis or of deployments runs on a kind of Redis or says why not.
func TestRowsRunOnEveryRedis(t *testing.T) {
	rows := faults.Rows()
	for _, r := range rows {
		if area := path.Dir(r.Name); area != "redis" && area != "deploy" || r.Redis != world.OneServer {
			continue
		}
		for _, kind := range []world.RedisKind{world.Cluster, world.Sentinel} {
			runs := slices.ContainsFunc(rows, func(o faults.Row) bool { return o.Redis == kind && o.Name == r.Name+"@"+string(kind) })
			if runs == (r.Except[kind] != "") {
				t.Errorf("%s @%s: it runs: %t; why it does not: %q", r.Name, kind, runs, r.Except[kind])
			}
		}
	}
}

func TestNonsensePatternsAreRefused(t *testing.T) {
	for _, p := range []string{"no/such-row", "["} {
		if _, err := faults.Select(faults.Rows(), []string{p}); err == nil {
			t.Errorf("%q is accepted", p)
		}
	}
	rows, err := faults.Select(faults.Rows(), []string{"calm", "redis/flushall"})
	if err != nil || len(rows) != 2 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestTheseRowsFollowEveryFormat(t *testing.T) {
	rows, err := faults.Select(faults.Rows(), []string{"calm", "process/kill-api", "process/kill-worker", "redis/flushall", "deploy/rolling-restart-of-three"})
	if err != nil || len(rows) != 5 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, r := range rows {
		l := load.Default()
		if r.Load != nil {
			r.Load(&l)
		}
		if !l.Formats || l.Asks < 40 {
			t.Errorf("%s follows too little through other formats: %t, %d messages", r.Name, l.Formats, l.Asks)
		}
	}
}
