package model

import (
	"context"
	"slices"
	"strings"

	"chat"
)

// inexpensive are models for short texts, by the beginnings of their ids, the best first.
func inexpensive() []string {
	return []string{
		"gpt-5-nano", "gpt-4.1-nano", "gpt-4o-mini", "gpt-5-mini", "claude-haiku", "claude-3-5-haiku", "gemini-2.5-flash-lite", "gemini-2.0-flash-lite",
		"gemini-flash-lite", "gemini-2.5-flash", "ministral-8b", "mistral-small", "deepseek-chat", "grok-4-fast", "grok-3-mini", "llama-3.1-8b-instant",
		"qwen-flash", "qwen-turbo", "glm-4.5-air", "glm-4.5-flash", "nova-micro", "nova-lite", "command-r7b",
	}
}

// Inexpensive returns the name of a model for short texts about what the model with that name has
// answered: an inexpensive one of the same provider and the same maker, or else the same model. It
// is "" for the demo, and if the provider is not known. A local server would have to load another
// model, and its models have none of the known names and no prices.
func (r *Registry) Inexpensive(ctx context.Context, name string) string {
	p, id, err := r.resolve(ctx, name, nil)
	if err != nil || p == r.opts.Demo {
		return ""
	}
	list, err := r.list(ctx, p)
	if err != nil {
		return name
	}
	maker, own := cutMaker(id)
	if slices.ContainsFunc(inexpensive(), func(known string) bool { return strings.HasPrefix(own, known) }) {
		return name
	}
	for _, known := range inexpensive() {
		at := slices.IndexFunc(list.IDs, func(other string) bool {
			by, rest := cutMaker(other)
			return by == maker && strings.HasPrefix(rest, known) && !dearer(list.Info[other], list.Info[id])
		})
		if at >= 0 {
			return p.Name() + "/" + list.IDs[at]
		}
	}
	return name
}

// cutMaker divides an id such as openai/gpt-5 of a provider with models of others.
func cutMaker(id string) (maker, rest string) {
	if at := strings.LastIndexByte(id, '/'); at >= 0 {
		return id[:at], id[at+1:]
	}
	return "", id
}

// dearer reports whether a model is known to cost more than another one.
func dearer(a, b chat.ModelInfo) bool {
	return a.OutputPrice > b.OutputPrice && b.OutputPrice > 0
}
