package openai

import (
	"context"
	"net/http"

	"chat/daemon/model"
)

// Check returns the provider's settings and, withKey, whether the server accepts the key.
func (p *Provider) Check(ctx context.Context, withKey bool) model.Check {
	if !withKey {
		return p.to.Describe(nil)
	}
	return p.to.Describe(func() (*http.Response, error) {
		req, err := p.to.NewRequest(ctx, http.MethodPost, completions, []byte(`{"messages":[]}`), false)
		if err != nil {
			return nil, p.to.ConnectError(err)
		}
		return p.to.roundTrip(req)
	})
}
