package api

import (
	"context"
	"net/http"

	"chat"
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

// refuseModel is the answer to a message whose model was refused. The model must
// not stay on a conversation that was made for it.
func (s *Server) refuseModel(ctx context.Context, owner, conversationID, model string, refusal error) error {
	if !chat.IsCode(refusal, chat.CodeProviderModel) {
		return refusal
	}
	if err := s.store.DropModel(ctx, owner, conversationID, model); err != nil {
		s.opts.Logger.Warn("api: a refused model stays on its conversation", "conversation", conversationID, "err", err)
	}
	return refusal
}
