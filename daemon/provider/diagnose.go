package provider

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"chat"
	"chat/daemon/model"
)

// Check is what was found out about a provider, for diagnostics.
type Check struct {
	Provider string `json:"provider"` // its name, as in openai or ollama; "demo" if there is none
	URL      string `json:"url,omitempty"`
	Source   string `json:"source,omitempty"`     // of the base URL, as in Sources
	Key      string `json:"key_source,omitempty"` // "" without a key
	Proxy    string `json:"proxy,omitempty"`      // the variable and its proxy, if calls go through one
	Models   int    `json:"models"`
	Default  string `json:"default,omitempty"`
	Unlisted bool   `json:"unlisted,omitempty"` // the provider does not list Default
	// Outcome is why it cannot answer, with what to do; nil if it can.
	Outcome *chat.Error `json:"outcome,omitempty"`
}

// checkTimeout bounds a Check.
const checkTimeout = 20 * time.Second

// Check asks the configured provider, or the one of own if it is not nil, for its
// models, and whether it takes the key. No answer is made for that.
func (r *Registry) Check(ctx context.Context, own *model.Credentials) Check {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	to, err := r.remote(own)
	if err != nil {
		return Check{Provider: "configured", Source: r.cfg.Sources.BaseURL, Outcome: chat.AsError(err)}
	}
	out := Check{Provider: DemoModel}
	if to != nil {
		out = Check{Provider: to.name, URL: to.base, Source: to.from.BaseURL, Proxy: to.proxy()}
		if to.key != "" {
			out.Key = to.from.key()
		}
	}
	list, err := r.Models(ctx, own)
	for _, m := range list {
		if m.Default {
			out.Default, out.Unlisted = m.ID, m.Unlisted
			if to == nil {
				out.Provider = m.Provider
			}
		}
	}
	out.Models = len(list) - 1 // without the demo
	if err == nil && to != nil && to.key != "" {
		err = to.tryKey(ctx)
	}
	if err != nil {
		out.Outcome = chat.AsError(err)
	}
	return out
}

// tryKey asks for an answer to nothing: the list of models is public at some
// providers, and keys are checked before anything else is. Only what is said of the
// key counts.
func (e *endpoint) tryKey(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.base+completions, strings.NewReader(`{"messages":[]}`))
	if err != nil {
		return e.connectError(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := e.roundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // the status is all that counts
	if resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusBadRequest {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // what can be read of the explanation is enough
	if err := e.statusError(resp.StatusCode, resp.Header, body, ""); chat.IsCode(err, chat.CodeProviderAuth) {
		return err
	}
	return nil
}
