package faults

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"chat/internal/crash"
	"chat/internal/lab/judge"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

// sqlRows break the database and the connection to it.
func sqlRows() []Row {
	row := func(name string, core bool, f func(context.Context, *World) error) Row {
		return Row{Name: "sql/" + name, On: full(), Core: core, Fault: f}
	}
	late := func(r Row) Row { r.Allow.LateCancel = true; return r }
	slowFirst := func(r Row) Row { r.Allow.LateCancel, r.Allow.SlowFirst = true, true; return r }
	pool := row("pool-of-two", false, nil)
	pool.Setup = func(w *World) { w.Env = append(w.Env, "CHATD_DATABASE_POOL=2") }
	locked := Row{Name: "sql/file-locked-by-another-process", On: []world.Profile{world.Embedded}, Core: true, Allow: judge.Allow{LateCancel: true}, Fault: lockFile}
	disk := Row{Name: "sql/disk-full", On: []world.Profile{world.Embedded}, Allow: judge.Allow{LateCancel: true, Silence: true}, Setup: smallDisk, Fault: fillDisk}
	return []Row{
		late(row("restart", true, func(ctx context.Context, w *World) error { return w.sqlDown(ctx, w.Chance.Between(0, 3*time.Second)) })),
		late(row("down-10s", false, func(ctx context.Context, w *World) error { return w.sqlDown(ctx, 10*time.Second) })),
		alone(late(row("down-60s-at-completion", false, func(ctx context.Context, w *World) error { return w.sqlDown(ctx, 60*time.Second) }))),
		{Name: "sql/down-and-a-worker-killed", On: full(), Allow: judge.Allow{LateCancel: true}, Fault: func(ctx context.Context, w *World) error {
			if err := w.Postgres.Kill(); err != nil {
				return err
			}
			if err := errors.Join(world.Pause(ctx, w.Chance.Between(time.Second, 4*time.Second)), w.AnyWorker().Restart(ctx, 0)); err != nil {
				return err
			}
			return w.Postgres.Start(ctx)
		}},
		late(row("refused", false, func(ctx context.Context, w *World) error {
			return w.during(ctx, w.Chance.Between(2*time.Second, 6*time.Second), sqlEdges, func(e *world.Edge) error { e.Cut(); return nil })
		})),
		slowFirst(row("black-hole-20s", false, func(ctx context.Context, w *World) error {
			return w.during(ctx, 20*time.Second, sqlEdges, func(e *world.Edge) error { return errors.Join(e.Swallow(world.ToServer), e.Swallow(world.ToClient)) })
		})),
		{Name: "sql/black-hole-for-one-worker", On: full(), Allow: judge.Allow{Overlap: true, LateCancel: true, RepurchaseFull: true}, Fault: func(ctx context.Context, w *World) error {
			e := w.AnyWorker().SQL
			if err := errors.Join(e.Swallow(world.ToServer), e.Swallow(world.ToClient)); err != nil {
				return err
			}
			return errors.Join(world.Pause(ctx, w.Lease+w.Chance.Between(6*time.Second, 12*time.Second)), e.Mend())
		}},
		row("reply-to-commit-lost", true, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 6, 700*time.Millisecond, func() error { return w.loseReplies(ctx, sqlEdges) })
		}),
		row("connections-reset", false, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 12, 300*time.Millisecond, func() error { return w.each(sqlEdges, func(e *world.Edge) error { return e.Reset() }) })
		}),
		row("connections-terminated", false, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 10, 300*time.Millisecond, func() error {
				return w.ask(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL`)
			})
		}),
		late(row("slow", false, func(ctx context.Context, w *World) error {
			return w.during(ctx, 5*time.Second, sqlEdges, func(e *world.Edge) error { return e.Delay(100*time.Millisecond, 80*time.Millisecond) })
		})),
		slowFirst(row("tables-locked", false, lockTables)),
		lostCancel(), pool, locked, disk,
	}
}

// lostCancel is a database that loses cancels, like a promoted replica that lacks
// them: after a worker has settled a log for a cancel, and before it could commit.
func lostCancel() Row {
	return Row{
		Name: "sql/lost-cancel", On: full(), Core: true, Allow: judge.Allow{LostCancel: true, Repurchase: true, RepurchaseFull: true},
		Load: func(l *load.Load) { l.Cancels, l.Tokens, l.Chains = 0.7, [2]int{120, 160}, 0 },
		Setup: func(w *World) {
			at := fmt.Sprintf("CHATD_CRASH=%s:%d:kill", crash.WorkerBeforeCommit, 1+w.Chance.IntN(2))
			w.First = map[string]string{"worker-1": at, "worker-2": at}
		},
		Fault: func(ctx context.Context, w *World) error {
			for _, n := range w.Worker {
				if !n.EndedWithin(30 * time.Second) {
					return fmt.Errorf("%s never reached a commit", n.Name)
				}
			}
			if err := w.ask(ctx, `WITH lost AS (UPDATE tasks SET cancel_requested = false WHERE state = 'running' RETURNING 1) SELECT count(*) FROM lost`); err != nil {
				return err
			}
			return w.startAll(ctx, w.Worker, 0)
		},
	}
}

func (w *World) sqlDown(ctx context.Context, d time.Duration) error {
	if err := w.Postgres.Kill(); err != nil {
		return err
	}
	if err := errors.Join(world.Pause(ctx, d), w.Postgres.Start(ctx)); err != nil {
		return err
	}
	return w.backToNormal(ctx, "SQL")
}

// open opens the database without a proxy.
func (w *World) open() (*sql.DB, error) { return sql.Open("postgres", w.Postgres.URL()) }

func (w *World) ask(ctx context.Context, query string) (err error) {
	db, err := w.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var n int
	return db.QueryRowContext(ctx, query).Scan(&n)
}

// lockTables holds the lock that excludes everything.
func lockTables(ctx context.Context, w *World) (err error) {
	db, err := w.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE`); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return errors.Join(world.Pause(ctx, w.Chance.Between(2*time.Second, 8*time.Second)), tx.Rollback())
}

// data is the data directory of the embedded profile.
func (w *World) data() string { return filepath.Join(w.Dir, ".local/share/chat") }

// lockFile takes SQLite's write lock, as another process may.
func lockFile(ctx context.Context, w *World) (err error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.data(), "chat.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err = world.Pause(ctx, w.Chance.Between(2*time.Second, 12*time.Second))
	_, rollback := db.ExecContext(ctx, "ROLLBACK")
	return errors.Join(err, rollback)
}

// smallDisk puts the data directory on a disk of its own of some megabytes; only
// root can do that.
func smallDisk(w *World) {
	w.Mount = w.data()
}

// fillDisk leaves nothing free for a while.
func fillDisk(ctx context.Context, w *World) error {
	path := filepath.Join(w.data(), "ballast")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	block := make([]byte, 4<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return errors.Join(err, f.Close())
	}
	err = world.Pause(ctx, w.Chance.Between(2*time.Second, 6*time.Second))
	return errors.Join(err, f.Close(), os.Remove(path))
}
