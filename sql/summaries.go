package sql

import (
	"context"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
)

// newestSummary is the id of the summary that stands for what is before the message m, ” for
// none.
const newestSummary = `coalesce((SELECT s.id FROM summaries s WHERE s.message_id = m.parent_id AND NOT s.removed ORDER BY s.created_at DESC, s.id DESC LIMIT 1), '')`

const summaryColumns = `id, conversation_id, message_id, model, text, removed, created_at`

// summaryRow is a row of the table of summaries.
type summaryRow struct {
	ID             string
	ConversationID string `db:"conversation_id"`
	MessageID      string `db:"message_id"`
	Model          string
	Text           string
	Removed        bool
	CreatedAt      int64 `db:"created_at"`
}

func (r *summaryRow) summary() chat.Summary {
	return chat.Summary{
		ID: r.ID, ConversationID: r.ConversationID, MessageID: r.MessageID, Model: r.Model, Text: r.Text, Removed: r.Removed,
		CreatedAt: rows.Instant(r.CreatedAt),
	}
}

// summary returns a summary, removed or not.
func (s *Store) summary(ctx context.Context, id string) (*chat.Summary, error) {
	row, err := database.Get[summaryRow](ctx, s.db, `SELECT `+summaryColumns+` FROM summaries WHERE id = $1`, id)
	if err != nil {
		return nil, notFound(err, "summary")
	}
	found := row.summary()
	return &found, nil
}

// Summaries returns the summaries of a conversation that are used, oldest first.
func (s *Store) Summaries(ctx context.Context, owner, conversationID string) ([]chat.Summary, error) {
	if !rows.IsID(conversationID) {
		return nil, notFound(database.ErrNoRow, "conversation")
	}
	list, err := database.List[summaryRow](ctx, s.db, `SELECT `+summaryColumns+` FROM summaries WHERE conversation_id = $1 AND NOT removed
			AND EXISTS (SELECT 1 FROM conversations c WHERE c.id = summaries.conversation_id AND c.owner = $2) ORDER BY created_at, id`, conversationID, owner)
	found := make([]chat.Summary, len(list))
	for i := range list {
		found[i] = list[i].summary()
	}
	return found, err
}
