package sql

import (
	"context"

	"chat"
	"chat/sql/rows"
)

// SetUpstream changes the Upstream of a task, under the same fence as Finish
// (chat.ErrFenced).
func (s *Store) SetUpstream(ctx context.Context, taskID string, attempt int, upstream string) error {
	if !rows.IsID(taskID) {
		return chat.ErrFenced
	}
	n, err := s.db.Exec(ctx, `UPDATE tasks SET upstream = $3 WHERE id = $1 AND attempt = $2 AND state = 'running'`,
		taskID, attempt, chat.NormalizeText(upstream))
	if err == nil && n == 0 {
		return chat.ErrFenced
	}
	return err
}

// Checkpoint saves what a running attempt has received so far, so that it survives the
// process. The longer of two texts stays, because another attempt may have got further.
// An attempt that no longer runs changes nothing and gets no error.
func (s *Store) Checkpoint(ctx context.Context, taskID string, attempt int, a chat.Answer) error {
	if !rows.IsID(taskID) {
		return nil
	}
	content, err := rows.EncodeParts(a.Parts, "")
	if err != nil {
		return err
	}
	_, err = s.db.Exec(ctx, `UPDATE messages SET parts = $3, size = $4, model = CASE WHEN $5 = '' THEN model ELSE $5 END
		WHERE id = (SELECT message_id FROM tasks WHERE id = $1 AND attempt = $2 AND state = 'running') AND size < $4`,
		taskID, attempt, content.Parts, content.Size, chat.NormalizeText(a.Model))
	return err
}
