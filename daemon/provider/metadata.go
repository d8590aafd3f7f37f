package provider

import (
	"encoding/json"
	"math"
	"strconv"

	"chat"
)

// entryFacts are what servers say of a model in GET /models, besides what OpenAI's
// do: nobody has agreed on it. Nothing of it is needed, so that what is written in
// another way is left out, and no reason to refuse the list.
type entryFacts struct {
	ContextLength    json.RawMessage `json:"context_length"`     // OpenRouter, Together
	ContextWindow    json.RawMessage `json:"context_window"`     // Groq
	MaxContextLength json.RawMessage `json:"max_context_length"` // Mistral, LM Studio
	MaxModelLen      json.RawMessage `json:"max_model_len"`      // vLLM
	Meta             json.RawMessage `json:"meta"`               // llama.cpp
	Pricing          json.RawMessage `json:"pricing"`            // OpenRouter: dollars for a token
}

// The bounds of what is believed.
const (
	maxContext = 100_000_000
	maxPrice   = 100_000 // dollars for a million tokens
	million    = 1e6
)

func (f entryFacts) facts() chat.ModelInfo {
	var out chat.ModelInfo
	for _, raw := range []json.RawMessage{f.ContextLength, f.ContextWindow, f.MaxContextLength, f.MaxModelLen, field(f.Meta, "n_ctx"), field(f.Meta, "n_ctx_train")} {
		if n := quantity(raw, maxContext); out.Context == 0 && n >= 1 {
			out.Context = int(n)
		}
	}
	out.InputPrice = rounded(quantity(field(f.Pricing, "prompt"), maxPrice/million) * million)
	out.OutputPrice = rounded(quantity(field(f.Pricing, "completion"), maxPrice/million) * million)
	return out
}

// rounded takes off what a price for one token cannot say exactly.
func rounded(price float64) float64 { return math.Round(price*million) / million }

// field is one field of an object, nil if there is none.
func field(raw json.RawMessage, name string) json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return nil
	}
	return object[name]
}

// quantity is a number up to most, written as one or as a string, or else 0.
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

// factsOf are the facts of the entries that tell any, by id.
func factsOf(entries []modelEntry) map[string]chat.ModelInfo {
	all := map[string]chat.ModelInfo{}
	for _, m := range entries {
		if f := m.facts(); f != (chat.ModelInfo{}) && len(all) < maxModels {
			all[string(m.ID)] = f
		}
	}
	return all
}
