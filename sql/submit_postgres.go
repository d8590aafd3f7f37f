package sql

import (
	"context"
	"errors"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
	"chat/sql/search"
)

// submitStatement is Submit's transaction as one statement, and so one round trip instead
// of five. It serves nearly all messages: those without a key that follow the newest one.
//
// All parts see the database as it was before the conversation was locked. So the parent
// is selected by its sequence number, which is one less than the first that the lock gave
// out. If that message was stored while the statement waited for the lock, it is not
// visible, the parent is NULL, and PostgreSQL undoes everything (errUnseen). A task that
// was stored meanwhile came with a message, so it has the same effect.
const submitStatement = `WITH conv AS (
		UPDATE conversations SET updated_at = {{now}}, next_seq = next_seq + 2,
			title = CASE WHEN title = '' THEN $3 ELSE title END,
			folded = CASE WHEN title = '' THEN $4 ELSE folded END
		WHERE id = $1 AND owner = $2 AND NOT EXISTS (SELECT 1 FROM tasks WHERE conversation_id = $1 AND ` + answering + `)
		RETURNING id, next_seq - 2 AS seq, CASE WHEN CAST($5 AS TEXT) = '' THEN model ELSE CAST($5 AS TEXT) END AS model, parameters
	), inserted AS (
		INSERT INTO messages (id, conversation_id, seq, parent_id, role, model, created_at, updated_at, parts, size, folded)
		SELECT CAST($6 AS TEXT), id, seq, CASE WHEN seq = 1 THEN ''
				ELSE (SELECT m.id FROM messages m WHERE m.conversation_id = conv.id AND m.seq = conv.seq - 1) END,
			'user', '', {{now}}, {{now}}, CAST($7 AS TEXT), CAST($15 AS BIGINT), CAST($8 AS TEXT) FROM conv
		UNION ALL
		SELECT CAST($9 AS TEXT), id, seq + 1, CAST($6 AS TEXT), 'assistant', model, {{now}}, {{now}}, '', 0, '' FROM conv
	)
	INSERT INTO tasks (id, conversation_id, message_id, user_message_id, owner, state, priority, queue_at,
		attempt, uncounted_attempts, model, worker, lease_until, run_after, deadline_seconds, cancel_requested, created_at,
		finish_reason, error_code, error_message, error_retryable, chunk_count, own_provider, parameters, timeline)
	SELECT CAST($10 AS TEXT), id, CAST($9 AS TEXT), CAST($6 AS TEXT), $2, 'queued', CAST($11 AS BIGINT),
		(SELECT max(at) FROM (SELECT {{now}} AS at UNION ALL SELECT max(queue_at) + CAST($12 AS BIGINT) FROM tasks
			WHERE owner = $2 AND priority = CAST($11 AS BIGINT) AND state = 'queued') AS candidates),
		0, 0, model, '', NULL, {{now}}, CAST($13 AS BIGINT), FALSE, {{now}}, '', '', '', FALSE, 0, CAST($14 AS TEXT), parameters, {{timeline}}
	FROM conv RETURNING id`

// errUnseen reports that submitStatement stored nothing: it did not see the parent, the
// conversation does not exist, or an answer is still running. A transaction tells which.
var errUnseen = errors.New("sql: one statement cannot store this message")

// submitInOneStatement runs submitStatement.
func (s *Store) submitInOneStatement(ctx context.Context, conversationID, title string, content rows.Content, n newTask) (acc chat.Accepted, err error) {
	acc = chat.Accepted{TaskID: n.id, ConversationID: conversationID, Status: chat.StatusProcessing}
	if acc.UserMessageID, err = newID(); err != nil {
		return acc, err
	}
	if acc.MessageID, err = newID(); err != nil {
		return acc, err
	}
	ids, err := database.Change[string](ctx, s.db, submitStatement, conversationID, n.owner, title, search.Fold(title), n.model,
		acc.UserMessageID, content.Parts, content.Folded, acc.MessageID,
		acc.TaskID, n.priority.Rank(), fairnessGap, n.deadline, n.provider, content.Size)
	if database.IsNullViolation(err) {
		return chat.Accepted{}, errUnseen
	}
	if err == nil && len(ids) == 0 {
		err = errUnseen
	}
	if err != nil {
		return chat.Accepted{}, err
	}
	return acc, nil
}
