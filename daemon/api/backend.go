package api

import (
	"bytes"
	"context"
	"net/http"

	"chat"
	"chat/daemon/api/body"
	"chat/daemon/api/surface"
	"chat/daemon/follow"
)

// backend is the server as the wire formats see it.
type backend struct{ *Server }

var _ surface.Backend = backend{}

func (b backend) Store() surface.Store { return b.store }

func (b backend) Owner(r *http.Request) string { return principalOf(r).owner }

func (b backend) Submit(r *http.Request, sub chat.Submission, body any) (chat.Accepted, bool, error) {
	sub.Standalone = true // clients of these formats send all parameters with each request
	return b.accepted(r, func(r *http.Request) (reply, error) { return b.submitMessage(r, principalOf(r), sub, body) })
}

func (b backend) Regenerate(r *http.Request, messageID, model string, body any) (chat.Accepted, bool, error) {
	return b.accepted(r, func(r *http.Request) (reply, error) {
		return b.remake(r, principalOf(r), messageID, chat.Regeneration{Model: model}, body)
	})
}

// accepted runs a call that accepts a task, within the usual time.
func (b backend) accepted(r *http.Request, call func(*http.Request) (reply, error)) (chat.Accepted, bool, error) {
	ctx, cancel := context.WithTimeout(r.Context(), b.opts.StoreTimeout)
	defer cancel()
	rep, err := call(r.WithContext(ctx))
	if err != nil {
		return chat.Accepted{}, false, err
	}
	acc, _ := rep.body.(chat.Accepted)
	return acc, rep.header["Idempotent-Replay"] != "", nil
}

func (b backend) Upload(r *http.Request, data []byte) (chat.Attachment, error) {
	a, _, err := b.keep(r.Context(), principalOf(r).owner, data)
	return a, err
}

func (b backend) Stop(r *http.Request, taskID string) (chat.Task, bool, error) {
	return b.stop(r, principalOf(r).owner, taskID)
}

func (b backend) Delete(r *http.Request, conversationID string) error {
	return b.delete(r, principalOf(r).owner, conversationID)
}

func (b backend) ListModels(r *http.Request) ([]chat.Model, error) {
	c, err := b.credentialsOf(r, principalOf(r))
	if err != nil {
		return nil, err
	}
	list, _, err := b.provider.Models(r.Context(), c)
	return list, err
}

func (b backend) Follow(r *http.Request, taskID string, after chat.Position) (*follow.Stream, error) {
	ctx, cancel := context.WithTimeout(r.Context(), b.opts.StoreTimeout)
	defer cancel()
	return b.follower.Open(ctx, principalOf(r).owner, taskID, after)
}

func (b backend) Send(w http.ResponseWriter, r *http.Request, s *follow.Stream, e surface.Encoder) {
	b.send(w, r, s, e)
}

func (b backend) Fail(w http.ResponseWriter, r *http.Request, err error) { b.fail(w, r, err) }

func (b backend) Report(r *http.Request, err error) int {
	b.logFailure(r, err)
	return statusOf(chat.CodeOf(err))
}

func (b backend) SubmitJSON(r *http.Request, message []byte) (chat.Accepted, bool, error) {
	var sub chat.Submission
	if err := body.Known(bytes.NewReader(message), &sub); err != nil {
		return chat.Accepted{}, false, err
	}
	return b.accepted(r, func(r *http.Request) (reply, error) { return b.submitDecoded(r, principalOf(r), sub) })
}

func (b backend) Identify(r *http.Request, token string) (*http.Request, error) {
	if token == "" && principalOf(r) != (principal{}) {
		return r, nil
	}
	owner, err := b.ownerOfToken(token)
	if err != nil {
		b.refused.log(b.opts.Logger, r, chat.AsError(err).Summary())
		return nil, err
	}
	return r.WithContext(context.WithValue(r.Context(), principalKey, principal{owner: owner})), nil
}

func (b backend) Acquire() (func(), error) { return b.acquire() }

func (b backend) Live(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(r.Context())
	stop := context.AfterFunc(b.draining, func() { cancel(errLeaving()) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}
