package sql

import (
	"context"
	"time"

	"chat"
	"chat/sql/database"
)

// keyTTL is how long an idempotency key is kept.
const keyTTL = 7 * 24 * time.Hour

type keyRow struct {
	BodyHash       string `db:"body_hash"`
	TaskID         string `db:"task_id"`
	MessageID      string `db:"message_id"`
	UserMessageID  string `db:"user_message_id"`
	ConversationID string `db:"conversation_id"`
}

// once runs accept in a transaction, unless the key in o already has an answer. The
// transaction inserts the key first, so that a concurrent request waits for the commit
// and then finds the answer.
func (s *Store) once(ctx context.Context, owner string, o chat.SubmitOptions, accept func(*transaction, *chat.Accepted) error) (acc chat.Accepted, replayed bool, err error) {
	taskID := o.TaskID
	if taskID == "" {
		if taskID, err = newID(); err != nil {
			return chat.Accepted{}, false, err
		}
	}
	key := chat.NormalizeText(o.IdempotencyKey)
	err = s.inTx(ctx, func(t *transaction) error {
		acc, replayed = chat.Accepted{TaskID: taskID, Status: chat.StatusProcessing}, false
		if key == "" {
			return accept(t, &acc)
		}
		n, err := t.Exec(ctx, `INSERT INTO idempotency_keys
				(owner, key, body_hash, task_id, message_id, user_message_id, conversation_id, created_at)
			VALUES ($1, $2, $3, '', '', '', '', {{now}}) ON CONFLICT DO NOTHING`, owner, key, o.BodyHash)
		if err != nil {
			return err
		}
		if n == 0 {
			replayed = true
			acc, err = t.replay(ctx, owner, key, o.BodyHash)
			return err
		}
		if err := accept(t, &acc); err != nil {
			return err
		}
		_, err = t.Exec(ctx, `UPDATE idempotency_keys SET task_id = $3, message_id = $4, user_message_id = $5, conversation_id = $6
			WHERE owner = $1 AND key = $2`, owner, key, acc.TaskID, acc.MessageID, acc.UserMessageID, acc.ConversationID)
		return err
	})
	if err != nil {
		return chat.Accepted{}, false, err
	}
	return acc, replayed, nil
}

// KeyKnown reports whether an idempotency key of owner has been answered.
func (s *Store) KeyKnown(ctx context.Context, owner, key string) (bool, error) {
	n, err := database.Get[int](ctx, s.db, `SELECT count(*) FROM idempotency_keys WHERE owner = $1 AND key = $2`, owner, chat.NormalizeText(key))
	return n > 0 && key != "", err
}

// replay returns the first answer to a key. Its lock is that of taskStatus.
func (t *transaction) replay(ctx context.Context, owner, key, bodyHash string) (chat.Accepted, error) {
	var row keyRow
	err := t.Get(ctx, &row, `SELECT body_hash, task_id, message_id, user_message_id, conversation_id
		FROM idempotency_keys WHERE owner = $1 AND key = $2 {{lock}}`, owner, key)
	if err != nil {
		return chat.Accepted{}, err
	}
	if row.BodyHash != bodyHash {
		return chat.Accepted{}, chat.Errorf(chat.CodeKeyReuse, "this Idempotency-Key was used for another request: use a new one")
	}
	return chat.Accepted{
		TaskID: row.TaskID, MessageID: row.MessageID, UserMessageID: row.UserMessageID,
		ConversationID: row.ConversationID, Status: chat.StatusProcessing,
	}, nil
}

// prune deletes expired keys, old temporary conversations, and attachments without a
// message, at most once an hour.
func (s *Store) prune(ctx context.Context) error {
	last := s.pruned.Load()
	now := time.Now()
	if last != nil && now.Sub(*last) < time.Hour || !s.pruned.CompareAndSwap(last, &now) {
		return nil
	}
	if _, err := s.db.Exec(ctx, `DELETE FROM idempotency_keys WHERE created_at < {{now}} - $1`, micros(keyTTL)); err != nil {
		return err
	}
	if err := s.pruneTemporary(ctx); err != nil {
		return err
	}
	return s.pruneAttachments(ctx)
}
