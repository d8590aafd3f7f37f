package sql

import (
	"context"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
	"chat/sql/search"
)

// CreateConversation stores a conversation with the title, model and system
// prompt of c, and returns it with its id and times.
func (s *Store) CreateConversation(ctx context.Context, owner string, c chat.Conversation) (chat.Conversation, error) {
	args, err := newConversation(owner, c)
	if err != nil {
		return chat.Conversation{}, err
	}
	list, err := database.Change[rows.Conversation](ctx, s.db, insertConversation+" RETURNING "+rows.ConversationColumns, args...)
	return onlyConversation(list, err)
}

// CreateConversationOnce does the same under the idempotency key in o. A repetition with
// the same body returns the first conversation.
func (s *Store) CreateConversationOnce(ctx context.Context, owner string, c chat.Conversation, o chat.SubmitOptions) (made chat.Conversation, replayed bool, err error) {
	if o.IdempotencyKey == "" {
		made, err = s.CreateConversation(ctx, owner, c)
		return made, false, err
	}
	acc, replayed, err := s.once(ctx, owner, o, func(t *transaction, acc *chat.Accepted) error {
		args, err := newConversation(owner, c)
		if err != nil {
			return err
		}
		acc.ConversationID, _ = args[0].(string)
		_, err = t.Exec(ctx, insertConversation, args...)
		return err
	})
	if err != nil {
		return chat.Conversation{}, false, err
	}
	made, err = s.Conversation(ctx, owner, acc.ConversationID)
	return made, replayed, err
}

// insertConversationOf stores the conversation that a submission begins, unless it exists,
// and returns its id.
func (t *transaction) insertConversationOf(ctx context.Context, owner string, sub chat.Submission) (string, error) {
	c := chat.Conversation{Title: sub.Title, Model: sub.Model, System: sub.System, Temporary: sub.Temporary}
	if !sub.Standalone {
		c.Parameters = sub.Parameters.Lasting()
	}
	args, err := newConversation(owner, c)
	if err != nil {
		return "", err
	}
	if sub.ConversationID != "" {
		args[0] = sub.ConversationID
	}
	id, _ := args[0].(string)
	_, err = t.Exec(ctx, insertConversation+` ON CONFLICT (id) DO NOTHING`, args...)
	if err == nil && sub.ModelTitle && sub.Title == "" && sub.ConversationID == "" && !sub.Temporary {
		_, err = t.Exec(ctx, `UPDATE conversations SET wants_title = TRUE WHERE id = $1`, id)
	}
	return id, err
}

const insertConversation = `INSERT INTO conversations (id, owner, title, folded, model, system, temporary, parameters, next_seq, created_at, updated_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, {{now}}, {{now}})`

// newConversation returns the arguments of insertConversation. The first is a new id.
func newConversation(owner string, c chat.Conversation) ([]any, error) {
	parameters, err := c.Parameters.Encode()
	if err != nil {
		return nil, err
	}
	id, err := newID()
	title := chat.NormalizeText(c.Title)
	return []any{id, owner, title, search.Fold(title), chat.NormalizeText(c.Model), chat.NormalizeText(c.System), c.Temporary, parameters}, err
}

func onlyConversation(list []rows.Conversation, err error) (chat.Conversation, error) {
	row, err := database.First(list, err)
	if err != nil {
		return chat.Conversation{}, notFound(err, "conversation")
	}
	return row.Conversation(), nil
}

// Conversation returns one conversation of owner.
func (s *Store) Conversation(ctx context.Context, owner, id string) (chat.Conversation, error) {
	if !rows.IsID(id) {
		return chat.Conversation{}, notFound(database.ErrNoRow, "conversation")
	}
	list, err := database.List[rows.Conversation](ctx, s.db, `SELECT `+rows.ConversationColumns+` FROM conversations WHERE id = $1 AND owner = $2`, id, owner)
	return onlyConversation(list, err)
}

// UpdateConversation changes the fields that the patch has.
func (s *Store) UpdateConversation(ctx context.Context, owner, id string, p chat.ConversationPatch) (chat.Conversation, error) {
	if !rows.IsID(id) {
		return chat.Conversation{}, notFound(database.ErrNoRow, "conversation")
	}
	normal := func(text *string) *string {
		if text == nil {
			return nil
		}
		t := chat.NormalizeText(*text)
		return &t
	}
	title := normal(p.Title)
	var folded *string
	if title != nil {
		f := search.Fold(*title)
		folded = &f
	}
	var parameters *string
	if p.Parameters != nil {
		encoded, err := p.Parameters.Encode()
		if err != nil {
			return chat.Conversation{}, err
		}
		parameters = &encoded
	}
	list, err := database.Change[rows.Conversation](ctx, s.db, `UPDATE conversations SET title = coalesce($3, title), folded = coalesce($4, folded),
			wants_title = wants_title AND $4 IS NULL,
			model = coalesce($5, model), system = coalesce($6, system), parameters = coalesce($7, parameters), updated_at = {{now}}
		WHERE id = $1 AND owner = $2 RETURNING `+rows.ConversationColumns,
		id, owner, title, folded, normal(p.Model), normal(p.System), parameters)
	return onlyConversation(list, err)
}

// DeleteConversation deletes a conversation with its messages and tasks, and
// returns the ids of the tasks that had not ended.
func (s *Store) DeleteConversation(ctx context.Context, owner, id string) (cancelled []string, err error) {
	if !rows.IsID(id) {
		return nil, notFound(database.ErrNoRow, "conversation")
	}
	err = s.inTx(ctx, func(t *transaction) error {
		cancelled = nil
		// All transactions lock in this order: conversation, tasks, messages.
		var locked string
		if err := t.Get(ctx, &locked, `SELECT id FROM conversations WHERE id = $1 AND owner = $2 {{lock}}`, id, owner); err != nil {
			return err
		}
		digests, newest, err := t.referencesOf(ctx, id)
		if err != nil {
			return err
		}
		var deleted []struct {
			ID    string
			State chat.TaskState
		}
		if err := t.List(ctx, &deleted, `DELETE FROM tasks WHERE conversation_id = $1 RETURNING id, state`, id); err != nil {
			return err
		}
		for _, task := range deleted {
			if !task.State.Terminal() {
				cancelled = append(cancelled, task.ID)
			}
		}
		if _, err := t.Exec(ctx, `DELETE FROM conversations WHERE id = $1 AND owner = $2`, id, owner); err != nil {
			return err
		}
		return t.deleteUnreferenced(ctx, owner, digests, newest)
	})
	if err != nil {
		return nil, notFound(err, "conversation")
	}
	return cancelled, nil
}

// pruneTemporary deletes temporary conversations that have not changed for
// Options.TemporaryLife and of which no answer is being made.
func (s *Store) pruneTemporary(ctx context.Context) error {
	type old struct{ ID, Owner string }
	list, err := database.List[old](ctx, s.db, `SELECT id, owner FROM conversations WHERE temporary AND updated_at < {{now}} - $1
			AND NOT EXISTS (SELECT 1 FROM tasks WHERE conversation_id = conversations.id AND `+active+`)
		ORDER BY updated_at LIMIT $2`, micros(s.temporaryLife), pruneLimit)
	for _, c := range list {
		if _, err := s.DeleteConversation(ctx, c.Owner, c.ID); err != nil && !chat.IsCode(err, chat.CodeNotFound) {
			return err
		}
	}
	return err
}
