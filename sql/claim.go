package sql

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"chat"
)

// holderLost is how long a worker was not seen when what only it could do is
// given up: longer than the outages of SQL that one comes back from.
const holderLost = 2 * time.Minute

// Claim takes up to n queued tasks that are due for a worker, in the order of the
// queue: by priority, then by place. backgroundFirst turns the priorities round,
// so that background progresses. One statement takes them, leases them and counts
// the attempt; no two claims take the same task. A task that needs the provider in
// another worker's memory is left to that one, until it is gone.
func (s *Store) Claim(ctx context.Context, worker string, n int, backgroundFirst bool) ([]chat.Claim, error) {
	if n <= 0 {
		return nil, nil
	}
	direction := "ASC"
	if backgroundFirst {
		direction = "DESC"
	}
	rows, err := change[taskRow](ctx, s, `WITH due AS (
			SELECT id FROM tasks WHERE state = 'queued' AND run_after <= {{now}} AND attempt - uncounted_attempts < $4
				AND (own_provider IN ('', $1) OR NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = own_provider AND w.seen_at >= {{now}} - $5))
			ORDER BY priority `+direction+`, place, id LIMIT $3 {{skip locked}}
		)
		UPDATE tasks SET state = 'running', worker = $1, lease_until = {{now}} + $2, attempt = attempt + 1,
			started_at = coalesce(started_at, {{now}}), place = CASE WHEN place > {{now}} THEN {{now}} ELSE place END
		WHERE id IN (SELECT id FROM due) AND state = 'queued' RETURNING `+taskColumns,
		worker, micros(s.lease), n, chat.MaxAttempts, micros(holderLost))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b taskRow) int {
		byPriority := cmp.Compare(a.Priority, b.Priority)
		if backgroundFirst {
			byPriority = -byPriority
		}
		return cmp.Or(byPriority, cmp.Compare(a.Place, b.Place), cmp.Compare(a.ID, b.ID))
	})
	claims := make([]chat.Claim, len(rows))
	for i := range rows {
		claims[i] = chat.Claim{Task: rows[i].task(), LastAttempt: rows[i].Attempt-rows[i].Uncounted >= chat.MaxAttempts}
	}
	return claims, nil
}

// Renew extends a worker's leases of the tasks it names, in one statement, and
// says which they are. A lease that the worker does not name, because the reply
// to its claim was lost, say, expires.
func (s *Store) Renew(ctx context.Context, worker string, taskIDs []string) ([]chat.Lease, error) {
	if len(taskIDs) == 0 {
		return nil, nil
	}
	type lease struct {
		ID              string
		Attempt         int
		CancelRequested bool `db:"cancel_requested"`
	}
	args := []any{worker, micros(s.lease)}
	var in strings.Builder
	for i, id := range taskIDs {
		if i > 0 {
			in.WriteString(", ")
		}
		args = append(args, id)
		in.WriteString("$" + strconv.Itoa(len(args)))
	}
	rows, err := change[lease](ctx, s, `UPDATE tasks SET lease_until = {{now}} + $2
		WHERE worker = $1 AND state = 'running' AND id IN (`+in.String()+`) RETURNING id, attempt, cancel_requested`, args...)
	if err != nil {
		return nil, err
	}
	leases := make([]chat.Lease, len(rows))
	for i, r := range rows {
		leases[i] = chat.Lease{TaskID: r.ID, Attempt: r.Attempt, CancelRequested: r.CancelRequested}
	}
	return leases, nil
}

// Queued returns tasks that a worker could claim now, in the order of the queue.
func (s *Store) Queued(ctx context.Context, n int) ([]chat.Task, error) {
	rows, err := list[taskRow](ctx, s, `SELECT `+taskColumns+` FROM tasks
		WHERE state = 'queued' AND run_after <= {{now}} AND attempt - uncounted_attempts < $2 ORDER BY priority, place, id LIMIT $1`,
		n, chat.MaxAttempts)
	if err != nil {
		return nil, err
	}
	return tasks(rows), nil
}
