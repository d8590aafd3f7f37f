package sql

import (
	"context"

	"chat"
)

// Fork makes a conversation out of the way from the root of another one down to a
// message, or to the newest one if messageID is "": the texts, models and
// times are those of the original, the ids are new. What was spent is counted in the
// original only, so the copies have no usage. An answer that is still being made
// cannot be copied: that is a conflict. Without a title it is that of the original,
// marked. The key in o makes it repeatable.
func (s *Store) Fork(ctx context.Context, owner, conversationID, messageID, title string, o chat.SubmitOptions) (made chat.Conversation, replayed bool, err error) {
	if !isID(conversationID) {
		return made, false, notFound(errNoRow, "conversation")
	}
	if messageID != "" && !isID(messageID) {
		return made, false, notFound(errNoRow, "message")
	}
	acc, replayed, err := s.once(ctx, owner, o, func(t *transaction, acc *chat.Accepted) error {
		var c conversationRow
		if err := t.get(ctx, &c, `SELECT `+conversationColumns+` FROM conversations WHERE id = $1 AND owner = $2 {{lock}}`, conversationID, owner); err != nil {
			return notFound(err, "conversation")
		}
		way, err := t.pathToRoot(ctx, conversationID, messageID)
		if err != nil {
			return err
		}
		copied := c.conversation()
		copied.Title = chat.NormalizeText(title)
		if copied.Title == "" {
			copied.Title = chat.ForkTitle(c.Title)
		}
		if copied.ID, err = newID(); err != nil {
			return err
		}
		acc.ConversationID = copied.ID
		return t.insertCopy(ctx, owner, copied, way)
	})
	if err != nil {
		return made, false, err
	}
	made, err = s.Conversation(ctx, owner, acc.ConversationID)
	return made, replayed, err
}

// pathToRoot is the messages from the root to the one with that id, or to the newest.
func (t *transaction) pathToRoot(ctx context.Context, conversationID, messageID string) ([]chat.Message, error) {
	end, err := t.parent(ctx, conversationID, messageID)
	if chat.IsCode(err, chat.CodeInvalid) {
		return nil, notFound(errNoRow, "message")
	}
	if err != nil || end == "" {
		return nil, err
	}
	var rows []messageRow
	err = t.list(ctx, &rows, `WITH RECURSIVE line (id, parent_id, depth) AS (
			SELECT id, parent_id, 0 FROM messages WHERE id = $1
			UNION ALL
			SELECT m.id, m.parent_id, line.depth + 1 FROM messages m JOIN line ON m.id = line.parent_id
		) `+messagesQuery+`JOIN line ON line.id = m.id ORDER BY line.depth DESC`, end)
	return messages(rows), err
}

// insertCopy stores copies of messages, each of which answers to the one before.
func (t *transaction) insertCopy(ctx context.Context, owner string, c chat.Conversation, way []chat.Message) error {
	var now int64
	if err := t.get(ctx, &now, `SELECT {{now}}`); err != nil {
		return err
	}
	c.CreatedAt, c.UpdatedAt = instant(now), instant(now)
	if err := t.insertWholeConversation(ctx, owner, c); err != nil {
		return err
	}
	parent := ""
	for i := range way {
		m := &way[i]
		if m.Role == chat.RoleAssistant && !m.State.Terminal() {
			return chat.Errorf(chat.CodeConflict, "an answer on the way to that message is still being made: wait for it, or stop it, or fork before it")
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
	seq, err := t.reserve(ctx, owner, c.ID, len(way), now)
	if err != nil {
		return err
	}
	_, err = t.insertWholeMessages(ctx, owner, seq, way)
	return err
}
