package sql

import "context"

// dropModel takes the model of a task off its conversation, if no answer of the
// conversation has ever been completed: the provider turned out not to have the model.
func (s *Store) dropModel(ctx context.Context, taskID string) error {
	_, err := s.exec(ctx, `UPDATE conversations SET model = ''
		WHERE id = (SELECT conversation_id FROM tasks WHERE id = $1) AND model = (SELECT model FROM tasks WHERE id = $1)
			AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.conversation_id = conversations.id AND t.state = 'done')`, taskID)
	return err
}
