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
	_, err := s.exec(ctx, `UPDATE messages SET content = $3, reasoning = $4, reasoning_ms = $6
		WHERE id = (SELECT message_id FROM tasks WHERE id = $1 AND attempt = $2 AND state = 'running')
			AND octet_length(content) + octet_length(reasoning) < $5`,
		taskID, attempt, a.Content, a.Reasoning, len(a.Content)+len(a.Reasoning), a.ReasoningMS)
	return err
}
