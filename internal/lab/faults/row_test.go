package faults_test

import (
	"slices"
	"testing"

	"chat/internal/crash"
	"chat/internal/lab/faults"
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

func TestNonsensePatternsAreRefused(t *testing.T) {
	for _, p := range []string{"no/such-row", "["} {
		if _, err := faults.Select(faults.Rows(), []string{p}); err == nil {
			t.Errorf("%q is accepted", p)
		}
	}
	rows, err := faults.Select(faults.Rows(), []string{"calm", "redis/flush*"})
	if err != nil || len(rows) != 2 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
