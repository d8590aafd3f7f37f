package sql

import (
	"context"
	"errors"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
	"chat/sql/search"
)

// fairnessGap spaces an owner's waiting tasks in the queue, in microseconds. A task's
// queue_at is the time at which it was accepted, but at least a fairnessGap after the
// queue_at of the owner's last waiting task of that priority. So the oldest tasks come
// first, and a thousand tasks of one owner do not delay the first of another.
const fairnessGap = 1_000_000

// Submit stores a user's message, the empty message that will answer it, the task that
// makes the answer, and the conversation unless sub names one. It stores all of them or
// none. It returns CodeBusy while an answer of the conversation has not ended. replayed
// reports that the key in o was used before with the same body; acc is then that of the
// first time.
func (s *Store) Submit(ctx context.Context, owner string, sub chat.Submission, o chat.SubmitOptions) (acc chat.Accepted, replayed bool, err error) {
	conversationID := sub.ConversationID
	if conversationID != "" && !rows.IsID(conversationID) {
		return acc, false, notFound(database.ErrNoRow, "conversation")
	}
	if sub.ParentID != "" && sub.ParentID != chat.RootParent && !rows.IsID(sub.ParentID) {
		return acc, false, errForeignParent()
	}
	parts := sub.Message().Normalize()
	digests := parts.Digests()
	content, err := rows.EncodeParts(parts, "")
	if err != nil {
		return acc, false, err
	}
	title := parts.Title()
	n := newTask{
		id: o.TaskID, owner: owner, model: chat.NormalizeText(sub.Model), priority: sub.Priority, deadline: sub.DeadlineSeconds, provider: o.CredentialsHost,
		origin: chat.NormalizeText(sub.Origin),
	}
	if n.id == "" {
		if n.id, err = newID(); err != nil {
			return acc, false, err
		}
		o.TaskID = n.id
	}
	plain := o.IdempotencyKey == "" && len(digests) == 0 && len(sub.History) == 0 && sub.Parameters == nil && sub.ModelDefaults == nil && sub.Failover == nil && !sub.Standalone && n.origin == ""
	if s.db.ChangesInWith() && conversationID != "" && !sub.CreateMissing && sub.ParentID == "" && plain {
		if acc, err = s.submitInOneStatement(ctx, conversationID, title, content, n); !errors.Is(err, errUnseen) {
			return acc, false, err
		}
	}
	acc, replayed, err = s.once(ctx, owner, o, func(t *transaction, acc *chat.Accepted) error {
		n, content := n, content // inTx may run this more than once
		if acc.ConversationID = conversationID; conversationID == "" || sub.CreateMissing {
			made, err := t.insertConversationOf(ctx, owner, sub)
			if err != nil {
				return err
			}
			acc.ConversationID = made
		}
		conv, err := t.touch(ctx, owner, acc.ConversationID, title, 2+len(sub.History))
		if err != nil {
			return notFound(err, "conversation")
		}
		parent, err := t.insertHistory(ctx, owner, conv.Seq, acc.ConversationID, sub)
		if err != nil {
			return err
		}
		if n.model == "" {
			n.model = conv.Model
		}
		if n.parameters, err = parametersOf(sub, conv).Encode(); err != nil {
			return err
		}
		if n.failover, err = rows.EncodeFailover(sub.Failover); err != nil {
			return err
		}
		if len(digests) > 0 {
			if content, err = t.encodeWith(ctx, owner, parts, digests); err != nil {
				return err
			}
		}
		if acc.UserMessageID, err = newID(); err != nil {
			return err
		}
		if acc.MessageID, err = newID(); err != nil {
			return err
		}
		if err := t.insertMessages(ctx, conv.Seq+int64(len(sub.History)), parent, content, n.model, *acc); err != nil {
			return err
		}
		if err := t.refer(ctx, owner, []chat.Message{{ID: acc.UserMessageID, Parts: parts}}); err != nil {
			return err
		}
		return t.insertTask(ctx, n, *acc)
	})
	if chat.IsCode(err, chat.CodeBusy) {
		return s.acceptedBefore(ctx, owner, n.id, err)
	}
	return acc, replayed, err
}

// Regenerate stores a sibling of an assistant message, and the task that makes it. The sibling
// is empty unless it continues the message. It returns CodeBusy as Submit does.
func (s *Store) Regenerate(ctx context.Context, owner, messageID string, r chat.Regeneration, o chat.SubmitOptions) (chat.Accepted, bool, error) {
	if !rows.IsID(messageID) {
		return chat.Accepted{}, false, notFound(database.ErrNoRow, "message")
	}
	return s.once(ctx, owner, o, func(t *transaction, acc *chat.Accepted) error {
		old, err := t.answer(ctx, owner, messageID, r.Continue)
		if err != nil {
			return err
		}
		conv, err := t.touch(ctx, owner, old.ConversationID, "", 1)
		if err != nil {
			return notFound(err, "message")
		}
		acc.ConversationID, acc.UserMessageID = old.ConversationID, old.ParentID
		if acc.MessageID, err = newID(); err != nil {
			return err
		}
		n := newTask{owner: owner, model: chat.NormalizeText(r.Model), priority: r.Priority, deadline: old.Deadline, provider: o.CredentialsHost}
		if r.Continue {
			n.continues = messageID
		}
		if n.parameters, err = r.Parameters.Over(old.Asked.Parameters).Encode(); err != nil {
			return err
		}
		if f := old.Failover.Failover; f != nil {
			if len(f.Failed) > 0 { // the first model is asked again
				old.Model = f.Failed[0].Model
			}
			if n.failover, err = rows.EncodeFailover(&chat.Failover{Models: f.Models, AfterText: f.AfterText}); err != nil {
				return err
			}
		}
		for _, m := range []string{conv.Model, old.Model} {
			if n.model == "" {
				n.model = m
			}
		}
		if err := t.insertAnswer(ctx, conv.Seq, n, *acc); err != nil {
			return err
		}
		return t.insertTask(ctx, n, *acc)
	})
}

func errForeignParent() error {
	return chat.Errorf(chat.CodeInvalid, "parent_id is not a message of this conversation")
}

// lockedConversation is a conversation that is locked for new messages.
type lockedConversation struct {
	Seq        int64 // of the first new message
	Model      string
	Parameters rows.Parameters
}

// parametersOf returns the parameters of the task of a submission.
func parametersOf(sub chat.Submission, conv lockedConversation) *chat.Parameters {
	if sub.Standalone {
		return sub.Parameters
	}
	return chat.ParameterSources{Request: sub.Parameters, Conversation: conv.Parameters.Parameters, Model: sub.ModelDefaults}.Resolve()
}

// touch locks the conversation, makes it the newest, sets its title if it has none, and
// reserves the sequence numbers of its next n messages.
func (t *transaction) touch(ctx context.Context, owner, id, title string, n int) (lockedConversation, error) {
	var c lockedConversation
	err := t.Get(ctx, &c, `UPDATE conversations SET updated_at = {{now}}, next_seq = next_seq + $3,
			title = CASE WHEN title = '' THEN $4 ELSE title END,
			folded = CASE WHEN title = '' THEN $5 ELSE folded END
		WHERE id = $1 AND owner = $2 RETURNING next_seq - $3 AS seq, model, parameters`, id, owner, n, title, search.Fold(title))
	return c, err
}

// parent returns the id of the message that the next one follows: the requested one, or
// the newest; "" is none.
func (t *transaction) parent(ctx context.Context, conversationID, requested string) (string, error) {
	if requested != "" {
		return t.requestedParent(ctx, conversationID, requested)
	}
	var found []string
	err := t.List(ctx, &found, `SELECT id FROM messages WHERE conversation_id = $1 AND seq > 0 ORDER BY seq DESC LIMIT 1`, conversationID)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

// requestedParent returns the id of a requested parent, after checking it.
func (t *transaction) requestedParent(ctx context.Context, conversationID, requested string) (string, error) {
	if requested == chat.RootParent {
		return "", nil
	}
	var found []string
	err := t.List(ctx, &found, `SELECT id FROM messages WHERE id = $1 AND conversation_id = $2 AND seq > 0`, requested, conversationID)
	if err == nil && len(found) == 0 {
		err = errForeignParent()
	}
	return requested, err
}

// insertMessages stores a user's message and the empty one that will answer it, whose ids
// are in acc, after the requested parent or the newest message.
func (t *transaction) insertMessages(ctx context.Context, seq int64, requested string, content rows.Content, model string, acc chat.Accepted) error {
	var parent any // nil: the statement finds the newest message
	if requested != "" {
		id, err := t.requestedParent(ctx, acc.ConversationID, requested)
		if err != nil {
			return err
		}
		parent = id
	}
	_, err := t.Exec(ctx, `INSERT INTO messages
			(id, conversation_id, seq, parent_id, role, model, created_at, updated_at, parts, size, folded)
		VALUES ($1, $2, $3, coalesce($4, (SELECT id FROM messages WHERE conversation_id = $2 AND seq > 0 ORDER BY seq DESC LIMIT 1), ''),
				'user', '', {{now}}, {{now}}, $5, $10, $6),
			($7, $2, $8, $1, 'assistant', $9, {{now}}, {{now}}, '', 0, '')`,
		acc.UserMessageID, acc.ConversationID, seq, parent, content.Parts, content.Folded, acc.MessageID, seq+1, model, content.Size)
	return err
}

// insertHistory stores the history of a submission and returns the parent of its message,
// as in Submission.ParentID.
func (t *transaction) insertHistory(ctx context.Context, owner string, seq int64, conversationID string, sub chat.Submission) (string, error) {
	if len(sub.History) == 0 {
		return sub.ParentID, nil
	}
	parent, err := t.parent(ctx, conversationID, sub.ParentID)
	if err != nil {
		return "", err
	}
	var now int64
	if err := t.Get(ctx, &now, `SELECT {{now}}`); err != nil {
		return "", err
	}
	list := make([]chat.Message, len(sub.History))
	for i := range list {
		m := &list[i]
		if m.ID, err = newID(); err != nil {
			return "", err
		}
		m.ConversationID, m.ParentID, m.Role, m.Parts = conversationID, parent, sub.History[i].Role, sub.History[i].Parts.Normalize()
		m.CreatedAt, m.UpdatedAt = rows.Instant(now), rows.Instant(now)
		parent = m.ID
	}
	_, err = t.insertCompleteMessages(ctx, owner, seq, list)
	return parent, err
}

// insertAnswer stores the message that a task will fill: an empty one, or one with the text of
// the message that it continues.
func (t *transaction) insertAnswer(ctx context.Context, seq int64, n newTask, acc chat.Accepted) error {
	_, err := t.Exec(ctx, `INSERT INTO messages
			(id, conversation_id, seq, parent_id, role, model, created_at, updated_at, parts, size, folded)
		VALUES ($1, $2, $3, $4, 'assistant', $5, {{now}}, {{now}}, coalesce((SELECT parts FROM messages WHERE id = $6), ''),
			coalesce((SELECT size FROM messages WHERE id = $6), 0), coalesce((SELECT folded FROM messages WHERE id = $6), ''))`,
		acc.MessageID, acc.ConversationID, seq, acc.UserMessageID, n.model, n.continues)
	return err
}

type newTask struct {
	id           string // set by Submit
	kind         chat.TaskKind
	owner, model string
	priority     chat.Priority
	deadline     int    // seconds
	provider     string // see chat.Task.CredentialsHost
	parameters   string // JSON, "" for none
	failover     string // JSON, "" for none
	origin       string // see chat.Task.Origin
	continues    string // see chat.Task.Continues
}

// insertTask stores the task that fills an assistant's message. It returns CodeBusy if
// another task of the conversation has not ended.
func (t *transaction) insertTask(ctx context.Context, n newTask, acc chat.Accepted) error {
	if n.kind == chat.KindAnswer {
		if err := t.refuseBusy(ctx, acc.ConversationID); err != nil {
			return err
		}
	}
	_, err := t.Exec(ctx, `INSERT INTO tasks (id, conversation_id, message_id, user_message_id, owner, state, priority, queue_at,
			attempt, uncounted_attempts, model, worker, lease_until, run_after, deadline_seconds, cancel_requested, created_at,
			finish_reason, error_code, error_message, error_retryable, chunk_count, own_provider, parameters, origin, failover, kind, continues, timeline)
		VALUES ($1, $2, $3, $4, $5, 'queued', $6,
			(SELECT max(at) FROM (SELECT {{now}} AS at UNION ALL SELECT max(queue_at) + $7 FROM tasks
				WHERE owner = $5 AND priority = $6 AND state = 'queued') AS candidates),
			0, 0, $8, '', NULL, {{now}}, $9, FALSE, {{now}}, '', '', '', FALSE, 0, $10, $11, $12, $13, $14, $15, {{timeline}})`,
		acc.TaskID, acc.ConversationID, acc.MessageID, acc.UserMessageID, n.owner, n.priority.Rank(), fairnessGap, n.model, n.deadline, n.provider, n.parameters, n.origin,
		n.failover, string(n.kind), n.continues)
	return err
}
