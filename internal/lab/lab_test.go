package lab_test

import (
	"context"
	"os"
	"testing"
	"time"

	"chat/internal/lab"
	"chat/internal/lab/faults"
	"chat/internal/lab/world"
	"chat/internal/services"
)

// slack is granted to rows that run while other packages are compiled and tested:
// here they are judged by what happens, and by when in task lab, which runs alone.
const slack = 20 * time.Second

// The core rows, each once and on the first of its profiles. `task lab` runs all
// of them, on all profiles, with three seeds.
func TestCoreRows(t *testing.T) {
	services.Tool(t, "redis-server")
	if _, err := services.PostgresPrograms(); err != nil {
		t.Fatalf("%v: %s", err, services.HowTo)
	}
	chatd, err := world.Build(t.Context(), t.TempDir(), false, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	dir := roomForOthers(t)
	t.Log(world.LeaseNote)
	t.Run("rows", func(t *testing.T) {
		for _, row := range faults.Rows() {
			if !row.Core {
				continue
			}
			t.Run(row.Name, func(t *testing.T) {
				t.Parallel()
				ctx := context.WithoutCancel(t.Context())
				r := lab.Run(ctx, lab.Config{Programs: world.Programs{Chatd: chatd}, Dir: dir, Slack: slack}, row, row.On[0], 1)
				for _, c := range r.Followed {
					t.Logf("%s: %d tasks, %d connections", c.Format, c.Tasks, c.Connections)
				}
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

// roomForOthers is a directory that PostgreSQL, which runs as another user if
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
