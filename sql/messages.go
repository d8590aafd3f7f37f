package sql

import (
	"context"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
)

// Messages returns all messages of a conversation in the order of acceptance. The
// assistant's have the id, state and outcome of their task.
func (s *Store) Messages(ctx context.Context, owner, conversationID string) ([]chat.Message, error) {
	if _, err := s.Conversation(ctx, owner, conversationID); err != nil {
		return nil, err
	}
	list, err := database.List[rows.Message](ctx, s.db, rows.MessagesQuery+`JOIN conversations c ON c.id = m.conversation_id
		WHERE c.id = $1 AND c.owner = $2 AND m.seq > 0 ORDER BY m.seq`, conversationID, owner)
	if err != nil {
		return nil, err
	}
	return rows.Messages(list), nil
}

// Answer returns the assistant message of a task.
func (s *Store) Answer(ctx context.Context, owner, taskID string) (chat.Message, error) {
	if !rows.IsID(taskID) {
		return chat.Message{}, notFound(database.ErrNoRow, "task")
	}
	row, err := database.Get[rows.Message](ctx, s.db, rows.MessagesQuery+`WHERE t.id = $1 AND t.owner = $2`, taskID, owner)
	if err != nil {
		return chat.Message{}, notFound(err, "task")
	}
	return row.Message(), nil
}

// ChunkLog returns the packed chunk log of an ended task, nil if it is not stored.
func (s *Store) ChunkLog(ctx context.Context, owner, taskID string) ([]byte, error) {
	if !rows.IsID(taskID) {
		return nil, notFound(database.ErrNoRow, "task")
	}
	found, err := database.List[[]byte](ctx, s.db, `SELECT l.packed FROM chunk_logs l JOIN tasks t ON t.id = l.task_id WHERE t.id = $1 AND t.owner = $2`, taskID, owner)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// Partial returns the saved part of a task's answer.
func (s *Store) Partial(ctx context.Context, taskID string) (chat.Answer, error) {
	if !rows.IsID(taskID) {
		return chat.Answer{}, notFound(database.ErrNoRow, "task")
	}
	type partial struct {
		Attempt      int
		Parts        rows.Parts
		FinishReason string `db:"finish_reason"`
	}
	row, err := database.Get[partial](ctx, s.db, `SELECT t.attempt, t.finish_reason, m.parts
		FROM tasks t JOIN messages m ON m.id = t.message_id WHERE t.id = $1`, taskID)
	if err != nil {
		return chat.Answer{}, notFound(err, "task")
	}
	return chat.Answer{Attempt: row.Attempt, Parts: row.Parts.Parts, FinishReason: row.FinishReason}, nil
}
