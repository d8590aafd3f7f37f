package model

import (
	"context"
	"net/http"
	"time"

	"chat"
)

// Outcome is what became of a request to a provider, as far as its limits are concerned.
type Outcome int

// The outcomes of a request.
const (
	Accepted Outcome = iota
	Limited          // refused because of a rate limit
	Failed           // for another reason
)

// Permit is the permission to send the requests of one answer.
type Permit interface {
	// Responded is called with the headers of each response, and with the time that the provider
	// asks to wait if it was Limited.
	Responded(h http.Header, o Outcome, delay time.Duration)
	// End is called when the answer has ended, with what it used; nil if that is unknown.
	End(u *chat.Usage)
}

// Limiter says when a provider can be asked. Without a Permit it is to be asked again after wait;
// waited says that this is such a request.
type Limiter interface {
	Acquire(ctx context.Context, bucket string, p chat.Priority, waited bool) (permit Permit, wait time.Duration)
}

// Metered is a Provider with rate limits.
type Metered interface {
	// Bucket names the requests that share the limits of a model: a hash, which does not reveal
	// the key of the provider.
	Bucket(model string) string
}

// Turn is the right to ask a model.
type Turn struct {
	Provider string // its name

	to     Provider
	id     string
	permit Permit // nil without limits
}

// Responded records a response; see Permit.
func (t *Turn) Responded(h http.Header, o Outcome, delay time.Duration) {
	if t != nil && t.permit != nil {
		t.permit.Responded(h, o, delay)
	}
}

// Limits returns the name of a provider that has limits, "" if there are none to know of.
func (t *Turn) Limits() string {
	if t == nil || t.permit == nil {
		return ""
	}
	return t.Provider
}

// End gives the turn back; see Permit. It may be repeated.
func (t *Turn) End(u *chat.Usage) {
	if t != nil && t.permit != nil {
		t.permit.End(u)
		t.permit = nil
	}
}

// WaitError says that the rate limit of a provider does not allow a request now.
type WaitError struct {
	Provider string
	Wait     time.Duration
}

func (e *WaitError) Error() string {
	return "the rate limit of " + e.Provider + " does not allow a request now"
}

// Admission asks for a Turn.
type Admission struct {
	Model       string       // as in Request
	Credentials *Credentials // as in Request
	Priority    chat.Priority
	Waited      bool // a WaitError was returned for this request, and its time has come
}

// Admit returns the right to ask a model, or a *WaitError. A model that cannot be resolved is
// reported as Stream does.
func (r *Registry) Admit(ctx context.Context, a Admission) (*Turn, error) {
	p, id, err := r.resolve(ctx, a.Model, a.Credentials)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, chat.AsError(err)
	}
	t := &Turn{Provider: p.Name(), to: p, id: id}
	metered, ok := p.(Metered)
	if !ok || r.opts.Limiter == nil {
		return t, nil
	}
	permit, wait := r.opts.Limiter.Acquire(ctx, metered.Bucket(id), a.Priority, a.Waited)
	if permit == nil {
		return nil, &WaitError{Provider: p.Name(), Wait: wait}
	}
	t.permit = permit
	return t, nil
}
