package listing

import (
	"context"
	"fmt"
	"slices"
	"time"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/output"
)

// ModelUsage is the usage of one model, with its cost.
type ModelUsage struct {
	chat.ModelUsage
	// CostDollars is nil without prices in the config file or from the provider.
	CostDollars *float64 `json:"cost_dollars,omitempty"`
}

// pricesTimeout limits how long chat usage waits for the provider's prices.
const pricesTimeout = 2 * time.Second

// Prices returns the provider's data about its models, by model.
func Prices(ctx context.Context, cl *client.Client) (map[string]chat.ModelInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, pricesTimeout)
	defer cancel()
	list, err := cl.Models(ctx)
	prices := map[string]chat.ModelInfo{}
	for _, m := range list {
		prices[m.ID] = m.ModelInfo
	}
	return prices, err
}

// SetCost sets the cost of the tokens, if the prices are known.
func (u *ModelUsage) SetCost(f chat.ModelInfo) {
	if f.HasPrice() {
		sum := f.Cost(u.Usage)
		u.CostDollars = &sum
	}
}

// Add adds the answers, tokens and cost of one model to those of all.
func (u *ModelUsage) Add(other ModelUsage) {
	u.Answers, u.Reported, u.Usage = u.Answers+other.Answers, u.Reported+other.Reported, u.Usage.Plus(other.Usage)
	if other.CostDollars == nil {
		return
	}
	sum := *other.CostDollars
	if u.CostDollars != nil {
		sum += *u.CostDollars
	}
	u.CostDollars = &sum
}

// Usage returns the table of the usage of models, with the columns for which a provider
// reported something.
func Usage(counts []ModelUsage, total ModelUsage) ([]output.Column, [][]string) {
	columns := []output.Column{{Head: "MODEL", MinWidth: 8}}
	all := append(slices.Clip(counts), total)
	rows := make([][]string, len(all))
	for i, u := range all {
		rows[i] = []string{u.Model}
	}
	add := func(head string, dropOrder int, cell func(ModelUsage) string) {
		columns = append(columns, output.Column{Head: head, DropOrder: dropOrder})
		for i, u := range all {
			rows[i] = append(rows[i], cell(u))
		}
	}
	number := func(head string, dropOrder int, of func(ModelUsage) int) {
		add(head, dropOrder, func(u ModelUsage) string { return fmt.Sprint(of(u)) })
	}
	number("ANSWERS", 3, func(u ModelUsage) int { return u.Answers })
	number("PROMPT", 2, func(u ModelUsage) int { return u.PromptTokens })
	if total.CachedTokens > 0 {
		number("CACHED", 4, func(u ModelUsage) int { return u.CachedTokens })
	}
	if total.CacheWriteTokens > 0 {
		number("WRITTEN", 4, func(u ModelUsage) int { return u.CacheWriteTokens })
	}
	number("COMPLETION", 2, func(u ModelUsage) int { return u.CompletionTokens })
	if total.ReasoningTokens > 0 {
		number("REASONING", 4, func(u ModelUsage) int { return u.ReasoningTokens })
	}
	number("TOKENS", 0, func(u ModelUsage) int { return u.TotalTokens })
	if total.CostDollars != nil {
		add("COST", 0, func(u ModelUsage) string {
			if u.CostDollars == nil {
				return ""
			}
			return fmt.Sprintf("$%.4f", *u.CostDollars)
		})
	}
	return columns, rows
}
