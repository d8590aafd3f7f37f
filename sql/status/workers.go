package status

import (
	"context"
	"time"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
)

const (
	workerListed = 30 * time.Second // Workers omits one that was not seen for this long
	workerKept   = 10 * time.Minute // Heartbeat deletes one that was not seen for this long
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

// Heartbeat records that a worker is alive, by the database's clock.
func (q Queries) Heartbeat(ctx context.Context, w chat.Worker) error {
	return q.DB.InTx(ctx, func(t database.Tx) error {
		_, err := t.Exec(ctx, `INSERT INTO workers (id, host, pid, version, concurrency, running, started_at, seen_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, {{now}})
			ON CONFLICT (id) DO UPDATE SET host = excluded.host, pid = excluded.pid, version = excluded.version,
				concurrency = excluded.concurrency, running = excluded.running, started_at = excluded.started_at, seen_at = excluded.seen_at`,
			w.ID, chat.NormalizeText(w.Host), w.PID, w.Version, w.Concurrency, w.Running, w.StartedAt.UnixMicro())
		if err != nil {
			return err
		}
		_, err = t.Exec(ctx, `DELETE FROM workers WHERE seen_at < {{now}} - $1`, workerKept.Microseconds())
		return err
	})
}

// Workers returns the workers that were seen within the last 30 s, oldest first. Running is
// counted from the tasks, because a worker's own count is as old as its heartbeat.
func (q Queries) Workers(ctx context.Context) ([]chat.Worker, error) {
	list, err := database.List[workerRow](ctx, q.DB, `SELECT id, host, pid, version, concurrency, started_at, seen_at,
			(SELECT count(*) FROM tasks WHERE tasks.worker = workers.id AND tasks.state = 'running') AS running FROM workers
		WHERE seen_at >= {{now}} - $1 ORDER BY started_at, id`, workerListed.Microseconds())
	if err != nil {
		return nil, err
	}
	workers := make([]chat.Worker, len(list))
	for i, r := range list {
		workers[i] = chat.Worker{
			ID: r.ID, Host: r.Host, PID: r.PID, Version: r.Version, Concurrency: r.Concurrency, Running: r.Running,
			StartedAt: rows.Instant(r.StartedAt), SeenAt: rows.Instant(r.SeenAt),
		}
	}
	return workers, nil
}

// RemoveWorker deletes a worker. A missing one is no error.
func (q Queries) RemoveWorker(ctx context.Context, id string) error {
	_, err := q.DB.Exec(ctx, `DELETE FROM workers WHERE id = $1`, id)
	return err
}
