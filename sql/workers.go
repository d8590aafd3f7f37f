package sql

import (
	"context"

	"chat"
)

// workerSilence is how long, in microseconds, a worker may be silent before it
// is not listed any more.
const workerSilence = 30_000_000

// Heartbeat notes that w is alive, by the database's clock, and forgets workers
// that have been silent for long.
func (s *Store) Heartbeat(ctx context.Context, w chat.Worker) error {
	if _, err := s.exec(ctx, s.write, `INSERT INTO workers (id, host, pid, version, concurrency, running, started_at, seen_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, {now})
		ON CONFLICT (id) DO UPDATE SET running = excluded.running, seen_at = excluded.seen_at`,
		w.ID, w.Host, w.PID, w.Version, w.Concurrency, w.Running, micros(w.StartedAt)); err != nil {
		return s.mapped(err)
	}
	_, err := s.exec(ctx, s.write, "DELETE FROM workers WHERE seen_at < {now} - $1", 10*workerSilence)
	return s.mapped(err)
}

// RemoveWorker takes a worker that ends off the list.
func (s *Store) RemoveWorker(ctx context.Context, id string) error {
	_, err := s.exec(ctx, s.write, "DELETE FROM workers WHERE id = $1", id)
	return s.mapped(err)
}

// Workers lists the workers seen in the last 30 seconds.
func (s *Store) Workers(ctx context.Context) ([]chat.Worker, error) {
	var rows []struct {
		ID, Host, Version         string
		PID, Concurrency, Running int
		StartedAt                 int64 `db:"started_at"`
		SeenAt                    int64 `db:"seen_at"`
	}
	err := s.read.SelectContext(ctx, &rows, s.dialect.sql(`SELECT id, host, pid, version, concurrency, running, started_at, seen_at
		FROM workers WHERE seen_at >= {now} - $1 ORDER BY started_at, id`), workerSilence)
	list := make([]chat.Worker, len(rows))
	for i, r := range rows {
		list[i] = chat.Worker{
			ID: r.ID, Host: r.Host, PID: r.PID, Version: r.Version, Concurrency: r.Concurrency, Running: r.Running,
			StartedAt: fromMicros(r.StartedAt), SeenAt: fromMicros(r.SeenAt),
		}
	}
	return list, s.mapped(err)
}
