package sql

import (
	"context"
	"errors"

	"chat"
)

// fairnessGap spaces an owner's waiting tasks in the queue, in microseconds. A task's
// place is the time at which it was accepted, but at least a fairnessGap after the
// place of the owner's last waiting task of that priority: so tasks come up by
// age, and one owner's thousand do not hold up the first of another.
const fairnessGap = 1_000_000

// Submit stores a user's message, the empty message that will answer it, the task that
// makes the answer, and the conversation unless sub names one, all or nothing. While an
// answer of the conversation has not ended, it is CodeBusy. replayed says that the key in
// o had been used before with the same body: the answer is that of the first time.
func (s *Store) Submit(ctx context.Context, owner string, sub chat.Submission, o chat.SubmitOptions) (acc chat.Accepted, replayed bool, err error) {
	conversationID := sub.ConversationID
	if conversationID != "" && !isID(conversationID) {
		return acc, false, notFound(errNoRow, "conversation")
	}
	if sub.ParentID != "" && sub.ParentID != chat.RootParent && !isID(sub.ParentID) {
		return acc, false, errForeignParent()
	}
	content, err := storedOf(chat.TextParts(sub.Content))
	if err != nil {
		return acc, false, err
	}
	title := chat.TitleFrom(chat.NormalizeText(sub.Content))
	n := newTask{
		id: o.TaskID, owner: owner, model: chat.NormalizeText(sub.Model), priority: sub.Priority, deadline: sub.DeadlineSeconds, provider: o.OwnProvider,
	}
	if n.id == "" {
		if n.id, err = newID(); err != nil {
			return acc, false, err
		}
		o.TaskID = n.id
	}
	if s.dialect.oneStatement && conversationID != "" && sub.ParentID == "" && o.IdempotencyKey == "" {
		if acc, err = s.submitAtOnce(ctx, conversationID, title, content, n); !errors.Is(err, errUnseen) {
			return acc, false, err
		}
	}
	acc, replayed, err = s.once(ctx, owner, o, func(t *transaction, acc *chat.Accepted) error {
		n := n // for each time that it is run
		if acc.ConversationID = conversationID; conversationID == "" {
			made, err := t.insertConversationOf(ctx, owner, sub)
			if err != nil {
				return err
			}
			acc.ConversationID = made
		}
		conv, err := t.touch(ctx, owner, acc.ConversationID, title, 2)
		if err != nil {
			return notFound(err, "conversation")
		}
		if n.model == "" {
			n.model = conv.Model
		}
		if acc.UserMessageID, err = newID(); err != nil {
			return err
		}
		if acc.MessageID, err = newID(); err != nil {
			return err
		}
		if err := t.insertTurn(ctx, conv.Seq, sub.ParentID, content, n.model, *acc); err != nil {
			return err
		}
		return t.insertTask(ctx, n, *acc)
	})
	if chat.IsCode(err, chat.CodeBusy) {
		return s.acceptedBefore(ctx, owner, n.id, err)
	}
	return acc, replayed, err
}

// Regenerate stores a sibling of an assistant message, empty, and the task that
// makes it. Without a model it is the conversation's, or else that of the
// message's own task. A conversation can be CodeBusy, as for Submit.
func (s *Store) Regenerate(ctx context.Context, owner, messageID, model string, p chat.Priority, o chat.SubmitOptions) (chat.Accepted, bool, error) {
	if !isID(messageID) {
		return chat.Accepted{}, false, notFound(errNoRow, "message")
	}
	return s.once(ctx, owner, o, func(t *transaction, acc *chat.Accepted) error {
		var old struct {
			ConversationID string `db:"conversation_id"`
			ParentID       string `db:"parent_id"`
			Role           chat.Role
			Model          string
			Deadline       int `db:"deadline_seconds"`
		}
		err := t.get(ctx, &old, `SELECT m.conversation_id, m.parent_id, m.role, coalesce(t.model, '') AS model,
				coalesce(t.deadline_seconds, 0) AS deadline_seconds
			FROM messages m JOIN conversations c ON c.id = m.conversation_id LEFT JOIN tasks t ON t.message_id = m.id
			WHERE m.id = $1 AND c.owner = $2`, messageID, owner)
		if err != nil {
			return notFound(err, "message")
		}
		if old.Role != chat.RoleAssistant {
			return chat.Errorf(chat.CodeInvalid, "that message is a question: name the answer that is to be made again")
		}
		conv, err := t.touch(ctx, owner, old.ConversationID, "", 1)
		if err != nil {
			return notFound(err, "message")
		}
		acc.ConversationID, acc.UserMessageID = old.ConversationID, old.ParentID
		if acc.MessageID, err = newID(); err != nil {
			return err
		}
		n := newTask{owner: owner, model: chat.NormalizeText(model), priority: p, deadline: old.Deadline, provider: o.OwnProvider}
		for _, m := range []string{conv.Model, old.Model} {
			if n.model == "" {
				n.model = m
			}
		}
		if err := t.insertAnswer(ctx, conv.Seq, n.model, *acc); err != nil {
			return err
		}
		return t.insertTask(ctx, n, *acc)
	})
}

func errForeignParent() error {
	return chat.Errorf(chat.CodeInvalid, "parent_id is not a message of this conversation")
}

// touched is a conversation that is locked for one more turn.
type touched struct {
	Seq   int64 // of the first of the messages to come
	Model string
}

// touch locks the conversation, makes it the newest, gives it a title if it has
// none, and takes the sequence numbers of its next n messages.
func (t *transaction) touch(ctx context.Context, owner, id, title string, n int) (touched, error) {
	var c touched
	err := t.get(ctx, &c, `UPDATE conversations SET updated_at = {{now}}, next_seq = next_seq + $3,
			title = CASE WHEN title = '' THEN $4 ELSE title END,
			folded = CASE WHEN title = '' THEN $5 ELSE folded END
		WHERE id = $1 AND owner = $2 RETURNING next_seq - $3 AS seq, model`, id, owner, n, title, fold(title))
	return c, err
}

// parent is the id of the message that the next one answers to: the one asked
// for, or the newest leaf; "" is none.
func (t *transaction) parent(ctx context.Context, conversationID, asked string) (string, error) {
	if asked != "" {
		return t.askedParent(ctx, conversationID, asked)
	}
	var found []string
	err := t.list(ctx, &found, `SELECT id FROM messages WHERE conversation_id = $1 ORDER BY seq DESC LIMIT 1`, conversationID)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

// askedParent is parent for one that was asked for.
func (t *transaction) askedParent(ctx context.Context, conversationID, asked string) (string, error) {
	if asked == chat.RootParent {
		return "", nil
	}
	var found []string
	err := t.list(ctx, &found, `SELECT id FROM messages WHERE id = $1 AND conversation_id = $2`, asked, conversationID)
	if err == nil && len(found) == 0 {
		err = errForeignParent()
	}
	return asked, err
}

// insertTurn stores a user's message and the empty one that will answer it, whose
// ids are in acc, under the parent that was asked for or the newest leaf.
func (t *transaction) insertTurn(ctx context.Context, seq int64, asked string, content stored, model string, acc chat.Accepted) error {
	var parent any // nil: the newest leaf, which the statement finds
	if asked != "" {
		id, err := t.askedParent(ctx, acc.ConversationID, asked)
		if err != nil {
			return err
		}
		parent = id
	}
	_, err := t.exec(ctx, `INSERT INTO messages
			(id, conversation_id, seq, parent_id, role, model, created_at, updated_at, parts, size, folded)
		VALUES ($1, $2, $3, coalesce($4, (SELECT id FROM messages WHERE conversation_id = $2 ORDER BY seq DESC LIMIT 1), ''),
				'user', '', {{now}}, {{now}}, $5, $10, $6),
			($7, $2, $8, $1, 'assistant', $9, {{now}}, {{now}}, '', 0, '')`,
		acc.UserMessageID, acc.ConversationID, seq, parent, content.parts, content.folded, acc.MessageID, seq+1, model, content.size)
	return err
}

// insertAnswer stores the empty message that a task will fill.
func (t *transaction) insertAnswer(ctx context.Context, seq int64, model string, acc chat.Accepted) error {
	_, err := t.exec(ctx, `INSERT INTO messages
			(id, conversation_id, seq, parent_id, role, model, created_at, updated_at, parts, size, folded)
		VALUES ($1, $2, $3, $4, 'assistant', $5, {{now}}, {{now}}, '', 0, '')`,
		acc.MessageID, acc.ConversationID, seq, acc.UserMessageID, model)
	return err
}

type newTask struct {
	id           string // of a submission
	owner, model string
	priority     chat.Priority
	deadline     int    // seconds
	provider     string // see chat.Task.OwnProvider
}

// insertTask stores the task that fills an assistant's message, unless another one
// of the conversation has not ended.
func (t *transaction) insertTask(ctx context.Context, n newTask, acc chat.Accepted) error {
	if err := t.refuseBusy(ctx, acc.ConversationID); err != nil {
		return err
	}
	_, err := t.exec(ctx, `INSERT INTO tasks (id, conversation_id, message_id, user_message_id, owner, state, priority, place,
			attempt, uncounted_attempts, model, worker, lease_until, run_after, deadline_seconds, cancel_requested, created_at,
			finish_reason, error_code, error_message, error_retryable, chunk_count, own_provider)
		VALUES ($1, $2, $3, $4, $5, 'queued', $6,
			(SELECT max(at) FROM (SELECT {{now}} AS at UNION ALL SELECT max(place) + $7 FROM tasks
				WHERE owner = $5 AND priority = $6 AND state = 'queued') AS places),
			0, 0, $8, '', NULL, {{now}}, $9, FALSE, {{now}}, '', '', '', FALSE, 0, $10)`,
		acc.TaskID, acc.ConversationID, acc.MessageID, acc.UserMessageID, n.owner, n.priority.Rank(), fairnessGap, n.model, n.deadline, n.provider)
	return err
}
