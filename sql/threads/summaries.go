package threads

import (
	"context"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
)

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
func (q Queries) summary(ctx context.Context, id string) (*chat.Summary, error) {
	row, err := database.Get[summaryRow](ctx, q.DB, `SELECT `+summaryColumns+` FROM summaries WHERE id = $1`, id)
	if err != nil {
		return nil, notFound(err, "summary")
	}
	found := row.summary()
	return &found, nil
}

// ofOwner is a condition on summaries: the conversation $1 is that of the owner $2.
const ofOwner = `conversation_id = $1 AND EXISTS (SELECT 1 FROM conversations c WHERE c.id = $1 AND c.owner = $2)`

// Summaries returns the summaries of a conversation that are used, oldest first.
func (q Queries) Summaries(ctx context.Context, owner, conversationID string) ([]chat.Summary, error) {
	if !rows.IsID(conversationID) {
		return nil, noSuch("conversation")
	}
	list, err := database.List[summaryRow](ctx, q.DB, `SELECT `+summaryColumns+` FROM summaries WHERE NOT removed AND `+ofOwner+` ORDER BY created_at, id`, conversationID, owner)
	found := make([]chat.Summary, len(list))
	for i := range list {
		found[i] = list[i].summary()
	}
	return found, err
}

// RemoveSummary stops the use of the newest summary of a conversation, and returns it. It
// remains stored, for what was sent with it.
func (q Queries) RemoveSummary(ctx context.Context, owner, conversationID string) (chat.Summary, error) {
	if !rows.IsID(conversationID) {
		return chat.Summary{}, noSuch("conversation")
	}
	row, err := database.First(database.Change[summaryRow](ctx, q.DB, `UPDATE summaries SET removed = TRUE WHERE id = (
			SELECT id FROM summaries WHERE NOT removed AND `+ofOwner+` ORDER BY created_at DESC, id DESC LIMIT 1) RETURNING `+summaryColumns, conversationID, owner))
	if err != nil {
		return chat.Summary{}, notFound(err, "summary: nothing stands for a part of this conversation")
	}
	return row.summary(), nil
}

// Windows returns how many tokens models accept, by the name with their provider, as far as
// that was learned from a refusal.
func (q Queries) Windows(ctx context.Context) (map[string]int, error) {
	type windowRow struct {
		Model   string
		Context int
	}
	list, err := database.List[windowRow](ctx, q.DB, `SELECT model, context FROM model_windows ORDER BY learned_at DESC LIMIT $1`, maxWindows)
	windows := make(map[string]int, len(list))
	for _, r := range list {
		windows[r.Model] = r.Context
	}
	return windows, err
}

// maxWindows bounds the models of which a window is read.
const maxWindows = 1000

// LearnWindow records how many tokens a model accepts.
func (q Queries) LearnWindow(ctx context.Context, model string, tokens int) error {
	_, err := q.DB.Exec(ctx, `INSERT INTO model_windows (model, context, learned_at) VALUES ($1, $2, {{now}})
		ON CONFLICT (model) DO UPDATE SET context = excluded.context, learned_at = excluded.learned_at`, chat.NormalizeText(model), tokens)
	return err
}
