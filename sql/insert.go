package sql

import (
	"context"

	"chat"
	"chat/sql/rows"
	"chat/sql/search"
)

// Statements that store complete conversations, from an import or a fork.

// insertCompleteConversation stores a conversation with its id and times, unless one with
// that id exists.
func (t *transaction) insertCompleteConversation(ctx context.Context, owner string, c chat.Conversation) error {
	parameters, err := c.Parameters.Encode()
	if err != nil {
		return err
	}
	_, err = t.Exec(ctx, `INSERT INTO conversations (id, owner, title, folded, model, system, temporary, parameters, next_seq, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, FALSE, $7, 1, $8, $9) ON CONFLICT DO NOTHING`,
		c.ID, owner, c.Title, search.Fold(c.Title), c.Model, c.System, parameters, c.CreatedAt.UnixMicro(), c.UpdatedAt.UnixMicro())
	return err
}

// insertCompleteMessages stores messages with their outcomes. The first one gets sequence
// number seq. It skips messages whose id exists and returns how many it stored.
func (t *transaction) insertCompleteMessages(ctx context.Context, owner string, seq int64, list []chat.Message) (int, error) {
	var values [][]any
	var digests []string
	for i := range list {
		digests = append(digests, list[i].Parts.Digests()...)
	}
	found, err := t.attachments(ctx, owner, digests)
	if err != nil {
		return 0, err
	}
	for i := range list {
		m := &list[i]
		parts, err := m.Parts.Attach(found)
		if err != nil {
			return 0, err
		}
		content, err := t.encode(ctx, owner, parts)
		if err != nil {
			return 0, err
		}
		values = append(values, []any{
			m.ID, m.ConversationID, seq + int64(i), m.ParentID, m.Role, m.Model,
			m.CreatedAt.UnixMicro(), m.UpdatedAt.UnixMicro(), content.Parts, content.Size, content.Folded,
		})
	}
	n, err := t.InsertRows(ctx, `INSERT INTO messages
		(id, conversation_id, seq, parent_id, role, model, created_at, updated_at, parts, size, folded) VALUES`,
		values, ` ON CONFLICT (id) DO NOTHING`)
	if err != nil || n < len(list) {
		return n, err
	}
	if err := t.refer(ctx, owner, list); err != nil {
		return n, err
	}
	return n, t.insertEndedTasks(ctx, owner, list)
}

// insertEndedTasks stores the tasks of the answers in list that have one.
func (t *transaction) insertEndedTasks(ctx context.Context, owner string, list []chat.Message) error {
	var values [][]any
	for i := range list {
		m := &list[i]
		if m.Role != chat.RoleAssistant || m.TaskID == "" {
			continue
		}
		began, ended := m.CreatedAt.UnixMicro(), m.UpdatedAt.UnixMicro()
		parameters, err := m.Parameters.Encode()
		if err != nil {
			return err
		}
		failed := chat.Error{}
		if m.Error != nil {
			failed = *m.Error
		}
		values = append(values, append([]any{
			m.TaskID, m.ConversationID, m.ID, m.ParentID, owner, m.State, chat.PriorityNormal.Rank(), began,
			1, 0, m.Model, "", began, 0, false, began, began, ended,
			m.FinishReason, failed.Code, failed.Message, failed.Retryable, rows.NoticeLines(m.Notices), 0, parameters,
		}, rows.UsageColumns(m.Usage)...))
	}
	_, err := t.InsertRows(ctx, `INSERT INTO tasks (id, conversation_id, message_id, user_message_id, owner, state, priority, queue_at,
			attempt, uncounted_attempts, model, worker, run_after, deadline_seconds, cancel_requested, created_at, started_at, finished_at,
			finish_reason, error_code, error_message, error_retryable, notices, chunk_count, parameters,
			prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens, reasoning_tokens) VALUES`,
		values, "")
	return err
}

// reserve locks a conversation, reserves the sequence numbers of its next n messages, and
// returns the first. It sets updated_at to at unless that is earlier.
func (t *transaction) reserve(ctx context.Context, owner, id string, n int, at int64) (int64, error) {
	var seq int64
	err := t.Get(ctx, &seq, `UPDATE conversations SET next_seq = next_seq + $3,
			updated_at = CASE WHEN updated_at < $4 THEN $4 ELSE updated_at END
		WHERE id = $1 AND owner = $2 RETURNING next_seq - $3`, id, owner, n, at)
	return seq, err
}
