package status

import (
	"fmt"
	"strings"

	"chat"
)

// Usage is what the header shows of context and cost. The zero Usage knows nothing.
type Usage struct {
	// Configured returns what the settings say of a model, nil for nothing.
	Configured func(model string) chat.ModelInfo

	reported map[string]chat.ModelInfo // by the providers
	cost     float64                   // of the open conversation, in dollars
	version  int                       // of the messages that cost belongs to
	stale    bool
}

// SetModels keeps what the providers report of their models.
func (u *Usage) SetModels(reported map[string]chat.ModelInfo) { u.reported, u.stale = reported, true }

// Count computes the cost of all answers, branches included, when version has
// changed. Models without a price cost nothing.
func (u *Usage) Count(version int, messages []chat.Message) {
	if version == u.version && !u.stale {
		return
	}
	u.version, u.stale = version, false
	u.cost = 0
	for _, m := range messages {
		if m.Usage != nil {
			u.cost += u.info(m.Model).Cost(*m.Usage)
		}
	}
}

// Label is how full the context of the model is after the last answer, and what
// the conversation has cost, as far as that is known.
func (u *Usage) Label(model string, last *chat.Usage) string {
	var parts []string
	if used := tokens(last); used > 0 {
		if window := u.info(model).Context; window > 0 {
			parts = append(parts, fmt.Sprintf("ctx %d%%", min((100*used+window/2)/window, 100)))
		} else {
			parts = append(parts, "ctx "+thousands(used))
		}
	}
	if u.cost > 0 {
		parts = append(parts, dollars(u.cost))
	}
	return strings.Join(parts, "  ")
}

// tokens is the number of tokens before the next message, 0 if that is unknown.
func tokens(last *chat.Usage) int {
	if last == nil {
		return 0
	}
	return max(last.TotalTokens, last.PromptTokens+last.CompletionTokens)
}

// info is what is known of a model: the settings count before the provider.
func (u *Usage) info(model string) chat.ModelInfo {
	info := u.reported[model]
	if u.Configured == nil || model == "" {
		return info
	}
	return u.Configured(model).Or(info)
}

func dollars(sum float64) string {
	if sum < 0.0005 {
		return "<$0.001"
	}
	if sum < 1 {
		return fmt.Sprintf("$%.3f", sum)
	}
	return fmt.Sprintf("$%.2f", sum)
}

func thousands(n int) string {
	switch {
	case n < 1000:
		return fmt.Sprint(n)
	case n < 10_000:
		return fmt.Sprintf("%.1fk", float64(n)/1000)
	}
	return fmt.Sprintf("%dk", n/1000)
}
