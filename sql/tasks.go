package sql

import (
	"context"
	"slices"
	"strings"

	"chat"
)

// Task returns one task of owner.
func (s *Store) Task(ctx context.Context, owner, id string) (chat.Task, error) {
	if !isID(id) {
		return chat.Task{}, notFound(errNoRow, "task")
	}
	row, err := get[taskRow](ctx, s, `SELECT `+taskColumns+` FROM tasks WHERE id = $1 AND owner = $2`, id, owner)
	if err != nil {
		return chat.Task{}, notFound(err, "task")
	}
	return row.current(), nil
}

// Tasks returns tasks of owner, newest first.
func (s *Store) Tasks(ctx context.Context, owner string, q chat.TaskQuery) ([]chat.Task, error) {
	args := arguments{owner}
	where := []string{"owner = $1"}
	if len(q.States) > 0 {
		var states []string
		for _, st := range q.States {
			states = append(states, args.add(string(st)))
		}
		where = append(where, "state IN ("+strings.Join(states, ", ")+")")
	}
	if q.ID != "" {
		cond, ok := idMatches("id", q.ID, &args)
		if !ok {
			return nil, nil
		}
		where = append(where, cond)
	}
	if q.ConversationID != "" {
		if !isID(q.ConversationID) {
			return nil, nil
		}
		where = append(where, "conversation_id = "+args.add(q.ConversationID))
	}
	rows, err := list[taskRow](ctx, s, `SELECT `+taskColumns+` FROM tasks WHERE `+strings.Join(where, " AND ")+
		` ORDER BY created_at DESC, id DESC LIMIT `+args.add(limit(q.Limit)), args...)
	if err != nil {
		return nil, err
	}
	found := make([]chat.Task, len(rows))
	for i := range rows {
		found[i] = rows[i].current()
	}
	return found, nil
}

// Cancel ends a queued task, and asks the worker of a running one to end it;
// from then on no other ending can be committed. won says whether the cancel
// came before any other ending. It can be repeated.
func (s *Store) Cancel(ctx context.Context, owner, id string) (task chat.Task, won bool, err error) {
	if !isID(id) {
		return chat.Task{}, false, notFound(errNoRow, "task")
	}
	rows, err := change[taskRow](ctx, s, `UPDATE tasks SET
			finished_at = CASE state WHEN 'queued' THEN {{now}} END,
			finish_reason = CASE state WHEN 'queued' THEN 'cancelled' ELSE finish_reason END,
			error_code = CASE state WHEN 'queued' THEN '' ELSE error_code END,
			cancel_requested = (state = 'running'),
			state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END
		WHERE id = $1 AND owner = $2 AND state IN ('queued', 'running') RETURNING `+taskColumns, id, owner)
	if err != nil {
		return chat.Task{}, false, err
	}
	if len(rows) > 0 {
		return rows[0].current(), true, nil
	}
	if task, err = s.Task(ctx, owner, id); err != nil {
		return chat.Task{}, false, err
	}
	return task, task.State == chat.TaskCancelled, nil
}

// Unfinished returns those of the ids that are tasks which wait or run.
func (s *Store) Unfinished(ctx context.Context, ids []string) ([]string, error) {
	const most = 500 // in one statement
	var found []string
	for part := range slices.Chunk(ids, most) {
		var args arguments
		var places []string
		for _, id := range part {
			if isID(id) {
				places = append(places, args.add(id))
			}
		}
		if len(places) == 0 {
			continue
		}
		some, err := list[string](ctx, s, `SELECT id FROM tasks WHERE state IN ('queued', 'running') AND id IN (`+strings.Join(places, ", ")+`)`, args...)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	return found, nil
}

// QueueDepths counts the tasks of all owners that wait, by priority, and those
// that run.
func (s *Store) QueueDepths(ctx context.Context) (queued map[chat.Priority]int, running int, err error) {
	type depth struct {
		State    chat.TaskState
		Priority int
		N        int
	}
	rows, err := list[depth](ctx, s, `SELECT 'queued' AS state, priority, count(*) AS n FROM tasks WHERE state = 'queued' GROUP BY priority
		UNION ALL SELECT 'running', 0, count(*) FROM tasks WHERE state = 'running'`)
	if err != nil {
		return nil, 0, err
	}
	queued = map[chat.Priority]int{}
	for _, p := range chat.Priorities() {
		queued[p] = 0
	}
	for _, r := range rows {
		if r.State == chat.TaskRunning {
			running = r.N
		} else {
			queued[chat.PriorityOfRank(r.Priority)] = r.N
		}
	}
	return queued, running, nil
}
