package sql

import (
	"context"

	"chat"
	"chat/sql/rows"
)

// SwitchModel makes the model to answer a running task, under the same fence as Finish
// (chat.ErrFenced, chat.ErrCancelWon). from says what the model before sent; only the Parts, the
// Model, and the fence count. The task then has no Upstream. The message keeps the
// longest text of all attempts and the model that made it; without a text it has the new model.
func (s *Store) SwitchModel(ctx context.Context, from chat.Release, to string, f chat.Failover) error {
	if !rows.IsID(from.TaskID) {
		return chat.ErrFenced
	}
	failover, err := rows.EncodeFailover(&f)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(t *transaction) error {
		var messageIDs []string
		err := t.List(ctx, &messageIDs, `UPDATE tasks SET model = $3, failover = $4, upstream = ''
			WHERE id = $1 AND attempt = $2 AND state = 'running' AND NOT cancel_requested RETURNING message_id`,
			from.TaskID, from.Attempt, chat.NormalizeText(to), failover)
		if err != nil {
			return err
		}
		if len(messageIDs) == 0 {
			return t.whyNotSwitched(ctx, from)
		}
		if err := t.saveLonger(ctx, messageIDs[0], from.Model, from.Parts); err != nil {
			return err
		}
		_, err = t.Exec(ctx, `UPDATE messages SET model = $2 WHERE id = $1 AND size = 0`, messageIDs[0], chat.NormalizeText(to))
		return err
	})
}

func (t *transaction) whyNotSwitched(ctx context.Context, from chat.Release) error {
	now, err := t.taskStatus(ctx, from.TaskID)
	switch {
	case err != nil:
		return err
	case now.Attempt == from.Attempt && now.State == chat.TaskRunning:
		return chat.ErrCancelWon
	}
	return chat.ErrFenced
}

// askAgain makes the first model of a task answer it again.
func (t *transaction) askAgain(ctx context.Context, taskID string) error {
	var row struct{ Failover rows.Failover }
	if err := t.Get(ctx, &row, `SELECT failover FROM tasks WHERE id = $1`, taskID); err != nil {
		return notFound(err, "task")
	}
	f := row.Failover.Failover
	if f == nil || len(f.Failed) == 0 {
		return nil
	}
	first := f.Failed[0].Model
	f.Failed = nil
	failover, err := rows.EncodeFailover(f)
	if err != nil {
		return err
	}
	_, err = t.Exec(ctx, `UPDATE tasks SET model = $2, failover = $3, upstream = '' WHERE id = $1`, taskID, first, failover)
	return err
}
