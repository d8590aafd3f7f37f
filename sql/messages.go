package sql

import (
	"context"
	"encoding/json"
	"slices"

	"chat"
)

const messageColumns = `m.id, m.conversation_id, COALESCE(m.parent_id, '') AS parent_id, m.role, m.content, m.reasoning, m.model,
	m.created_at, m.updated_at, COALESCE(t.id, '') AS task_id, COALESCE(t.state, '') AS state,
	COALESCE(t.finish_reason, '') AS finish_reason, COALESCE(t.usage, '') AS usage, COALESCE(t.error, '') AS error`

type messageRow struct {
	ID             string
	ConversationID string `db:"conversation_id"`
	ParentID       string `db:"parent_id"`
	Role           string
	Content        string
	Reasoning      string
	Model          string
	CreatedAt      int64  `db:"created_at"`
	UpdatedAt      int64  `db:"updated_at"`
	TaskID         string `db:"task_id"`
	State          string
	FinishReason   string `db:"finish_reason"`
	Usage          string
	Error          string
}

func (r messageRow) message() (chat.Message, error) {
	m := chat.Message{
		ID: r.ID, ConversationID: r.ConversationID, ParentID: r.ParentID, Role: chat.Role(r.Role), Content: r.Content,
		Reasoning: r.Reasoning, Model: r.Model, CreatedAt: fromMicros(r.CreatedAt), UpdatedAt: fromMicros(r.UpdatedAt),
		TaskID: r.TaskID, State: chat.TaskState(r.State), FinishReason: r.FinishReason,
	}
	var err error
	if m.Usage, err = fromJSON[chat.Usage](r.Usage); err != nil {
		return m, err
	}
	m.Error, err = fromJSON[chat.Error](r.Error)
	return m, err
}

// fromJSON reads a column that holds "" or a JSON object.
func fromJSON[T any](s string) (*T, error) {
	if s == "" {
		return nil, nil
	}
	v := new(T)
	if err := json.Unmarshal([]byte(s), v); err != nil {
		return nil, chat.Errorf(chat.CodeStorage, "the database holds something that is not ours: %w", err)
	}
	return v, nil
}

func toJSON[T any](v *T) (string, error) {
	if v == nil {
		return "", nil
	}
	data, err := json.Marshal(v)
	return string(data), err
}

func messagesOf(rows []messageRow) ([]chat.Message, error) {
	list := make([]chat.Message, len(rows))
	for i, r := range rows {
		var err error
		if list[i], err = r.message(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Messages returns a conversation's messages in the order of their acceptance.
func (s *Store) Messages(ctx context.Context, owner, conversationID string) ([]chat.Message, error) {
	if _, err := s.Conversation(ctx, owner, conversationID); err != nil {
		return nil, err
	}
	var rows []messageRow
	err := s.read.SelectContext(ctx, &rows, "SELECT "+messageColumns+` FROM messages m JOIN conversations c ON c.id = m.conversation_id
		LEFT JOIN tasks t ON t.message_id = m.id WHERE m.conversation_id = $1 AND c.owner = $2 ORDER BY m.seq`, conversationID, owner)
	if err != nil {
		return nil, s.mapped(err)
	}
	return messagesOf(rows)
}

// Answer returns the assistant message that a task of owner makes.
func (s *Store) Answer(ctx context.Context, owner, taskID string) (chat.Message, error) {
	var r messageRow
	err := s.get(ctx, s.read, &r, noTask, "SELECT "+messageColumns+` FROM tasks t JOIN messages m ON m.id = t.message_id
		WHERE t.id = $1 AND t.owner = $2`, taskID, owner)
	if err != nil {
		return chat.Message{}, s.mapped(err)
	}
	return r.message()
}

// Partial returns the text that was saved of a task's answer so far.
func (s *Store) Partial(ctx context.Context, taskID string) (chat.Answer, error) {
	var a struct{ Content, Reasoning string }
	err := s.get(ctx, s.read, &a, noTask, "SELECT m.content, m.reasoning FROM tasks t JOIN messages m ON m.id = t.message_id WHERE t.id = $1", taskID)
	return chat.Answer{Content: a.Content, Reasoning: a.Reasoning}, s.mapped(err)
}

// Thread returns what a task answers: the system prompt, and the messages from
// the first to the one to be answered. Answers that stayed empty are left out.
func (s *Store) Thread(ctx context.Context, taskID string) (system string, thread []chat.Message, err error) {
	if err := s.get(ctx, s.read, &system, noTask, "SELECT c.system FROM tasks t JOIN conversations c ON c.id = t.conversation_id WHERE t.id = $1", taskID); err != nil {
		return "", nil, s.mapped(err)
	}
	var rows []messageRow
	err = s.read.SelectContext(ctx, &rows, `WITH RECURSIVE up (id, depth) AS (
			SELECT user_message_id, 0 FROM tasks WHERE id = $1
			UNION ALL SELECT m.parent_id, up.depth + 1 FROM messages m JOIN up ON m.id = up.id WHERE m.parent_id IS NOT NULL
		) SELECT `+messageColumns+` FROM up JOIN messages m ON m.id = up.id LEFT JOIN tasks t ON t.message_id = m.id
		ORDER BY up.depth DESC`, taskID)
	if err != nil {
		return "", nil, s.mapped(err)
	}
	thread, err = messagesOf(rows)
	thread = slices.DeleteFunc(thread, func(m chat.Message) bool { return m.Role == chat.RoleAssistant && m.Content == "" })
	return system, thread, err
}
