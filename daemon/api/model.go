package api

import (
	"context"
	"net/http"
)

// checkModel refuses a model that its provider is known not to have, before it is
// stored. A repetition is answered as it was the first time, whatever became of
// the model since.
func (s *Server) checkModel(ctx context.Context, owner, model, idempotencyKey string, c credentials) error {
	if model == "" {
		return nil
	}
	refusal := s.provider.CheckModel(ctx, model, c.key, c.baseURL)
	if refusal == nil || idempotencyKey == "" {
		return refusal
	}
	known, err := s.store.KeyKnown(ctx, owner, idempotencyKey)
	if err != nil || known {
		return err
	}
	return refusal
}

// checkConversationModel does so for a conversation, if it can be told which
// provider its messages will go to: over the socket each may bring its own.
func (s *Server) checkConversationModel(r *http.Request, p principal, model, idempotencyKey string) error {
	if !p.local {
		return s.checkModel(r.Context(), p.owner, model, idempotencyKey, credentials{})
	}
	c, err := s.credentialsOf(r, p)
	if err != nil || r.Header.Get("Chat-Provider-Key")+r.Header.Get("Chat-Provider-Base-Url") == "" {
		return err
	}
	return s.checkModel(r.Context(), p.owner, model, idempotencyKey, c)
}
