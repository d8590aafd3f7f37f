package sql

import (
	"context"
	"time"

	"chat"
)

const (
	workerSeen = 30 * time.Second // a worker not seen for this long is not listed
	workerKept = 10 * time.Minute // and one not seen for this long is forgotten
)

type workerRow struct {
	ID          string
	Host        string
	PID         int
	Version     string
	Concurrency int
	Running     int
	StartedAt   int64 `db:"started_at"`
	SeenAt      int64 `db:"seen_at"`
}

// Heartbeat writes down that a worker is there, by the database's clock.
func (s *Store) Heartbeat(ctx context.Context, w chat.Worker) error {
	return s.inTx(ctx, func(t *transaction) error {
		_, err := t.exec(ctx, `INSERT INTO workers (id, host, pid, version, concurrency, running, started_at, seen_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, {{now}})
			ON CONFLICT (id) DO UPDATE SET host = excluded.host, pid = excluded.pid, version = excluded.version,
				concurrency = excluded.concurrency, running = excluded.running, started_at = excluded.started_at, seen_at = excluded.seen_at`,
			w.ID, chat.NormalizeText(w.Host), w.PID, w.Version, w.Concurrency, w.Running, w.StartedAt.UnixMicro())
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `DELETE FROM workers WHERE seen_at < {{now}} - $1`, micros(workerKept))
		return err
	})
}

// Workers returns the workers seen within the last 30 s, oldest first. What they run
// is counted now: their own count is as old as their last sign of life.
func (s *Store) Workers(ctx context.Context) ([]chat.Worker, error) {
	rows, err := list[workerRow](ctx, s, `SELECT id, host, pid, version, concurrency, started_at, seen_at,
			(SELECT count(*) FROM tasks WHERE tasks.worker = workers.id AND tasks.state = 'running') AS running FROM workers
		WHERE seen_at >= {{now}} - $1 ORDER BY started_at, id`, micros(workerSeen))
	if err != nil {
		return nil, err
	}
	workers := make([]chat.Worker, len(rows))
	for i, r := range rows {
		workers[i] = chat.Worker{
			ID: r.ID, Host: r.Host, PID: r.PID, Version: r.Version, Concurrency: r.Concurrency, Running: r.Running,
			StartedAt: instant(r.StartedAt), SeenAt: instant(r.SeenAt),
		}
	}
	return workers, nil
}

// RemoveWorker forgets a worker that has ended; one that is not there is fine.
func (s *Store) RemoveWorker(ctx context.Context, id string) error {
	_, err := s.exec(ctx, `DELETE FROM workers WHERE id = $1`, id)
	return err
}
