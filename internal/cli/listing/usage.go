package listing

import (
	"context"
	"time"

	"chat"
	"chat/daemon/client"
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
	if f.InputPrice == 0 && f.OutputPrice == 0 {
		return
	}
	sum := (float64(u.PromptTokens)*f.InputPrice + float64(u.CompletionTokens)*f.OutputPrice) / 1e6
	u.CostDollars = &sum
}

// AddCost adds the cost of one model to that of all.
func (u *ModelUsage) AddCost(other ModelUsage) {
	if other.CostDollars == nil {
		return
	}
	sum := *other.CostDollars
	if u.CostDollars != nil {
		sum += *u.CostDollars
	}
	u.CostDollars = &sum
}
