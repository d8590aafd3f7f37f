package sql

import "context"

// dropModel removes a task's model, which the provider does not have, from the
// conversation, unless the conversation has a completed answer.
func (s *Store) dropModel(ctx context.Context, taskID string) error {
	_, err := s.db.Exec(ctx, `UPDATE conversations SET model = ''
		WHERE id = (SELECT conversation_id FROM tasks WHERE id = $1) AND model = (SELECT model FROM tasks WHERE id = $1)
			AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.conversation_id = conversations.id AND t.state = 'done' AND t.kind = '')`, taskID)
	return err
}
