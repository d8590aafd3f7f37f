package model

import (
	"context"
	"sync"
	"time"

	"chat"
)

// Check is the diagnosis of a provider.
type Check struct {
	Provider string       `json:"provider"` // its name, as in openai or ollama; "demo" if there is none
	URL      string       `json:"url,omitempty"`
	Source   string       `json:"source,omitempty"`     // the setting of the base URL
	Key      string       `json:"key_source,omitempty"` // the setting of the key; "" without a key
	Proxy    string       `json:"proxy,omitempty"`      // the variable and its proxy, if calls go through one
	Models   int          `json:"models"`               // those of the provider
	All      []chat.Model `json:"-"`                    // what Registry.Models lists
	Default  string       `json:"default,omitempty"`
	Unlisted bool         `json:"unlisted,omitempty"` // the provider does not list Default
	// Outcome is why it cannot answer, with what to do; nil if it can.
	Outcome *chat.Error `json:"outcome,omitempty"`
}

// checkTimeout bounds a Check.
const checkTimeout = 20 * time.Second

// Check asks the default provider, or the one of own if it is not nil, for its models,
// and whether it accepts the key. No answer is made.
func (r *Registry) Check(ctx context.Context, own *Credentials) Check {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	providers, err := r.providers(own)
	if err != nil {
		return Check{Provider: "configured", Source: r.opts.UnusableSource, Outcome: chat.AsError(err)}
	}
	list, _, err := r.models(ctx, providers, nil)
	out := Check{Provider: DemoModel}
	if len(providers) > 0 {
		out = providers[0].Check(ctx, err == nil)
	}
	out.All = list
	for _, m := range list {
		if m.Default {
			out.Default, out.Unlisted = m.ID, m.Unlisted
			if len(providers) == 0 {
				out.Provider = m.Provider
			}
		}
		if m.ID != DemoModel && (len(providers) == 0 || m.Provider == out.Provider) {
			out.Models++
		}
	}
	if err != nil {
		out.Outcome = chat.AsError(err)
	}
	return out
}

// CheckNamed checks the providers with a name of their own, at the same time.
func (r *Registry) CheckNamed(ctx context.Context) []Check {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	out := make([]Check, len(r.opts.Named))
	var asking sync.WaitGroup
	for i, p := range r.opts.Named {
		asking.Go(func() {
			list, err := r.list(ctx, p)
			if err == nil && !list.NoList {
				err = list.Empty
			}
			out[i] = p.Check(ctx, err == nil)
			out[i].Models, out[i].Default = len(list.IDs), p.DefaultModel()
			if err != nil {
				out[i].Outcome = chat.AsError(err)
			}
		})
	}
	asking.Wait()
	return out
}
