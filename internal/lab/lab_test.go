package lab_test

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"chat/internal/crash"
	"chat/internal/lab"
	"chat/internal/services"
)

// beside is granted to rows that run while other packages are compiled and tested:
// here they are judged by what happens, and by when in task lab, which runs alone.
const beside = 20 * time.Second

// The core rows, each once and on the first of its profiles. `task lab` runs all
// of them, on all profiles, with three seeds.
func TestCoreRows(t *testing.T) {
	services.Tool(t, "redis-server")
	if _, err := services.PostgresPrograms(); err != nil {
		t.Fatalf("%v: %s", err, services.HowTo)
	}
	chatd, err := lab.Build(t.Context(), t.TempDir(), false, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	dir := roomForOthers(t)
	t.Log(lab.LeaseNote)
	t.Run("rows", func(t *testing.T) {
		for _, row := range lab.Rows() {
			if !row.Core {
				continue
			}
			t.Run(row.Name, func(t *testing.T) {
				t.Parallel()
				ctx := context.WithoutCancel(t.Context())
				r := lab.Run(ctx, lab.Config{Chatd: chatd, Dir: dir, Slack: beside}, row, row.On[0], 1)
				if r.Err != "" {
					t.Error(r.Err)
				}
				for _, v := range r.Violations {
					t.Error(v)
				}
				if t.Failed() {
					t.Logf("again: %s", r.Replay())
				}
			})
		}
	})
}

// roomForOthers is a directory that PostgreSQL, which runs as somebody else if
// we are root, can pass through.
func roomForOthers(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "chat-lab-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(dir) // what is left is in a temporary directory
		}
	})
	return dir
}

func TestEveryCrashPointHasARow(t *testing.T) {
	rows := lab.Rows()
	for _, p := range crash.Points() {
		if !slices.ContainsFunc(rows, func(r lab.Row) bool { return r.Name == "crash/"+string(p) }) {
			t.Errorf("no row kills a process at %s", p)
		}
	}
}

func TestRowsAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range lab.Rows() {
		if seen[r.Name] || len(r.On) == 0 {
			t.Errorf("%s is there twice, or on no profile", r.Name)
		}
		seen[r.Name] = true
	}
}

func TestNonsensePatternsAreRefused(t *testing.T) {
	for _, p := range []string{"no/such-row", "["} {
		if _, err := lab.Select(lab.Rows(), []string{p}); err == nil {
			t.Errorf("%q is taken", p)
		}
	}
	rows, err := lab.Select(lab.Rows(), []string{"calm", "redis/flush*"})
	if err != nil || len(rows) != 2 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
