package status

import (
	"context"
	"time"

	"chat"
	"chat/sql/database"
)

// Usage sums owner's ended answers since a time by model, the most tokens first. The zero
// time includes all answers.
func (q Queries) Usage(ctx context.Context, owner string, since time.Time) ([]chat.ModelUsage, error) {
	from := int64(0)
	if !since.IsZero() {
		from = since.UnixMicro()
	}
	type usageRow struct {
		Model      string
		Answers    int
		Reported   int
		Prompt     int
		Completion int
		Total      int
	}
	rows, err := database.List[usageRow](ctx, q.DB, `SELECT m.model, count(*) AS answers, count(t.total_tokens) AS reported,
			coalesce(sum(t.prompt_tokens), 0) AS prompt, coalesce(sum(t.completion_tokens), 0) AS completion, coalesce(sum(t.total_tokens), 0) AS total
		FROM tasks t JOIN messages m ON m.id = t.message_id
		WHERE t.owner = $1 AND t.created_at >= $2 AND t.state IN ('done', 'failed', 'cancelled', 'interrupted')
		GROUP BY m.model ORDER BY total DESC, m.model`, owner, from)
	if err != nil {
		return nil, err
	}
	out := make([]chat.ModelUsage, len(rows))
	for i, r := range rows {
		out[i] = chat.ModelUsage{
			Model: r.Model, Answers: r.Answers, Reported: r.Reported,
			PromptTokens: r.Prompt, CompletionTokens: r.Completion, TotalTokens: r.Total,
		}
	}
	return out, nil
}
