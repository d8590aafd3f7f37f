package sql

import (
	"cmp"
	"context"
	"slices"

	"chat"
)

// Claim takes up to n due tasks for worker, by priority and age, in one
// statement that sets the lease and counts the attempt. backgroundFirst looks at
// the queue from its other end, so that background tasks progress.
func (s *Store) Claim(ctx context.Context, worker string, n int, backgroundFirst bool) ([]chat.Claim, error) {
	order := "priority"
	if backgroundFirst {
		order = "priority DESC"
	}
	var rows []taskRow
	err := s.write.SelectContext(ctx, &rows, s.dialect.sql(`UPDATE tasks SET state = 'running', worker = $1, lease_until = {now} + $2,
			attempt = attempt + 1, started_at = COALESCE(started_at, {now})
		WHERE state = 'queued' AND id IN (SELECT id FROM tasks WHERE state = 'queued' AND run_after <= {now}
			ORDER BY `+order+`, created_at, id LIMIT $3 {skip})
		RETURNING `+taskColumns), worker, s.opts.Lease.Microseconds(), n)
	if err != nil {
		return nil, s.mapped(err)
	}
	slices.SortFunc(rows, func(a, b taskRow) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	claims := make([]chat.Claim, len(rows))
	for i, r := range rows {
		t, err := r.task()
		if err != nil {
			return nil, err
		}
		claims[i] = chat.Claim{Task: t, LastAttempt: r.spent()}
	}
	return claims, nil
}

// Renew extends all leases of a worker in one statement and says what they are.
func (s *Store) Renew(ctx context.Context, worker string) ([]chat.Lease, error) {
	var rows []struct {
		ID              string
		Attempt         int
		CancelRequested bool `db:"cancel_requested"`
	}
	err := s.write.SelectContext(ctx, &rows, s.dialect.sql(`UPDATE tasks SET lease_until = {now} + $1
		WHERE worker = $2 AND state = 'running' RETURNING id, attempt, cancel_requested`), s.opts.Lease.Microseconds(), worker)
	leases := make([]chat.Lease, len(rows))
	for i, r := range rows {
		leases[i] = chat.Lease{TaskID: r.ID, Attempt: r.Attempt, CancelRequested: r.CancelRequested}
	}
	return leases, s.mapped(err)
}

// ReleaseLeases makes every lease expire now. It is for a store that only one
// process can open, when that process starts.
func (s *Store) ReleaseLeases(ctx context.Context) (int, error) {
	n, err := s.exec(ctx, s.write, "UPDATE tasks SET lease_until = 0 WHERE state = 'running'")
	return n, s.mapped(err)
}

// Sweep queues the tasks again whose lease has expired. Those that are spent (no
// attempt left, or a cancel requested) are returned as they are, for EndExpired.
func (s *Store) Sweep(ctx context.Context) (requeued, spent []chat.Task, err error) {
	const expired = "state = 'running' AND lease_until < {now}"
	var again, over []taskRow
	err = s.write.SelectContext(ctx, &again, s.dialect.sql(`UPDATE tasks SET state = 'queued', worker = '', lease_until = NULL, run_after = {now}
		WHERE `+expired+` AND NOT cancel_requested AND attempt - handbacks < $1 RETURNING `+taskColumns), chat.MaxAttempts)
	if err == nil {
		err = s.read.SelectContext(ctx, &over, s.dialect.sql("SELECT "+taskColumns+" FROM tasks WHERE "+expired+
			" AND (cancel_requested OR attempt - handbacks >= $1)"), chat.MaxAttempts)
	}
	if err != nil {
		return nil, nil, s.mapped(err)
	}
	if requeued, err = tasksOf(again); err != nil {
		return nil, nil, err
	}
	spent, err = tasksOf(over)
	return requeued, spent, err
}

// Queued returns due tasks in the order of the queue.
func (s *Store) Queued(ctx context.Context, limit int) ([]chat.Task, error) {
	var rows []taskRow
	err := s.read.SelectContext(ctx, &rows, s.dialect.sql("SELECT "+taskColumns+` FROM tasks
		WHERE state = 'queued' AND run_after <= {now} ORDER BY priority, created_at, id LIMIT $1`), limit)
	if err != nil {
		return nil, s.mapped(err)
	}
	return tasksOf(rows)
}
