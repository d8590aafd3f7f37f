package sql

import (
	"context"
	"errors"

	"github.com/lib/pq"

	"chat"
)

// submitOne is Submit's transaction as one statement, and so one round trip instead
// of five, for what nearly all messages are: without a key, behind the newest leaf.
//
// All of it sees the database as it was before the conversation was locked. So the
// newest leaf is asked for by its number, which is one less than the first that the
// lock has given out: if it came while the lock was waited for it is not there, the
// parent is NULL, and PostgreSQL undoes everything (errUnseen). A task that came while
// the lock was waited for came with a message, so the same undoes it.
const submitOne = `WITH conv AS (
		UPDATE conversations SET updated_at = {{now}}, next_seq = next_seq + 2,
			title = CASE WHEN title = '' THEN $3 ELSE title END,
			folded = CASE WHEN title = '' THEN $4 ELSE folded END
		WHERE id = $1 AND owner = $2 AND NOT EXISTS (SELECT 1 FROM tasks WHERE conversation_id = $1 AND ` + active + `)
		RETURNING id, next_seq - 2 AS seq, CASE WHEN CAST($5 AS TEXT) = '' THEN model ELSE CAST($5 AS TEXT) END AS model
	), turn AS (
		INSERT INTO messages (id, conversation_id, seq, parent_id, role, model, created_at, updated_at, parts, size, folded)
		SELECT CAST($6 AS TEXT), id, seq, CASE WHEN seq = 1 THEN ''
				ELSE (SELECT m.id FROM messages m WHERE m.conversation_id = conv.id AND m.seq = conv.seq - 1) END,
			'user', '', {{now}}, {{now}}, CAST($7 AS TEXT), CAST($15 AS BIGINT), CAST($8 AS TEXT) FROM conv
		UNION ALL
		SELECT CAST($9 AS TEXT), id, seq + 1, CAST($6 AS TEXT), 'assistant', model, {{now}}, {{now}}, '', 0, '' FROM conv
	)
	INSERT INTO tasks (id, conversation_id, message_id, user_message_id, owner, state, priority, place,
		attempt, uncounted_attempts, model, worker, lease_until, run_after, deadline_seconds, cancel_requested, created_at,
		finish_reason, error_code, error_message, error_retryable, chunk_count, own_provider)
	SELECT CAST($10 AS TEXT), id, CAST($9 AS TEXT), CAST($6 AS TEXT), $2, 'queued', CAST($11 AS BIGINT),
		(SELECT max(at) FROM (SELECT {{now}} AS at UNION ALL SELECT max(place) + CAST($12 AS BIGINT) FROM tasks
			WHERE owner = $2 AND priority = CAST($11 AS BIGINT) AND state = 'queued') AS places),
		0, 0, model, '', NULL, {{now}}, CAST($13 AS BIGINT), FALSE, {{now}}, '', '', '', FALSE, 0, CAST($14 AS TEXT)
	FROM conv RETURNING id`

// errUnseen: submitOne stored nothing, because what it needs came too late for it to
// see, the conversation does not exist, or it is being answered. A transaction says which.
var errUnseen = errors.New("sql: one statement cannot store this message")

// notNull is the SQLSTATE of a NULL where none may be.
const notNull = "23502"

// submitAtOnce runs submitOne.
func (s *Store) submitAtOnce(ctx context.Context, conversationID, title string, content stored, n newTask) (acc chat.Accepted, err error) {
	acc = chat.Accepted{TaskID: n.id, ConversationID: conversationID, Status: chat.StatusProcessing}
	if acc.UserMessageID, err = newID(); err != nil {
		return acc, err
	}
	if acc.MessageID, err = newID(); err != nil {
		return acc, err
	}
	ids, err := change[string](ctx, s, submitOne, conversationID, n.owner, title, fold(title), n.model,
		acc.UserMessageID, content.parts, content.folded, acc.MessageID,
		acc.TaskID, n.priority.Rank(), fairnessGap, n.deadline, n.provider, content.size)
	if e, ok := errors.AsType[*pq.Error](err); ok && string(e.Code) == notNull {
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
