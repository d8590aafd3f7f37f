package sql

import (
	"context"

	"chat"
)

// active is a condition on tasks: the answer has not ended.
const active = `state IN ('queued', 'running')`

// refuseBusy returns CodeBusy while an answer of the conversation has not ended: the
// next one would be made without it. The caller has locked the conversation (touch),
// so of several submissions at the same time each sees the tasks of those before it.
func (t *transaction) refuseBusy(ctx context.Context, conversationID string) error {
	var ids []string
	err := t.list(ctx, &ids, `SELECT id FROM tasks WHERE conversation_id = $1 AND `+active+` ORDER BY id LIMIT 1`, conversationID)
	if err != nil || len(ids) == 0 {
		return err
	}
	id := ids[0][len(ids[0])-shownID:]
	return chat.Errorf(chat.CodeBusy,
		"the conversation is still being answered (task %s): chat wait %s waits for it, chat stop %s stops it", id, id, id)
}

// acceptedBefore is how a submission was accepted whose reply was lost, so that the
// driver repeated it and it met its own task; busy if it was not.
func (s *Store) acceptedBefore(ctx context.Context, owner, taskID string, busy error) (chat.Accepted, bool, error) {
	found, err := list[taskRow](ctx, s, `SELECT `+taskColumns+` FROM tasks WHERE id = $1 AND owner = $2`, taskID, owner)
	if err != nil || len(found) == 0 {
		return chat.Accepted{}, false, busy
	}
	t := found[0]
	return chat.Accepted{
		TaskID: t.ID, MessageID: t.MessageID, UserMessageID: t.UserMessageID, ConversationID: t.ConversationID, Status: chat.StatusProcessing,
	}, false, nil
}
