package sql

import (
	"context"
	"slices"

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

// Thread returns what a task reads: the conversation's system prompt, and the messages from
// the root to its user message, along parent_id, each with its id, role and content. If a
// summary stands for the beginning, Thread returns the newest one and the messages after it.
// It omits assistant messages without text and tool calls, except those of a failed task, which
// have the code of the error.
func (s *Store) Thread(ctx context.Context, taskID string) (chat.Thread, error) {
	if !rows.IsID(taskID) {
		return chat.Thread{}, notFound(database.ErrNoRow, "task")
	}
	type threadRow struct {
		ID        string
		Role      chat.Role
		Parts     rows.Parts
		System    string // of the conversation, in the row of the user's message
		Wants     bool   // a title, in the same row
		SummaryID string `db:"summary_id"` // of what is before, in the first row
		Failure   chat.Code
	}
	// Each step finds one message by its id. A join after the recursion would read all
	// messages if the planner's statistics are old.
	list, err := database.List[threadRow](ctx, s.db, `WITH RECURSIVE path (id, parent_id, role, parts, size, system, wants, depth, summary_id) AS (
			SELECT m.id, m.parent_id, m.role, m.parts, m.size, c.system, c.wants_title, 0, `+newestSummary+` FROM tasks t
				JOIN messages m ON m.id = t.user_message_id JOIN conversations c ON c.id = t.conversation_id WHERE t.id = $1
			UNION ALL
			SELECT m.id, m.parent_id, m.role, m.parts, m.size, '', FALSE, path.depth + 1, `+newestSummary+` FROM path JOIN messages m ON m.id = path.parent_id
				WHERE path.summary_id = ''
		) SELECT id, role, parts, system, wants, summary_id, CASE WHEN role = 'user' OR size > 0 THEN '' ELSE COALESCE(
				(SELECT t.error_code FROM tasks t WHERE t.message_id = path.id AND t.state IN ('failed', 'interrupted')), '') END AS failure
			FROM path ORDER BY depth DESC`, taskID)
	if err == nil && len(list) == 0 {
		err = notFound(database.ErrNoRow, "task")
	}
	if err != nil {
		return chat.Thread{}, err
	}
	t := chat.Thread{System: list[len(list)-1].System, WantsTitle: list[len(list)-1].Wants}
	if id := list[0].SummaryID; id != "" {
		if t.Summary, err = s.summary(ctx, id); err != nil {
			return chat.Thread{}, err
		}
	}
	for _, r := range list {
		m := chat.Message{ID: r.ID, Role: r.Role}
		m.SetParts(r.Parts.Parts)
		if r.Failure != "" {
			m.Error = &chat.Error{Code: r.Failure}
		} else if m.Role == chat.RoleAssistant && m.Content == "" && !hasCall(m.Parts) {
			continue
		}
		t.Messages = append(t.Messages, m)
	}
	return t, nil
}

func hasCall(p chat.Parts) bool {
	return slices.ContainsFunc(p, func(part chat.Part) bool { return part.Type == chat.PartToolCall })
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
