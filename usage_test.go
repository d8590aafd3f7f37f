package chat_test

import (
	"math"
	"testing"

	"chat"
)

func TestTokensOfTheCacheHaveTheirPrice(t *testing.T) {
	u := chat.Usage{PromptTokens: 1_000_000, CompletionTokens: 100_000, CachedTokens: 600_000, CacheWriteTokens: 100_000, ReasoningTokens: 90_000}
	for name, tc := range map[string]struct {
		info chat.ModelInfo
		want float64
	}{
		"unknown":         {chat.ModelInfo{}, 0},
		"without a cache": {chat.ModelInfo{InputPrice: 3, OutputPrice: 15}, 3 + 1.5},
		"cached":          {chat.ModelInfo{InputPrice: 3, OutputPrice: 15, CachedInputPrice: 0.3}, 0.4*3 + 0.6*0.3 + 1.5},
		"written":         {chat.ModelInfo{InputPrice: 3, OutputPrice: 15, CachedInputPrice: 0.3, CacheWritePrice: 3.75}, 0.3*3 + 0.6*0.3 + 0.1*3.75 + 1.5},
		"free output":     {chat.ModelInfo{InputPrice: 2}, 2},
	} {
		if got := tc.info.Cost(u); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

func TestPricesOfAModelHaveOneSource(t *testing.T) {
	reported := chat.ModelInfo{Context: 8000, InputPrice: 3, OutputPrice: 15, CachedInputPrice: 0.3, CacheWritePrice: 3.75}
	for name, tc := range map[string]struct{ set, want chat.ModelInfo }{
		"none":    {chat.ModelInfo{}, reported},
		"context": {chat.ModelInfo{Context: 1}, chat.ModelInfo{Context: 1, InputPrice: 3, OutputPrice: 15, CachedInputPrice: 0.3, CacheWritePrice: 3.75}},
		"input":   {chat.ModelInfo{InputPrice: 1}, chat.ModelInfo{Context: 8000, InputPrice: 1, OutputPrice: 15}},
		"cache":   {chat.ModelInfo{CachedInputPrice: 1}, chat.ModelInfo{Context: 8000, InputPrice: 3, OutputPrice: 15, CachedInputPrice: 1, CacheWritePrice: 3.75}},
	} {
		if got := tc.set.Or(reported); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}

func TestTokensAreAdded(t *testing.T) {
	a := chat.Usage{PromptTokens: 1, CompletionTokens: 2, TotalTokens: 3, CachedTokens: 4, CacheWriteTokens: 5, ReasoningTokens: 6}
	b := chat.Usage{PromptTokens: 10, CompletionTokens: 20, TotalTokens: 30, CachedTokens: 40, CacheWriteTokens: 50, ReasoningTokens: 60}
	if got, want := a.Plus(b), (chat.Usage{PromptTokens: 11, CompletionTokens: 22, TotalTokens: 33, CachedTokens: 44, CacheWriteTokens: 55, ReasoningTokens: 66}); got != want {
		t.Errorf("%+v", got)
	}
}
