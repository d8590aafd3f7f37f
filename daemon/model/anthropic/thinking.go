package anthropic

import (
	"encoding/json"
	"fmt"
	"slices"

	"chat"
)

// way is how a model is asked to reason.
type way int

const (
	byModel  way = iota // as is known of the model
	adaptive            // the model decides, by the effort
	budgeted            // up to a number of tokens
	unasked             // the request says nothing
)

// thinking is the field with that name.
type thinking struct {
	Type    string `json:"type"`
	Budget  int    `json:"budget_tokens,omitempty"`
	Display string `json:"display,omitempty"`
}

// minBudget is the least budget, in tokens.
const minBudget = 1024

// budgets are the tokens for reasoning, by effort.
func budgets() map[string]int {
	return map[string]int{"minimal": minBudget, "low": 4096, "medium": 10_000, "high": 20_000, "xhigh": 32_000}
}

// none is the effort without reasoning.
const none = "none"

// levels are the values of the field effort, least first. chat has no name for max.
func levels() []string { return []string{"low", "medium", "high", "xhigh"} }

// level returns the value of the field effort that is nearest to an effort, and not above it if
// a lower one is known.
func level(effort string, known []string) string {
	want := max(0, slices.Index(levels(), effort)) // minimal is low
	for i := want; i >= 0; i-- {
		if len(known) == 0 || slices.Contains(known, levels()[i]) {
			return levels()[i]
		}
	}
	return known[0]
}

// reason sets how much the model reasons, and the tokens that the answer may have.
func (r *request) reason(out *body) {
	effort := r.Request.Parameters.Effort
	how := r.way()
	out.MaxTokens = r.maxTokens(defaultTokens)
	switch {
	case effort == "" || how == unasked || r.noReasoning:
	case effort == none:
		out.Thinking = &thinking{Type: "disabled"}
	case r.forced():
	case how == adaptive:
		out.MaxTokens = r.maxTokens(2 * defaultTokens) // reasoning counts
		out.Thinking = &thinking{Type: "adaptive", Display: "summarized"}
		if !r.Form.noEffort {
			out.output().Effort = level(effort, r.facts().efforts)
		}
	default:
		budget := budgets()[effort]
		out.MaxTokens = r.maxTokens(defaultTokens + budget)
		if budget = min(budget, out.MaxTokens/2); budget >= minBudget {
			out.Thinking = &thinking{Type: "enabled", Budget: budget}
		}
	}
}

// forced reports whether the model has to call a tool, which it cannot while it reasons.
func (r *request) forced() bool {
	c := r.Request.Parameters.ToolChoice
	return c != nil && c.Mode == chat.ToolRequired && !r.Form.noForcedTool
}

// unreasoned says why out does not ask for the reasoning that was asked for, "" if it does, or
// if the model has refused it.
func (r *request) unreasoned(out *body) string {
	effort := r.Request.Parameters.Effort
	switch {
	case effort == "" || effort == none || out.Thinking != nil || r.Form.way == unasked:
		return ""
	case r.way() == unasked:
		return r.Name() + " does not reason"
	case r.noReasoning:
		return "an earlier call in the conversation was made without reasoning"
	case r.forced():
		return "a model cannot reason if it has to call a tool"
	}
	return fmt.Sprintf("%d tokens leave no room for reasoning", out.MaxTokens)
}

// way is how the model is asked to reason.
func (r *request) way() way {
	if r.Form.way != byModel {
		return r.Form.way
	}
	return r.facts().way
}

// signed is what is kept of a block of reasoning beside its text: Anthropic's API needs it to
// accept the block again, from the model that made it.
type signed struct {
	Model     string `json:"model"`
	Type      string `json:"type"`
	Signature string `json:"signature,omitempty"`
	Data      string `json:"data,omitempty"` // of reasoning that only the provider can read
}

// sign returns what is kept of a block of reasoning, nil if it is too long to be kept.
func (r *request) sign(b piece) *chat.ProviderData {
	data, err := json.Marshal(signed{r.Model, b.Type, b.Signature, b.Data})
	if err != nil || len(data) > chat.MaxProviderData {
		return nil
	}
	return &chat.ProviderData{Provider: r.p.mark(), Data: data}
}

// own returns what was kept of a part. ok is false if it is another provider's or model's.
func (r *request) own(part *chat.Part) (kept signed, ok bool) {
	if part.ProviderData == nil || part.ProviderData.Provider != r.p.mark() || r.noThoughts {
		return signed{}, false
	}
	err := json.Unmarshal(part.ProviderData.Data, &kept)
	return kept, err == nil && kept.Model == r.Model
}

// thought is the block of a part that is the model's own.
func thought(part *chat.Part, kept signed) block {
	if kept.Type == typeRedacted {
		return block{Type: typeRedacted, Data: kept.Data}
	}
	return block{Type: typeThinking, Thinking: &part.Text, Signature: kept.Signature}
}
