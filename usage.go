package chat

import "cmp"

// Usage counts the tokens of one answer as the provider reported them; 0 for what it did not
// report.
type Usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
	// The prompt's tokens include those that the provider read from its cache and those that
	// it wrote to it. Those of the completion include the reasoning.
	CachedTokens     int `json:"cached_tokens,omitempty"`
	CacheWriteTokens int `json:"cache_write_tokens,omitempty"`
	ReasoningTokens  int `json:"reasoning_tokens,omitempty"`
}

// Plus returns the tokens of both.
func (u Usage) Plus(v Usage) Usage {
	return Usage{
		PromptTokens: u.PromptTokens + v.PromptTokens, CompletionTokens: u.CompletionTokens + v.CompletionTokens, TotalTokens: u.TotalTokens + v.TotalTokens,
		CachedTokens: u.CachedTokens + v.CachedTokens, CacheWriteTokens: u.CacheWriteTokens + v.CacheWriteTokens, ReasoningTokens: u.ReasoningTokens + v.ReasoningTokens,
	}
}

// IsPossible reports whether no number is negative, and no part larger than the whole.
func (u Usage) IsPossible() bool {
	return min(u.PromptTokens, u.CompletionTokens, u.TotalTokens, u.CachedTokens, u.CacheWriteTokens, u.ReasoningTokens) >= 0 &&
		u.CachedTokens <= u.PromptTokens && u.CacheWriteTokens <= u.PromptTokens-u.CachedTokens && u.ReasoningTokens <= u.CompletionTokens
}

// ModelInfo is what is known of a model; a field is 0 if it is not known.
type ModelInfo struct {
	// Context is the number of tokens that fit, conversation and answer together.
	Context int `json:"context,omitempty"`
	// The prices are in US dollars for a million tokens. Tokens that are read from the
	// provider's cache, or written to it, have the price of input if theirs is not known.
	InputPrice       float64 `json:"input_price,omitempty"`
	OutputPrice      float64 `json:"output_price,omitempty"`
	CachedInputPrice float64 `json:"cached_input_price,omitempty"`
	CacheWritePrice  float64 `json:"cache_write_price,omitempty"`
}

// Or returns i, with what it does not know from other. The prices of one model are from one
// source: a price of the cache says nothing beside another price of input.
func (i ModelInfo) Or(other ModelInfo) ModelInfo {
	cache := other
	if i.InputPrice != 0 {
		cache = ModelInfo{}
	}
	return ModelInfo{
		Context: cmp.Or(i.Context, other.Context), InputPrice: cmp.Or(i.InputPrice, other.InputPrice), OutputPrice: cmp.Or(i.OutputPrice, other.OutputPrice),
		CachedInputPrice: cmp.Or(i.CachedInputPrice, cache.CachedInputPrice), CacheWritePrice: cmp.Or(i.CacheWritePrice, cache.CacheWritePrice),
	}
}

// HasPrice reports whether a price is known.
func (i ModelInfo) HasPrice() bool { return i.InputPrice > 0 || i.OutputPrice > 0 }

// Cost returns the price of tokens in US dollars, 0 if it is not known.
func (i ModelInfo) Cost(u Usage) float64 {
	fresh := u.PromptTokens - u.CachedTokens - u.CacheWriteTokens
	return (float64(fresh)*i.InputPrice +
		float64(u.CachedTokens)*cmp.Or(i.CachedInputPrice, i.InputPrice) +
		float64(u.CacheWriteTokens)*cmp.Or(i.CacheWritePrice, i.InputPrice) +
		float64(u.CompletionTokens)*i.OutputPrice) / 1e6
}
