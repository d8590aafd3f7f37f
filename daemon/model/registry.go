package model

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"chat"
)

// DemoModel is the id of the built-in demo, and the name of its provider.
const DemoModel = "demo"

// Detector finds providers that come and go, such as local servers.
type Detector interface {
	// Names returns the names of all providers that it looks for, found or not.
	Names() []string
	// Find returns the running providers. The result may be some seconds old; recheck
	// renews it unless it is new.
	Find(ctx context.Context, recheck bool) ([]Detected, error)
	// Known returns each provider that was ever found, even if it has gone, with the list
	// that it had last.
	Known() []Detected
	// Empty is the error of a server that is there and has no models, nil if there is
	// none.
	Empty() error
}

// Detected is a detected provider with its models.
type Detected struct {
	Provider Provider
	List     List
}

// Options are the settings of a Registry.
type Options struct {
	// Providers are the configured ones that a client's own provider replaces. The first is
	// the default.
	Providers []Provider
	// Named are the configured ones with a name of their own, which come after Providers.
	Named []Provider
	// Unusable, if set, says why a provider that should be configured cannot be used.
	Unusable error
	// UnusableSource is the setting of its base URL.
	UnusableSource string
	// Local finds local servers in addition to Providers; nil finds none.
	Local Detector
	// Demo answers when there is no other provider.
	Demo Provider
	// Own returns the provider of a client's own credentials.
	Own func(Credentials) (Provider, error)
	// DefaultModel is the name of the model that answers when none is named.
	DefaultModel string
	// Limiter, if not nil, says when a provider can be asked.
	Limiter Limiter
	Logger  *slog.Logger
}

// Registry knows the models that can answer. It is safe for concurrent use.
type Registry struct {
	opts Options

	mu   sync.Mutex
	slow map[Provider]time.Time // when a configured provider last did not list its models in time
}

// NewRegistry returns a Registry.
func NewRegistry(o Options) *Registry {
	r := &Registry{opts: o, slow: map[Provider]time.Time{}}
	if r.opts.Logger == nil {
		r.opts.Logger = slog.New(slog.DiscardHandler)
	}
	return r
}

// Stream yields the answer to a request, as Provider.Stream does.
func (r *Registry) Stream(ctx context.Context, req Request) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) { r.open(ctx, req)(yield) }
}

// open resolves the model of a request and returns the answer, which may be an error only.
// It returns before the answer begins, so that its frame is not held during it.
//
//go:noinline
func (r *Registry) open(ctx context.Context, req Request) iter.Seq2[Event, error] {
	if t := req.Turn; t != nil {
		req.Model = t.id
		return t.to.Stream(ctx, req)
	}
	p, id, err := r.resolve(ctx, req.Model, req.Credentials)
	switch {
	case err == nil:
		req.Model = id
		return p.Stream(ctx, req)
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	default:
		err = chat.AsError(err)
	}
	return func(yield func(Event, error) bool) { yield(Event{}, err) }
}

// Abandon ends the answer to a request, as Abandoner.Abandon does, if it has an Upstream.
func (r *Registry) Abandon(ctx context.Context, req Request) {
	if req.Upstream == "" {
		return
	}
	p, _, err := r.resolve(ctx, req.Model, req.Credentials)
	if err != nil {
		return // the answer ends later
	}
	if a, ok := p.(Abandoner); ok {
		a.Abandon(ctx, req.Upstream)
	}
}

// Unusable says why a configured provider cannot be used, nil if it can or if there is
// none.
func (r *Registry) Unusable() error { return r.opts.Unusable }

// Configured reports whether own are the settings of a configured provider.
func (r *Registry) Configured(own Credentials) bool {
	uses := func(p Provider) bool { return p.Uses(own) }
	return slices.ContainsFunc(r.opts.Providers, uses) || slices.ContainsFunc(r.opts.Named, uses)
}

// Tidy deletes the copies of attachments that were deleted, at all configured providers.
func (r *Registry) Tidy(ctx context.Context, c Copies) {
	for _, p := range slices.Concat(r.opts.Providers, r.opts.Named) {
		t, ok := p.(Tidier)
		if !ok {
			continue
		}
		if err := t.Tidy(ctx, c); err != nil {
			r.opts.Logger.WarnContext(ctx, "copies of deleted attachments stay at a provider until later", "provider", p.Name(), "error", err)
		}
	}
}
