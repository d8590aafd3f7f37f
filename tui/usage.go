package tui

import (
	"cmp"
	"fmt"
	"strings"

	"chat"
)

// usageLabel is how full the model's context is after the last answer shown, and
// what the conversation has cost so far, as far as that is known.
func (m *Model) usageLabel() string {
	var parts []string
	if used := m.contextUsed(); used > 0 {
		if window := m.factsOf(m.modelName()).Context; window > 0 {
			parts = append(parts, fmt.Sprintf("ctx %d%%", min((100*used+window/2)/window, 100)))
		} else {
			parts = append(parts, "ctx "+thousands(used))
		}
	}
	if m.cost > 0 {
		parts = append(parts, dollars(m.cost))
	}
	return strings.Join(parts, "  ")
}

// contextUsed is the number of tokens that the next message comes on top of, 0 if
// that is unknown.
func (m *Model) contextUsed() int {
	for i := len(m.messages) - 1; i >= 0; i-- {
		if u := m.messages[i].Usage; u != nil {
			return max(u.TotalTokens, u.PromptTokens+u.CompletionTokens)
		}
	}
	return 0
}

// factsOf is what is known of a model: what Options say of it, and for the rest what
// its provider does.
func (m *Model) factsOf(model string) chat.ModelInfo {
	info := m.modelInfo[model]
	if m.facts == nil || model == "" {
		return info
	}
	f := m.facts(model)
	f.Context = cmp.Or(f.Context, info.Context)
	f.InputPrice, f.OutputPrice = cmp.Or(f.InputPrice, info.InputPrice), cmp.Or(f.OutputPrice, info.OutputPrice)
	return f
}

// costOf is what all answers of the conversation have cost, branches included, in
// dollars; those of models without a price count nothing.
func (m *Model) costOf(records []chat.Message) float64 {
	sum := 0.0
	for _, rec := range records {
		if rec.Usage != nil {
			f := m.factsOf(rec.Model)
			sum += float64(rec.Usage.PromptTokens)*f.InputPrice + float64(rec.Usage.CompletionTokens)*f.OutputPrice
		}
	}
	return sum / 1e6
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
