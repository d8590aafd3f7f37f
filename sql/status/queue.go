// Package status has the queries about what the daemon does: its workers, its queue, what
// runs and what failed, and what the answers took.
package status

import (
	"context"

	"chat"
	"chat/sql/database"
)

// Queries runs the queries on a database.
type Queries struct{ DB *database.DB }

// QueueDepths counts the queued tasks of all owners by priority, and the running ones.
func (q Queries) QueueDepths(ctx context.Context) (queued map[chat.Priority]int, running int, err error) {
	type depth struct {
		State    chat.TaskState
		Priority int
		N        int
	}
	list, err := database.List[depth](ctx, q.DB, `SELECT 'queued' AS state, priority, count(*) AS n FROM tasks WHERE state = 'queued' GROUP BY priority
		UNION ALL SELECT 'running', 0, count(*) FROM tasks WHERE state = 'running'`)
	if err != nil {
		return nil, 0, err
	}
	queued = map[chat.Priority]int{}
	for _, p := range chat.Priorities() {
		queued[p] = 0
	}
	for _, r := range list {
		if r.State == chat.TaskRunning {
			running = r.N
		} else {
			queued[chat.PriorityOfRank(r.Priority)] = r.N
		}
	}
	return queued, running, nil
}
