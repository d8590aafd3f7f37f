package sql

import (
	"context"

	"chat"
)

// Checkpoint saves what a running attempt has received so far, so that a process
// that is killed leaves it behind. Of two texts the longer one stays: another
// attempt may have come further. An attempt that is not the running one any more
// changes nothing, which is no error.
func (s *Store) Checkpoint(ctx context.Context, taskID string, attempt int, a chat.Answer) error {
	if !isID(taskID) {
		return nil
	}
	content, err := storedOf(a.Parts)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, `UPDATE messages SET parts = $3, size = $4
		WHERE id = (SELECT message_id FROM tasks WHERE id = $1 AND attempt = $2 AND state = 'running') AND size < $4`,
		taskID, attempt, content.parts, content.size)
	return err
}
