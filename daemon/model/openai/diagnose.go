package openai

import (
	"context"
	"io"
	"net/http"
	"strings"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/openai/apierror"
)

// Check returns the provider's settings and, withKey, whether the server accepts the key.
func (p *Provider) Check(ctx context.Context, withKey bool) model.Check {
	out := model.Check{Provider: p.to.name, URL: p.to.base, Source: p.to.from.BaseURL, Proxy: p.to.proxy()}
	if p.to.key == "" {
		return out
	}
	out.Key = p.to.from.key()
	if withKey {
		if err := p.to.tryKey(ctx); err != nil {
			out.Outcome = chat.AsError(err)
		}
	}
	return out
}

// tryKey requests an answer to no message: some providers list their models without a key,
// and keys are checked before anything else. Only errors about the key count.
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
	body, _ := io.ReadAll(io.LimitReader(resp.Body, apierror.MaxBody)) // what can be read of the explanation is enough
	if err := e.statusError(resp.StatusCode, resp.Header, body, ""); chat.IsCode(err, chat.CodeProviderAuth) {
		return err
	}
	return nil
}
