package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"

	"chat"
)

// Submit accepts a message: the message, the empty answer and its task come into
// being together or not at all. The same idempotency key with the same hash
// returns what it returned the first time (replayed), with another hash
// CodeKeyReuse. A parent that is not in the conversation is CodeInvalid.
func (s *Store) Submit(ctx context.Context, owner, conversationID string, sub chat.Submission, o chat.SubmitOptions) (chat.Accepted, bool, error) {
	return s.accept(ctx, owner, o, func(tx *sqlx.Tx, taskID string) (chat.Accepted, error) {
		acc := chat.Accepted{TaskID: taskID, ConversationID: conversationID, Status: chat.StatusProcessing}
		content := chat.NormalizeText(sub.Content)
		seq, model, err := s.extend(ctx, tx, owner, conversationID, 2, chat.TitleFrom(content))
		if err != nil {
			return acc, err
		}
		parent, err := s.parent(ctx, tx, conversationID, sub.ParentID)
		if err != nil {
			return acc, err
		}
		if acc.UserMessageID, err = s.insertMessage(ctx, tx, conversationID, parent, seq-1, chat.RoleUser, content, ""); err != nil {
			return acc, err
		}
		if sub.Model != "" {
			model = sub.Model
		}
		acc.MessageID, err = s.insertMessage(ctx, tx, conversationID, acc.UserMessageID, seq, chat.RoleAssistant, "", model)
		if err != nil {
			return acc, err
		}
		return acc, s.insertTask(ctx, tx, owner, acc, model, sub.Priority, sub.DeadlineSeconds)
	})
}

// Regenerate accepts another answer beside an assistant message of owner's: a
// sibling with the same parent. A message of another role is CodeInvalid.
func (s *Store) Regenerate(ctx context.Context, owner, messageID, model string, p chat.Priority, o chat.SubmitOptions) (chat.Accepted, bool, error) {
	return s.accept(ctx, owner, o, func(tx *sqlx.Tx, taskID string) (chat.Accepted, error) {
		acc := chat.Accepted{TaskID: taskID, Status: chat.StatusProcessing}
		var m messageRow
		err := s.get(ctx, tx, &m, noMessage, "SELECT "+messageColumns+` FROM messages m JOIN conversations c ON c.id = m.conversation_id
			LEFT JOIN tasks t ON t.message_id = m.id WHERE m.id = $1 AND c.owner = $2`, messageID, owner)
		if err != nil {
			return acc, err
		}
		if chat.Role(m.Role) != chat.RoleAssistant {
			return acc, chat.Errorf(chat.CodeInvalid, "only an answer can be made again; this message is the %s's", m.Role)
		}
		acc.ConversationID, acc.UserMessageID = m.ConversationID, m.ParentID
		seq, standard, err := s.extend(ctx, tx, owner, m.ConversationID, 1, "")
		if err != nil {
			return acc, err
		}
		if model == "" {
			model = standard
		}
		if acc.MessageID, err = s.insertMessage(ctx, tx, m.ConversationID, m.ParentID, seq, chat.RoleAssistant, "", model); err != nil {
			return acc, err
		}
		return acc, s.insertTask(ctx, tx, owner, acc, model, p, 0)
	})
}

// accept runs insert in a transaction, unless its idempotency key was used
// before. Of racing transactions with one key the first wins; the others run
// again and find its row.
func (s *Store) accept(ctx context.Context, owner string, o chat.SubmitOptions, insert func(tx *sqlx.Tx, taskID string) (chat.Accepted, error)) (acc chat.Accepted, replayed bool, err error) {
	if o.TaskID == "" {
		if o.TaskID, err = newID(); err != nil {
			return acc, false, err
		}
	}
	err = s.tx(ctx, func(tx *sqlx.Tx) error {
		replayed = false
		if o.IdempotencyKey != "" {
			before, found, err := s.replay(ctx, tx, owner, o)
			if err != nil || found {
				acc, replayed = before, found
				return err
			}
		}
		var err error
		if acc, err = insert(tx, o.TaskID); err != nil || o.IdempotencyKey == "" {
			return err
		}
		_, err = s.exec(ctx, tx, "INSERT INTO idempotency (owner, key, body_hash, task_id, created_at) VALUES ($1, $2, $3, $4, $5)",
			owner, o.IdempotencyKey, o.BodyHash, acc.TaskID, micros(time.Now()))
		return err
	})
	return acc, replayed, err
}

// replay returns what was answered to this key before.
func (s *Store) replay(ctx context.Context, tx *sqlx.Tx, owner string, o chat.SubmitOptions) (acc chat.Accepted, found bool, err error) {
	var r struct {
		BodyHash       string `db:"body_hash"`
		TaskID         string `db:"task_id"`
		MessageID      string `db:"message_id"`
		UserMessageID  string `db:"user_message_id"`
		ConversationID string `db:"conversation_id"`
	}
	err = tx.GetContext(ctx, &r, `SELECT i.body_hash, i.task_id, t.message_id, t.user_message_id, t.conversation_id
		FROM idempotency i JOIN tasks t ON t.id = i.task_id WHERE i.owner = $1 AND i.key = $2`, owner, o.IdempotencyKey)
	if errors.Is(err, stdsql.ErrNoRows) {
		return acc, false, nil
	}
	if err == nil && r.BodyHash != o.BodyHash {
		err = chat.Errorf(chat.CodeKeyReuse, "this Idempotency-Key was used for another message: take a new one")
	}
	return chat.Accepted{
		TaskID: r.TaskID, MessageID: r.MessageID, UserMessageID: r.UserMessageID, ConversationID: r.ConversationID,
		Status: chat.StatusProcessing,
	}, err == nil, err
}

// extend takes n sequence numbers of a conversation and returns the last, and
// the conversation's model. It locks the conversation, which puts the messages
// in the order of their acceptance.
func (s *Store) extend(ctx context.Context, tx *sqlx.Tx, owner, id string, n int, title string) (seq int64, model string, err error) {
	var r struct {
		LastSeq int64 `db:"last_seq"`
		Model   string
	}
	err = s.get(ctx, tx, &r, noConversation, `UPDATE conversations SET last_seq = last_seq + $1, updated_at = $2,
		title = CASE WHEN title = '' THEN $3 ELSE title END WHERE id = $4 AND owner = $5 RETURNING last_seq, model`,
		n, micros(time.Now()), title, id, owner)
	return r.LastSeq, r.Model, err
}

// parent returns the message to continue: the one that was named, else the newest.
func (s *Store) parent(ctx context.Context, tx *sqlx.Tx, conversationID, named string) (string, error) {
	var ids []string
	query, args := "SELECT id FROM messages WHERE conversation_id = $1 ORDER BY seq DESC LIMIT 1", []any{conversationID}
	if named != "" {
		query, args = "SELECT id FROM messages WHERE conversation_id = $1 AND id = $2", append(args, named)
	}
	if err := tx.SelectContext(ctx, &ids, query, args...); err != nil {
		return "", err
	}
	switch {
	case len(ids) > 0:
		return ids[0], nil
	case named != "":
		return "", chat.Errorf(chat.CodeInvalid, "parent_id is no message of this conversation")
	}
	return "", nil
}

func (s *Store) insertMessage(ctx context.Context, tx *sqlx.Tx, conversationID, parent string, seq int64, role chat.Role, content, model string) (string, error) {
	id, err := newID()
	if err != nil {
		return "", err
	}
	_, err = s.exec(ctx, tx, `INSERT INTO messages (id, conversation_id, parent_id, seq, role, content, model, created_at, updated_at)
		VALUES ($1, $2, NULLIF($3, ''), $4, $5, $6, $7, $8, $8)`,
		id, conversationID, parent, seq, string(role), content, model, micros(time.Now()))
	return id, err
}

func (s *Store) insertTask(ctx context.Context, tx *sqlx.Tx, owner string, acc chat.Accepted, model string, p chat.Priority, deadline int) error {
	_, err := s.exec(ctx, tx, `INSERT INTO tasks (id, conversation_id, message_id, user_message_id, owner, state, priority, model,
			run_after, deadline_seconds, created_at)
		VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, {now}, $8, $9)`,
		acc.TaskID, acc.ConversationID, acc.MessageID, acc.UserMessageID, owner, p.Rank(), model, deadline, micros(time.Now()))
	return err
}
