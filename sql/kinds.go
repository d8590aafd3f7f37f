package sql

import (
	"context"

	"chat"
	"chat/internal/title"
	"chat/sql/database"
	"chat/sql/rows"
	"chat/sql/search"
)

// Enqueue stores a task of a kind that is not an answer, and returns its id. A conversation
// has at most one unfinished task of a kind: if there is one, Enqueue returns its id, and made
// is false. It does not change the conversation's place in lists.
func (s *Store) Enqueue(ctx context.Context, owner string, k chat.KindTask) (taskID string, made bool, err error) {
	if !rows.IsID(k.ConversationID) || !rows.IsID(k.LastMessageID) {
		return "", false, notFound(database.ErrNoRow, "message")
	}
	err = s.inTx(ctx, func(t *transaction) error {
		taskID, made, err = t.enqueue(ctx, owner, k)
		return err
	})
	return taskID, made, err
}

// enqueue locks the conversation and stores the task with the message that will have its text:
// one before all others, without a parent.
func (t *transaction) enqueue(ctx context.Context, owner string, k chat.KindTask) (taskID string, made bool, err error) {
	var locked string
	if err := t.Get(ctx, &locked, `SELECT id FROM conversations WHERE id = $1 AND owner = $2 {{lock}}`, k.ConversationID, owner); err != nil {
		return "", false, notFound(err, "conversation")
	}
	if _, err := t.requestedParent(ctx, k.ConversationID, k.LastMessageID); err != nil {
		return "", false, notFound(database.ErrNoRow, "message")
	}
	var unfinished []string
	err = t.List(ctx, &unfinished, `SELECT id FROM tasks WHERE conversation_id = $1 AND kind = $2 AND `+active, k.ConversationID, string(k.Kind))
	if err != nil || len(unfinished) > 0 {
		return append(unfinished, "")[0], false, err
	}
	acc := chat.Accepted{ConversationID: k.ConversationID, UserMessageID: k.LastMessageID}
	if acc.TaskID = k.TaskID; acc.TaskID == "" {
		if acc.TaskID, err = newID(); err != nil {
			return "", false, err
		}
	}
	if acc.MessageID, err = newID(); err != nil {
		return "", false, err
	}
	var seq int64
	if err := t.Get(ctx, &seq, `SELECT coalesce(min(seq), 0) - 1 FROM messages WHERE conversation_id = $1 AND seq < 0`, k.ConversationID); err != nil {
		return "", false, err
	}
	beside := acc
	beside.UserMessageID = ""
	model := chat.NormalizeText(k.Model)
	n := newTask{owner: owner, kind: k.Kind, model: model, priority: k.Priority, deadline: k.DeadlineSeconds, provider: k.CredentialsHost}
	if err := t.insertAnswer(ctx, seq, n, beside); err != nil {
		return "", false, err
	}
	return acc.TaskID, true, t.insertTask(ctx, n, acc)
}

// apply writes what the text of a task that is done is for, in the transaction of its end.
func (t *transaction) apply(ctx context.Context, r chat.Result) error {
	if r.State != chat.TaskDone {
		return nil
	}
	switch r.Kind {
	case chat.KindSummary:
		_, err := t.Exec(ctx, `INSERT INTO summaries (id, conversation_id, message_id, model, text, created_at)
			SELECT id, conversation_id, user_message_id, model, $2, {{now}} FROM tasks WHERE id = $1`, r.TaskID, chat.NormalizeText(r.Parts.Text()))
		return err
	case chat.KindTitle:
		return t.retitle(ctx, r.TaskID, title.Clean(r.Parts.Text()))
	case chat.KindAnswer:
	}
	return nil
}

// retitle gives a task's conversation the title that a model has written, unless the user has set
// one since.
func (t *transaction) retitle(ctx context.Context, taskID, title string) error {
	if title == "" {
		return nil
	}
	_, err := t.Exec(ctx, `UPDATE conversations SET title = $2, folded = $3, wants_title = FALSE
		WHERE id = (SELECT conversation_id FROM tasks WHERE id = $1) AND wants_title`, taskID, title, search.Fold(title))
	return err
}

// EnqueueTitle is Enqueue for the title of a conversation, if a model is to write one and has not
// tried; otherwise made is false.
func (s *Store) EnqueueTitle(ctx context.Context, owner string, k chat.KindTask) (taskID string, made bool, err error) {
	if !rows.IsID(k.ConversationID) || !rows.IsID(k.LastMessageID) {
		return "", false, notFound(database.ErrNoRow, "message")
	}
	k.Kind = chat.KindTitle
	err = s.inTx(ctx, func(t *transaction) error {
		var wanted []string
		err := t.List(ctx, &wanted, `SELECT id FROM conversations WHERE id = $1 AND owner = $2 AND wants_title AND NOT temporary
			AND NOT EXISTS (SELECT 1 FROM tasks WHERE conversation_id = $1 AND kind = $3) {{lock}}`, k.ConversationID, owner, string(k.Kind))
		if taskID, made = "", false; err != nil || len(wanted) == 0 {
			return err
		}
		taskID, made, err = t.enqueue(ctx, owner, k)
		return err
	})
	return taskID, made, err
}

// await stores the task for which a released one will wait, if that is still running under its
// attempt, and returns its id.
func (t *transaction) await(ctx context.Context, h chat.Release) (taskID string, err error) {
	var owners []string
	err = t.List(ctx, &owners, `SELECT owner FROM tasks WHERE id = $1 AND attempt = $2 AND state = 'running' AND NOT cancel_requested`, h.TaskID, h.Attempt)
	if err != nil || len(owners) == 0 {
		return "", err
	}
	taskID, _, err = t.enqueue(ctx, owners[0], *h.Await)
	return taskID, err
}
