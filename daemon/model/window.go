package model

import (
	"context"
	"strings"

	"chat"
)

// Describe returns the full name of the model that a request for name leads to,
// provider/model, and what its provider reports about it. Without an answer of the provider
// within a second it reports nothing.
func (r *Registry) Describe(ctx context.Context, name string, own *Credentials) (full string, info chat.ModelInfo) {
	p, id, err := r.resolve(ctx, name, own)
	if err != nil {
		return name, info
	}
	full = p.Name() + "/" + id
	info = r.allOf(ctx, p).Info[id]
	if info.Context == 0 {
		info.Context = KnownWindow(id)
	}
	return full, info
}

// KnownWindow returns the context of a model whose provider lists none, by the beginning of
// its id; 0 if it is not known. Their makers publish these numbers.
func KnownWindow(id string) int {
	if _, after, found := strings.Cut(id, "/"); found {
		id = after
	}
	for _, known := range []struct {
		name    string // the id, or what is before a dash
		context int
	}{
		{"gpt-3.5-turbo", 16_385},
		{"gpt-4-turbo", 128_000},
		{"gpt-4o", 128_000},
		{"chatgpt-4o", 128_000},
		{"gpt-4.1", 1_047_576},
		{"gpt-4", 8_192},
		{"gpt-5", 400_000},
		{"gpt-5.1", 400_000},
		{"gpt-5.2", 400_000},
		{"o1", 200_000},
		{"o3", 200_000},
		{"o4", 200_000},
		{"claude", 200_000},
	} {
		if id == known.name || strings.HasPrefix(id, known.name+"-") {
			return known.context
		}
	}
	return 0
}
