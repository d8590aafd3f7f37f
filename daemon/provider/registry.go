package provider

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"sync"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/daemon/provider/demo"
)

// Registry knows the models that can answer. It is safe for concurrent use.
type Registry struct {
	cfg       Config
	transport http.RoundTripper
	demo      *endpoint
	// configured is nil without a configured provider; badConfig says what is
	// wrong with it.
	configured *endpoint
	badConfig  error

	locals  *locals
	learned learned

	listMu sync.Mutex // guards what follows
	listed listing    // the configured provider's models
	listAt time.Time
	muteAt time.Time // when it last did not list them in time for a check

	pathsMu sync.Mutex
	paths   map[string]*apiPath // of clients' own providers, by base URL
}

// New returns a Registry. A base URL that is not usable is reported by every
// call that needs it, so that a daemon with a bad setting still starts.
func New(cfg Config) *Registry {
	cfg = cfg.withDefaults()
	r := &Registry{cfg: cfg, transport: cfg.Transport}
	if r.transport == nil {
		r.transport = newNetwork(cfg.Authorities, cfg.Lookup)
	}
	r.demo = &endpoint{
		name: demo.Model, base: "http://demo.invalid/v1", origin: "http://demo.invalid:80", host: "the demo",
		transport: handlerTransport{demo.New(cfg.Demo)}, apiPath: new(apiPath),
	}
	if cfg.Unusable != nil {
		r.badConfig = cfg.Unusable
	} else if cfg.BaseURL != "" || cfg.Key != "" {
		base := cfg.BaseURL
		if base == "" {
			base = DefaultBaseURL
		}
		r.configured, r.badConfig = newEndpoint(base, cfg.Key, cfg.Sources, r.transport)
	} else if cfg.Discover {
		r.locals = newLocals(cfg.Discovery, r.transport, cfg.Logger)
	}
	return r
}

// Close closes idle connections. Streams end with their contexts.
func (r *Registry) Close() {
	if c, ok := r.transport.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Stream yields the answer to a request: events, the last of which has a
// Finish; or an error, which is the last thing yielded. Errors are *chat.Error
// with a provider code, Retryable and RetryAfter set; when ctx ends it is the
// context's cause, and the provider's connection is closed at once, as it is
// when the caller stops ranging.
func (r *Registry) Stream(ctx context.Context, req model.Request) iter.Seq2[model.Event, error] {
	return func(yield func(model.Event, error) bool) {
		err := r.stream(ctx, req, func(e model.Event) error {
			if !yield(e, nil) {
				return errStopped
			}
			return nil
		})
		switch {
		case err == nil || errors.Is(err, errStopped):
		case ctx.Err() != nil:
			yield(model.Event{}, context.Cause(ctx))
		default:
			yield(model.Event{}, chat.AsError(err))
		}
	}
}

// errStopped says that the caller stopped ranging.
var errStopped = errors.New("the reader of the answer stopped")

func (r *Registry) stream(ctx context.Context, req model.Request, emit func(model.Event) error) error {
	to, model, err := r.resolve(ctx, req.Model, req.Credentials)
	if err != nil {
		return err
	}
	c := call{to: to, limits: r.cfg.Limits, draft: r.learned.draft(to, model, req), known: &r.learned, emit: emit, pause: r.cfg.Pause}
	err = c.stream(ctx)
	if to.local && chat.IsCode(err, chat.CodeProviderConnect) {
		r.locals.forget()
	}
	return err
}

// Unusable says why the configured provider cannot be asked, nil if it can or if
// there is none.
func (r *Registry) Unusable() error { return r.badConfig }
