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
		Cached     int
		CacheWrite int `db:"cache_write"`
		Reasoning  int
	}
	rows, err := database.List[usageRow](ctx, q.DB, `SELECT m.model, count(*) AS answers, count(t.total_tokens) AS reported,
			coalesce(sum(t.prompt_tokens), 0) AS prompt, coalesce(sum(t.completion_tokens), 0) AS completion, coalesce(sum(t.total_tokens), 0) AS total,
			coalesce(sum(t.cached_tokens), 0) AS cached, coalesce(sum(t.cache_write_tokens), 0) AS cache_write, coalesce(sum(t.reasoning_tokens), 0) AS reasoning
		FROM tasks t JOIN messages m ON m.id = t.message_id
		WHERE t.owner = $1 AND t.created_at >= $2 AND t.state IN ('done', 'failed', 'cancelled', 'interrupted')
		GROUP BY m.model ORDER BY total DESC, m.model`, owner, from)
	if err != nil {
		return nil, err
	}
	out := make([]chat.ModelUsage, len(rows))
	for i, r := range rows {
		out[i] = chat.ModelUsage{
			Model: r.Model, Answers: r.Answers, Reported: r.Reported, Usage: chat.Usage{
				PromptTokens: r.Prompt, CompletionTokens: r.Completion, TotalTokens: r.Total,
				CachedTokens: r.Cached, CacheWriteTokens: r.CacheWrite, ReasoningTokens: r.Reasoning,
			},
		}
	}
	return out, nil
}
