package sql

import (
	"context"

	"chat"
	"chat/sql/rows"
)

// SwitchModel makes another model answer a running task, under the same fence as Finish
// (chat.ErrFenced, chat.ErrCancelWon). The task then has no Upstream. The message keeps the
// longest text of all attempts and the model that made it; without a text it has the new model.
func (s *Store) SwitchModel(ctx context.Context, c chat.Switch) error {
	if !rows.IsID(c.TaskID) {
		return chat.ErrFenced
	}
	failover, err := c.Failover.Encode()
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(t *transaction) error {
		var messageIDs []string
		err := t.List(ctx, &messageIDs, `UPDATE tasks SET model = $3, failover = $4, upstream = ''
			WHERE id = $1 AND attempt = $2 AND state = 'running' AND NOT cancel_requested RETURNING message_id`,
			c.TaskID, c.Attempt, chat.NormalizeText(c.Model), failover)
		if err != nil {
			return err
		}
		if len(messageIDs) == 0 {
			return t.whyNotSwitched(ctx, c)
		}
		if err := t.saveLonger(ctx, messageIDs[0], c.Answer.Model, c.Answer.Parts); err != nil {
			return err
		}
		_, err = t.Exec(ctx, `UPDATE messages SET model = $2 WHERE id = $1 AND size = 0`, messageIDs[0], chat.NormalizeText(c.Model))
		return err
	})
}

func (t *transaction) whyNotSwitched(ctx context.Context, c chat.Switch) error {
	now, err := t.taskStatus(ctx, c.TaskID)
	switch {
	case err != nil:
		return err
	case now.Attempt == c.Attempt && now.State == chat.TaskRunning:
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
	failover, err := f.Encode()
	if err != nil {
		return err
	}
	_, err = t.Exec(ctx, `UPDATE tasks SET model = $2, failover = $3, upstream = '' WHERE id = $1`, taskID, first, failover)
	return err
}
