package openai

import (
	"encoding/json"
	"math"
	"strconv"

	"chat"
	"chat/daemon/model/transport"
)

// entryMetadata is what servers add to OpenAI's fields of a model in GET /models.
// There is no standard for it. All of it is optional: a value of an unknown shape
// is ignored and does not make the list invalid.
type entryMetadata struct {
	ContextLength    json.RawMessage `json:"context_length"`     // OpenRouter, Together
	ContextWindow    json.RawMessage `json:"context_window"`     // Groq
	MaxContextLength json.RawMessage `json:"max_context_length"` // Mistral, LM Studio
	MaxModelLen      json.RawMessage `json:"max_model_len"`      // vLLM
	Meta             json.RawMessage `json:"meta"`               // llama.cpp
	Pricing          json.RawMessage `json:"pricing"`            // OpenRouter: dollars for a token
}

// Larger values are ignored.
const (
	maxContext = 100_000_000
	maxPrice   = 100_000 // dollars for a million tokens
	million    = 1e6
)

func (f entryMetadata) info() chat.ModelInfo {
	var out chat.ModelInfo
	for _, raw := range []json.RawMessage{f.ContextLength, f.ContextWindow, f.MaxContextLength, f.MaxModelLen, field(f.Meta, "n_ctx"), field(f.Meta, "n_ctx_train")} {
		if n := quantity(raw, maxContext); out.Context == 0 && n >= 1 {
			out.Context = int(n)
		}
	}
	for name, price := range map[string]*float64{
		"prompt": &out.InputPrice, "completion": &out.OutputPrice, "input_cache_read": &out.CachedInputPrice, "input_cache_write": &out.CacheWritePrice,
	} {
		*price = rounded(quantity(field(f.Pricing, name), maxPrice/million) * million)
	}
	return out
}

// rounded removes the error of floating-point prices.
func rounded(price float64) float64 { return math.Round(price*million) / million }

// field is one field of an object, nil if there is none.
func field(raw json.RawMessage, name string) json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return nil
	}
	return object[name]
}

// quantity reads a number of at most most, written as a number or a string, or returns 0.
func quantity(raw json.RawMessage, most float64) float64 {
	text := string(raw)
	if s := ""; json.Unmarshal(raw, &s) == nil {
		text = s
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n > 0 && n <= most) {
		return 0
	}
	return n
}

// metadataOf maps the ids of the entries that have metadata to it.
func metadataOf(entries []modelEntry) map[string]chat.ModelInfo {
	all := map[string]chat.ModelInfo{}
	for _, m := range entries {
		if f := m.info(); f != (chat.ModelInfo{}) && len(all) < transport.MaxModels {
			all[string(m.ID)] = f
		}
	}
	return all
}
