package sql

import (
	"context"
	"strings"

	"chat"
)

// DropModel takes a model off a conversation that it has never answered in: it
// was found not to exist. Any other conversation stays as it is.
func (s *Store) DropModel(ctx context.Context, owner, conversationID, model string) error {
	if !isID(conversationID) || model == "" {
		return nil
	}
	type answered struct{ Model string }
	rows, err := list[answered](ctx, s, `SELECT DISTINCT m.model FROM messages m JOIN tasks t ON t.message_id = m.id
		WHERE m.conversation_id = $1 AND t.state = 'done'`, conversationID)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if answersFor(r.Model, chat.NormalizeText(model)) {
			return nil
		}
	}
	_, err = s.exec(ctx, `UPDATE conversations SET model = '' WHERE id = $1 AND owner = $2 AND model = $3`,
		conversationID, owner, chat.NormalizeText(model))
	return err
}

// answersFor reports whether a provider that says it answered with one name may
// have been asked for the other: gpt-4o-2024-08-06 for gpt-4o, qwen3:latest for
// ollama/qwen3.
func answersFor(answered, asked string) bool {
	_, id, found := strings.Cut(asked, "/")
	return strings.Contains(answered, asked) || found && id != "" && strings.Contains(answered, id)
}

// dropModelOf does so for a task that ended because its provider has no such model.
func (s *Store) dropModelOf(ctx context.Context, taskID string) error {
	row, err := get[taskRow](ctx, s, `SELECT `+taskColumns+` FROM tasks WHERE id = $1`, taskID)
	if err != nil {
		return missing(err, "task")
	}
	return s.DropModel(ctx, row.Owner, row.ConversationID, row.Model)
}
