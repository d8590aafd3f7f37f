package sql

import (
	"context"

	"chat"
	"chat/sql/database"
	"chat/sql/lists"
	"chat/sql/rows"
)

// active is a condition on tasks: the task has not ended.
const active = `state IN ('queued', 'running')`

// answering is a condition on tasks: it is an answer that has not ended.
const answering = active + ` AND kind = ''`

// refuseBusy returns CodeBusy while an answer of the conversation has not ended, because
// the next one would not include it. The caller has locked the conversation (touch), so
// concurrent submissions see each other's tasks.
func (t *transaction) refuseBusy(ctx context.Context, conversationID string) error {
	var ids []string
	err := t.List(ctx, &ids, `SELECT id FROM tasks WHERE conversation_id = $1 AND `+answering+` ORDER BY id LIMIT 1`, conversationID)
	if err != nil || len(ids) == 0 {
		return err
	}
	id := ids[0][len(ids[0])-lists.ShownID:]
	return chat.Errorf(chat.CodeBusy,
		"the conversation is still being answered (task %s): chat wait %s waits for it, chat stop %s stops it", id, id, id)
}

// acceptedBefore handles a submission that the driver repeated after a lost reply, so that
// it met its own task. It returns how that one was accepted, or busy if there is none. The
// lock is that of taskStatus.
func (s *Store) acceptedBefore(ctx context.Context, owner, taskID string, busy error) (chat.Accepted, bool, error) {
	found, err := database.Change[rows.Task](ctx, s.db, `SELECT `+rows.TaskColumns+` FROM tasks WHERE id = $1 AND owner = $2 {{lock}}`, taskID, owner)
	if err != nil || len(found) == 0 {
		return chat.Accepted{}, false, busy
	}
	t := found[0]
	return chat.Accepted{
		TaskID: t.ID, MessageID: t.MessageID, UserMessageID: t.UserMessageID, ConversationID: t.ConversationID, Status: chat.StatusProcessing,
	}, false, nil
}
