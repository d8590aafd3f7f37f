package sql

import (
	"context"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
)

// Task returns one task of owner.
func (s *Store) Task(ctx context.Context, owner, id string) (chat.Task, error) {
	if !rows.IsID(id) {
		return chat.Task{}, notFound(database.ErrNoRow, "task")
	}
	row, err := database.Get[rows.Task](ctx, s.db, `SELECT `+rows.TaskColumns+` FROM tasks WHERE id = $1 AND owner = $2`, id, owner)
	if err != nil {
		return chat.Task{}, notFound(err, "task")
	}
	return row.Current(), nil
}

// Cancel ends a queued task, and requests the end of a running one; from then on no other
// outcome can be committed. won reports whether the cancel came before every other outcome.
// Cancel can be repeated.
func (s *Store) Cancel(ctx context.Context, owner, id string) (task chat.Task, won bool, err error) {
	if !rows.IsID(id) {
		return chat.Task{}, false, notFound(database.ErrNoRow, "task")
	}
	list, err := database.Change[rows.Task](ctx, s.db, `UPDATE tasks SET
			finished_at = CASE state WHEN 'queued' THEN {{now}} END,
			finish_reason = CASE state WHEN 'queued' THEN 'cancelled' ELSE finish_reason END,
			error_code = CASE state WHEN 'queued' THEN '' ELSE error_code END,
			cancel_requested = (state = 'running'),
			state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END
		WHERE id = $1 AND owner = $2 AND state IN ('queued', 'running') RETURNING `+rows.TaskColumns, id, owner)
	if err != nil {
		return chat.Task{}, false, err
	}
	if len(list) > 0 {
		return list[0].Current(), true, nil
	}
	if task, err = s.Task(ctx, owner, id); err != nil {
		return chat.Task{}, false, err
	}
	return task, task.State == chat.TaskCancelled, nil
}

// SetOrigin changes the Origin of a task.
func (s *Store) SetOrigin(ctx context.Context, owner, taskID, origin string) error {
	n, err := s.db.Exec(ctx, `UPDATE tasks SET origin = $3 WHERE id = $1 AND owner = $2`, taskID, owner, chat.NormalizeText(origin))
	if err == nil && n == 0 {
		return notFound(database.ErrNoRow, "task")
	}
	return err
}
