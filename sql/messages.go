package sql

import (
	"context"

	"chat"
)

// Messages returns all messages of a conversation in the order in which they
// were accepted, those of the assistant with their task's id, state and outcome.
func (s *Store) Messages(ctx context.Context, owner, conversationID string) ([]chat.Message, error) {
	if _, err := s.Conversation(ctx, owner, conversationID); err != nil {
		return nil, err
	}
	rows, err := list[messageRow](ctx, s, messagesQuery+`JOIN conversations c ON c.id = m.conversation_id
		WHERE c.id = $1 AND c.owner = $2 ORDER BY m.seq`, conversationID, owner)
	if err != nil {
		return nil, err
	}
	return messages(rows), nil
}

// Answer returns the assistant message that a task makes.
func (s *Store) Answer(ctx context.Context, owner, taskID string) (chat.Message, error) {
	if !isID(taskID) {
		return chat.Message{}, notFound(errNoRow, "task")
	}
	row, err := get[messageRow](ctx, s, messagesQuery+`WHERE t.id = $1 AND t.owner = $2`, taskID, owner)
	if err != nil {
		return chat.Message{}, notFound(err, "task")
	}
	return row.message(), nil
}

// Thread returns what a task has to answer: the conversation's system prompt,
// and the messages from the root to the user's, along parent_id, each with its id,
// role and content. An assistant message without content is there only if its task
// failed, and then has the error's code.
func (s *Store) Thread(ctx context.Context, taskID string) (system string, thread []chat.Message, err error) {
	if !isID(taskID) {
		return "", nil, notFound(errNoRow, "task")
	}
	type lineRow struct {
		ID      string
		Role    chat.Role
		Parts   partsColumn
		System  string // of the conversation, in the row of the user's message
		Failure chat.Code
	}
	// Each step finds one message by its id, whatever the planner believes of the
	// size of the tables: a join after the recursion would read all of them.
	rows, err := list[lineRow](ctx, s, `WITH RECURSIVE line (id, parent_id, role, parts, size, system, depth) AS (
			SELECT m.id, m.parent_id, m.role, m.parts, m.size, c.system, 0 FROM tasks t
				JOIN messages m ON m.id = t.user_message_id JOIN conversations c ON c.id = t.conversation_id WHERE t.id = $1
			UNION ALL
			SELECT m.id, m.parent_id, m.role, m.parts, m.size, '', line.depth + 1 FROM line JOIN messages m ON m.id = line.parent_id
		) SELECT id, role, parts, system, CASE WHEN role = 'user' OR size > 0 THEN '' ELSE COALESCE(
				(SELECT t.error_code FROM tasks t WHERE t.message_id = line.id AND t.state IN ('failed', 'interrupted')), '') END AS failure
			FROM line ORDER BY depth DESC`, taskID)
	if err == nil && len(rows) == 0 {
		err = notFound(errNoRow, "task")
	}
	if err != nil {
		return "", nil, err
	}
	for _, r := range rows {
		m := chat.Message{ID: r.ID, Role: r.Role}
		m.SetParts(r.Parts.Parts)
		if r.Failure != "" {
			m.Error = &chat.Error{Code: r.Failure}
		} else if m.Role == chat.RoleAssistant && m.Content == "" {
			continue
		}
		thread = append(thread, m)
	}
	return rows[len(rows)-1].System, thread, nil
}

// Partial returns the text that was saved of a task's answer so far.
func (s *Store) Partial(ctx context.Context, taskID string) (chat.Answer, error) {
	if !isID(taskID) {
		return chat.Answer{}, notFound(errNoRow, "task")
	}
	type partial struct {
		Attempt      int
		Parts        partsColumn
		FinishReason string `db:"finish_reason"`
	}
	row, err := get[partial](ctx, s, `SELECT t.attempt, t.finish_reason, m.parts
		FROM tasks t JOIN messages m ON m.id = t.message_id WHERE t.id = $1`, taskID)
	if err != nil {
		return chat.Answer{}, notFound(err, "task")
	}
	return chat.Answer{Attempt: row.Attempt, Parts: row.Parts.Parts, FinishReason: row.FinishReason}, nil
}
