package sql

import (
	"context"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
)

// oldAnswer is an answer that is made again, or continued.
type oldAnswer struct {
	rows.Message
	Deadline int `db:"deadline_seconds"`
	Asked    rows.Parameters
	Failover rows.Failover
}

// answer returns an answer of owner. If it is to be continued, that has to be possible.
func (t *transaction) answer(ctx context.Context, owner, messageID string, toContinue bool) (oldAnswer, error) {
	var old oldAnswer
	err := t.Get(ctx, &old, `SELECT a.*, coalesce(t.deadline_seconds, 0) AS deadline_seconds, coalesce(t.parameters, '') AS asked, coalesce(t.failover, '') AS failover
		FROM (`+rows.MessagesQuery+`WHERE m.id = $1 AND m.seq > 0) AS a JOIN conversations c ON c.id = a.conversation_id LEFT JOIN tasks t ON t.message_id = a.id
		WHERE c.owner = $2`, messageID, owner)
	if err != nil {
		return old, notFound(err, "message")
	}
	m := old.Message.Message()
	if m.Role != chat.RoleAssistant && !toContinue {
		return old, chat.Errorf(chat.CodeInvalid, "that message is not an answer: name the answer to regenerate")
	}
	if err := t.refuseBusy(ctx, m.ConversationID); err != nil || !toContinue {
		return old, err
	}
	return old, m.Continuable()
}

// Beginning returns the parts of the message that a task continues.
func (s *Store) Beginning(ctx context.Context, taskID string) (chat.Parts, error) {
	if !rows.IsID(taskID) {
		return nil, notFound(database.ErrNoRow, "task")
	}
	parts, err := database.Get[rows.Parts](ctx, s.db, `SELECT m.parts FROM tasks t JOIN messages m ON m.id = t.continues WHERE t.id = $1`, taskID)
	if err != nil {
		return nil, notFound(err, "message")
	}
	return parts.Parts, nil
}
