package completion

import (
	"cmp"
	"encoding/json"
	"math"

	"chat"
)

// Usage is chat.Usage, nil if the provider's numbers are impossible. It reads the names of
// Chat Completions, of the Responses API, and those that compatible servers added.
type Usage struct{ *chat.Usage }

// usageFields are all of these names. prompt_tokens and the names beside it are those of
// OpenAI; the rest is from DeepSeek (prompt_cache_hit_tokens), Moonshot and Together
// (cached_tokens), Perplexity (reasoning_tokens), and gateways to Anthropic's models.
type usageFields struct {
	Prompt     *float64 `json:"prompt_tokens"`
	Completion *float64 `json:"completion_tokens"`
	Input      float64  `json:"input_tokens"`
	Output     float64  `json:"output_tokens"`
	Total      float64  `json:"total_tokens"`

	PromptDetails     details `json:"prompt_tokens_details"`
	InputDetails      details `json:"input_tokens_details"`
	CompletionDetails details `json:"completion_tokens_details"`
	OutputDetails     details `json:"output_tokens_details"`

	CacheHit  Count `json:"prompt_cache_hit_tokens"`
	Cached    Count `json:"cached_tokens"`
	CacheRead Count `json:"cache_read_input_tokens"`
	Created   Count `json:"cache_creation_input_tokens"`
	Reasoning Count `json:"reasoning_tokens"`
}

// details are parts of the prompt's tokens, or of the answer's.
type details struct {
	Cached    Count `json:"cached_tokens"`
	Written   Count `json:"cache_write_tokens"`
	Created   Count `json:"cache_creation_tokens"`
	Reasoning Count `json:"reasoning_tokens"`
}

// UnmarshalJSON reads an object. Anything else has no details.
func (d *details) UnmarshalJSON(b []byte) error {
	type plain details
	var p plain
	if json.Unmarshal(b, &p) != nil {
		p = plain{}
	}
	*d = details(p)
	return nil
}

// Count is a number of tokens. A value that is none is 0.
type Count float64

// UnmarshalJSON reads a number of tokens.
func (c *Count) UnmarshalJSON(b []byte) error {
	var n float64
	if json.Unmarshal(b, &n) != nil || !isCount(n) {
		n = 0
	}
	*c = Count(n)
	return nil
}

// UnmarshalJSON reads a usage. It returns no error.
func (u *Usage) UnmarshalJSON(b []byte) error {
	u.Usage = nil
	var v usageFields
	if json.Unmarshal(b, &v) != nil {
		return nil //nolint:nilerr // not usage: lenient by design
	}
	c := Counts{Prompt: v.Input, Completion: v.Output, Total: v.Total}
	if v.Prompt != nil {
		c.Prompt = *v.Prompt
	}
	if v.Completion != nil {
		c.Completion = *v.Completion
	}
	c.Cached = float64(cmp.Or(v.PromptDetails.Cached, v.InputDetails.Cached, v.CacheHit, v.Cached, v.CacheRead))
	c.CacheWrite = float64(cmp.Or(v.PromptDetails.Written, v.InputDetails.Written, v.PromptDetails.Created, v.Created))
	c.Reasoning = float64(cmp.Or(v.CompletionDetails.Reasoning, v.OutputDetails.Reasoning, v.Reasoning))
	u.Usage = c.Usage()
	return nil
}

// Counts are numbers of tokens as a provider reports them. Cached and CacheWrite are part of
// Prompt, and Reasoning is part of Completion.
type Counts struct{ Prompt, Completion, Total, Cached, CacheWrite, Reasoning float64 }

// Usage returns the usage with these numbers. It is nil if they are impossible, and leaves
// out a part that is larger than its whole.
func (c Counts) Usage() *chat.Usage {
	if !isCount(c.Prompt) || !isCount(c.Completion) || !isCount(c.Total) {
		return nil
	}
	// xAI and Gemini count reasoning in the total only.
	if c.Prompt > 0 {
		c.Completion = max(c.Completion, c.Total-c.Prompt)
	}
	total := max(c.Total, c.Prompt+c.Completion)
	if total == 0 {
		return nil
	}
	u := chat.Usage{PromptTokens: int(c.Prompt), CompletionTokens: int(c.Completion), TotalTokens: int(total)}
	if isCount(c.Cached) && c.Cached <= c.Prompt {
		u.CachedTokens = int(c.Cached)
	}
	if isCount(c.CacheWrite) && c.CacheWrite <= c.Prompt-float64(u.CachedTokens) {
		u.CacheWriteTokens = int(c.CacheWrite)
	}
	if isCount(c.Reasoning) && c.Reasoning <= c.Completion {
		u.ReasoningTokens = int(c.Reasoning)
	}
	return &u
}

// maxTokens is more than any answer uses.
const maxTokens = 1e9

func isCount(n float64) bool { return n >= 0 && n <= maxTokens && n == math.Trunc(n) }
