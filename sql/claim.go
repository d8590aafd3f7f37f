package sql

import (
	"cmp"
	"context"
	"slices"
	"time"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
)

// holderTimeout is how long a worker must be unseen before another may claim the tasks
// that need its memory. It is longer than the outages of SQL that a worker survives.
const holderTimeout = 2 * time.Minute

// ready is a condition on tasks: what it waits for has ended, or was deleted.
const ready = `NOT EXISTS (SELECT 1 FROM tasks w WHERE w.id = tasks.waits_for AND w.state IN ('queued', 'running'))`

// lostAttempts is how many numbers of attempts a claim skips, because the database may have
// issued and lost them: a thousand for each promotion of a standby since the last claim.
const lostAttempts = `1000 * abs({{timeline}} - timeline)`

// Claim assigns up to n due tasks to a worker, in the order of the queue: by priority,
// then by queue_at. backgroundFirst reverses the priorities, so that background tasks
// progress. One statement selects the tasks, leases them and counts the attempt; no two
// claims get the same task, and no attempt has the number of an earlier one, even if the
// database has lost that one. A task that needs a provider in another worker's memory
// waits for that worker until it is gone.
func (s *Store) Claim(ctx context.Context, worker string, n int, backgroundFirst bool) ([]chat.Claim, error) {
	if n <= 0 {
		return nil, nil
	}
	direction := "ASC"
	if backgroundFirst {
		direction = "DESC"
	}
	list, err := database.Change[rows.Task](ctx, s.db, `WITH due AS (
			SELECT id FROM tasks WHERE state = 'queued' AND run_after <= {{now}} AND attempt - uncounted_attempts < $4
				AND (waits_for = '' OR `+ready+`) AND (own_provider IN ('', $1) OR NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = own_provider AND w.seen_at >= {{now}} - $5))
			ORDER BY priority `+direction+`, queue_at, id LIMIT $3 {{skip locked}}
		)
		UPDATE tasks SET state = 'running', worker = $1, lease_until = {{now}} + $2, attempt = attempt + 1 + `+lostAttempts+`,
			uncounted_attempts = uncounted_attempts + `+lostAttempts+`, timeline = {{timeline}},
			started_at = coalesce(started_at, {{now}}), queue_at = CASE WHEN queue_at > {{now}} THEN {{now}} ELSE queue_at END
		WHERE id IN (SELECT id FROM due) AND state = 'queued' RETURNING `+rows.TaskColumns,
		worker, micros(s.lease), n, chat.MaxAttempts, micros(holderTimeout))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b rows.Task) int {
		byPriority := cmp.Compare(a.Priority, b.Priority)
		if backgroundFirst {
			byPriority = -byPriority
		}
		return cmp.Or(byPriority, cmp.Compare(a.QueueAt, b.QueueAt), cmp.Compare(a.ID, b.ID))
	})
	claims := make([]chat.Claim, len(list))
	for i := range list {
		counted := list[i].Attempt - list[i].Uncounted
		claims[i] = chat.Claim{Task: list[i].Task(), LastAttempt: counted >= chat.MaxAttempts, Counted: counted}
	}
	return claims, nil
}

// Renew extends a worker's leases of the named tasks, in one statement, and returns the
// leases. A lease that the worker does not name expires, for instance one whose claim
// lost its reply.
func (s *Store) Renew(ctx context.Context, worker string, taskIDs []string) ([]chat.Lease, error) {
	if len(taskIDs) == 0 {
		return nil, nil
	}
	type lease struct {
		ID              string
		Attempt         int
		CancelRequested bool `db:"cancel_requested"`
	}
	args := database.Args{worker, micros(s.lease)}
	list, err := database.Change[lease](ctx, s.db, `UPDATE tasks SET lease_until = {{now}} + $2
		WHERE worker = $1 AND state = 'running' AND id IN (`+args.AddAll(taskIDs)+`) RETURNING id, attempt, cancel_requested`, args...)
	if err != nil {
		return nil, err
	}
	leases := make([]chat.Lease, len(list))
	for i, r := range list {
		leases[i] = chat.Lease{TaskID: r.ID, Attempt: r.Attempt, CancelRequested: r.CancelRequested}
	}
	return leases, nil
}

// Queued returns tasks that a worker could claim now, in the order of the queue.
func (s *Store) Queued(ctx context.Context, n int) ([]chat.Task, error) {
	list, err := database.List[rows.Task](ctx, s.db, `SELECT `+rows.ListedTaskColumns+` FROM tasks
		WHERE state = 'queued' AND run_after <= {{now}} AND attempt - uncounted_attempts < $2 AND (waits_for = '' OR `+ready+`) ORDER BY priority, queue_at, id LIMIT $1`,
		n, chat.MaxAttempts)
	if err != nil {
		return nil, err
	}
	return rows.Tasks(list), nil
}
