package sql

import (
	"context"
	"strings"

	"chat"
)

// Conversations that come whole: from an import, or as the copy of another one.

// rowsAtOnce is how many rows one statement inserts.
const rowsAtOnce = 100

// insertRows inserts rows and returns how many it has inserted. head goes up to
// VALUES, tail follows the values.
func (t *transaction) insertRows(ctx context.Context, head string, rows [][]any, tail string) (int, error) {
	inserted := 0
	for len(rows) > 0 {
		some := rows[:min(rowsAtOnce, len(rows))]
		rows = rows[len(some):]
		var args arguments
		var b strings.Builder
		b.WriteString(head)
		for i, row := range some {
			b.WriteString([]string{" (", ", ("}[min(i, 1)])
			for j, v := range row {
				b.WriteString([]string{"", ", "}[min(j, 1)])
				b.WriteString(args.add(v))
			}
			b.WriteString(")")
		}
		n, err := t.exec(ctx, b.String()+tail, args...)
		if err != nil {
			return inserted, err
		}
		inserted += n
	}
	return inserted, nil
}

// insertWholeConversation stores a conversation with its id and times, unless
// there is one with that id.
func (t *transaction) insertWholeConversation(ctx context.Context, owner string, c chat.Conversation) error {
	_, err := t.exec(ctx, `INSERT INTO conversations (id, owner, title, folded, model, system, next_seq, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8) ON CONFLICT DO NOTHING`,
		c.ID, owner, c.Title, fold(c.Title), c.Model, c.System, c.CreatedAt.UnixMicro(), c.UpdatedAt.UnixMicro())
	return err
}

// insertWholeMessages stores messages with their outcomes behind those of the
// conversation, the first one as number seq, and returns how many of them are
// new: one whose id is taken is left out.
func (t *transaction) insertWholeMessages(ctx context.Context, owner string, seq int64, list []chat.Message) (int, error) {
	var rows [][]any
	for i := range list {
		m := &list[i]
		content, err := storedOf(m.Parts)
		if err != nil {
			return 0, err
		}
		rows = append(rows, []any{
			m.ID, m.ConversationID, seq + int64(i), m.ParentID, m.Role, m.Model,
			m.CreatedAt.UnixMicro(), m.UpdatedAt.UnixMicro(), content.parts, content.size, content.folded,
		})
	}
	n, err := t.insertRows(ctx, `INSERT INTO messages
		(id, conversation_id, seq, parent_id, role, model, created_at, updated_at, parts, size, folded) VALUES`,
		rows, ` ON CONFLICT (id) DO NOTHING`)
	if err != nil || n < len(list) {
		return n, err
	}
	return n, t.insertEndedTasks(ctx, owner, list)
}

// insertEndedTasks stores the tasks that have made the answers among list.
func (t *transaction) insertEndedTasks(ctx context.Context, owner string, list []chat.Message) error {
	var rows [][]any
	for i := range list {
		m := &list[i]
		if m.Role != chat.RoleAssistant {
			continue
		}
		began, ended := m.CreatedAt.UnixMicro(), m.UpdatedAt.UnixMicro()
		var prompt, completion, total any
		if u := m.Usage; u != nil {
			prompt, completion, total = u.PromptTokens, u.CompletionTokens, u.TotalTokens
		}
		problem := chat.Error{}
		if m.Error != nil {
			problem = *m.Error
		}
		rows = append(rows, []any{
			m.TaskID, m.ConversationID, m.ID, m.ParentID, owner, m.State, chat.PriorityNormal.Rank(), began,
			1, 0, m.Model, "", began, 0, false, began, began, ended,
			m.FinishReason, prompt, completion, total, problem.Code, problem.Message, problem.Retryable, noticeLines(m.Notices), 0,
		})
	}
	_, err := t.insertRows(ctx, `INSERT INTO tasks (id, conversation_id, message_id, user_message_id, owner, state, priority, place,
			attempt, uncounted_attempts, model, worker, run_after, deadline_seconds, cancel_requested, created_at, started_at, finished_at,
			finish_reason, prompt_tokens, completion_tokens, total_tokens, error_code, error_message, error_retryable, notices, chunk_count) VALUES`,
		rows, "")
	return err
}

// reserve locks a conversation and takes the numbers of its next n messages, the
// first of which it returns. Its time of change does not go back to at.
func (t *transaction) reserve(ctx context.Context, owner, id string, n int, at int64) (int64, error) {
	var seq int64
	err := t.get(ctx, &seq, `UPDATE conversations SET next_seq = next_seq + $3,
			updated_at = CASE WHEN updated_at < $4 THEN $4 ELSE updated_at END
		WHERE id = $1 AND owner = $2 RETURNING next_seq - $3`, id, owner, n, at)
	return seq, err
}
