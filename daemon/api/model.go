package api

import (
	"context"
	"net/http"
)

// checkModel returns an error for a model that its provider does not list, before anything
// is stored. A repeated idempotency key passes, because it gets the first result even if the
// model is gone.
func (s *Server) checkModel(ctx context.Context, owner, model, idempotencyKey string, c Credentials) error {
	if model == "" {
		return nil
	}
	refusal := s.provider.CheckModel(ctx, model, c)
	if refusal == nil || idempotencyKey == "" {
		return refusal
	}
	known, err := s.store.KeyKnown(ctx, owner, idempotencyKey)
	if err != nil || known {
		return err
	}
	return refusal
}

// checkConversationModel checks the model of a conversation if the provider is known. Over
// the socket it is not: each message may come with other credentials.
func (s *Server) checkConversationModel(r *http.Request, p principal, model, idempotencyKey string) error {
	if !p.local {
		return s.checkModel(r.Context(), p.owner, model, idempotencyKey, Credentials{})
	}
	c, err := s.credentialsOf(r, p)
	if err != nil || r.Header.Get("Chat-Provider-Key")+r.Header.Get("Chat-Provider-Base-Url") == "" {
		return err
	}
	return s.checkModel(r.Context(), p.owner, model, idempotencyKey, c)
}
