package sql

import (
	"context"

	"chat"
	"chat/internal/transcript"
	"chat/sql/database"
	"chat/sql/rows"
)

// Fork copies the messages from the root of a conversation to messageID, or to the newest
// message if it is "", into a new conversation. Texts, models and times are those of the
// original, ids are new. The copies have no usage, because the original counts it. An
// answer that is still running is a conflict. The default title is the original's with a
// mark. The key in o makes a repetition return the first copy.
func (s *Store) Fork(ctx context.Context, owner, conversationID, messageID, title string, o chat.SubmitOptions) (made chat.Conversation, replayed bool, err error) {
	if !rows.IsID(conversationID) {
		return made, false, notFound(database.ErrNoRow, "conversation")
	}
	if messageID != "" && !rows.IsID(messageID) {
		return made, false, notFound(database.ErrNoRow, "message")
	}
	acc, replayed, err := s.once(ctx, owner, o, func(t *transaction, acc *chat.Accepted) error {
		var c rows.Conversation
		if err := t.Get(ctx, &c, `SELECT `+rows.ConversationColumns+` FROM conversations WHERE id = $1 AND owner = $2 {{lock}}`, conversationID, owner); err != nil {
			return notFound(err, "conversation")
		}
		path, err := t.pathToRoot(ctx, conversationID, messageID)
		if err != nil {
			return err
		}
		copied := c.Conversation()
		copied.Title = chat.NormalizeText(title)
		if copied.Title == "" {
			copied.Title = transcript.ForkTitle(c.Title)
		}
		if copied.ID, err = newID(); err != nil {
			return err
		}
		acc.ConversationID = copied.ID
		return t.insertCopy(ctx, owner, copied, path)
	})
	if err != nil {
		return made, false, err
	}
	made, err = s.Conversation(ctx, owner, acc.ConversationID)
	return made, replayed, err
}

// pathToRoot returns the messages from the root to messageID, or to the newest message.
func (t *transaction) pathToRoot(ctx context.Context, conversationID, messageID string) ([]chat.Message, error) {
	end, err := t.parent(ctx, conversationID, messageID)
	if chat.IsCode(err, chat.CodeInvalid) {
		return nil, notFound(database.ErrNoRow, "message")
	}
	if err != nil || end == "" {
		return nil, err
	}
	var list []rows.Message
	err = t.List(ctx, &list, `WITH RECURSIVE path (id, parent_id, depth) AS (
			SELECT id, parent_id, 0 FROM messages WHERE id = $1
			UNION ALL
			SELECT m.id, m.parent_id, path.depth + 1 FROM messages m JOIN path ON m.id = path.parent_id
		) `+rows.MessagesQuery+`JOIN path ON path.id = m.id ORDER BY path.depth DESC`, end)
	return rows.Messages(list), err
}

// insertCopy stores copies of messages, each as a child of the one before.
func (t *transaction) insertCopy(ctx context.Context, owner string, c chat.Conversation, path []chat.Message) error {
	var now int64
	if err := t.Get(ctx, &now, `SELECT {{now}}`); err != nil {
		return err
	}
	c.CreatedAt, c.UpdatedAt = rows.Instant(now), rows.Instant(now)
	if err := t.insertCompleteConversation(ctx, owner, c); err != nil {
		return err
	}
	parent := ""
	for i := range path {
		m := &path[i]
		if m.Role == chat.RoleAssistant && !m.State.Terminal() {
			return chat.Errorf(chat.CodeConflict, "an answer before that message is still running: wait for it, stop it, or fork before it")
		}
		var err error
		if m.ID, err = newID(); err != nil {
			return err
		}
		if m.TaskID, err = newID(); err != nil {
			return err
		}
		m.ConversationID, m.ParentID, m.Usage = c.ID, parent, nil
		parent = m.ID
	}
	seq, err := t.reserve(ctx, owner, c.ID, len(path), now)
	if err != nil {
		return err
	}
	_, err = t.insertCompleteMessages(ctx, owner, seq, path)
	return err
}
