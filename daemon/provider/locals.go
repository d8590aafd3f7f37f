package provider

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"chat"
)

// local is a local server that was found, with its models.
type local struct {
	to    *endpoint
	ids   []string
	facts map[string]chat.ModelInfo
}

// settled is how long a look is not repeated even for a model it did not find.
const settled = 2 * time.Second

// locals finds local model servers: all are asked for their models at once, and
// what is found is believed for a while.
type locals struct {
	opts   Discovery
	at     []*endpoint
	logger *slog.Logger

	looking chan struct{} // holds a token while somebody looks

	mu    sync.Mutex // guards what follows
	found []local
	empty *endpoint // the first server that is there and has no models
	known []local   // the last ones found, gone or not
	asOf  time.Time
}

func newLocals(opts Discovery, transport http.RoundTripper, logger *slog.Logger) *locals {
	l := &locals{opts: opts, logger: logger, looking: make(chan struct{}, 1)}
	for _, place := range opts.Locals {
		e, err := newEndpoint(place.BaseURL, "", Sources{BaseURL: "the list of local servers"}, transport)
		if err != nil {
			logger.Warn("provider: a local server's address is not usable", "name", place.Name, "err", err)
			continue
		}
		e.name, e.local = place.Name, true
		l.at = append(l.at, e)
	}
	return l
}

// find returns the servers that are there, in the order of their places. again
// looks once more even if the last look is still believed, unless it was just now.
func (l *locals) find(ctx context.Context, again bool) ([]local, error) {
	select {
	case l.looking <- struct{}{}:
		defer func() { <-l.looking }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	every := l.opts.Every
	if again {
		every = min(every, settled)
	}
	l.mu.Lock()
	found, fresh := l.found, !l.asOf.IsZero() && time.Since(l.asOf) < every
	l.mu.Unlock()
	if fresh {
		return found, nil
	}
	found, empty := l.look(ctx)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // what was found may not be all
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.found, l.empty, l.asOf = found, empty, time.Now()
	if len(found) > 0 {
		l.known = found
	}
	return found, nil
}

// look asks all places.
func (l *locals) look(ctx context.Context) (found []local, empty *endpoint) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Budget)
	defer cancel()
	seen, none := make([]local, len(l.at)), make([]bool, len(l.at))
	var asking sync.WaitGroup
	for i, e := range l.at {
		asking.Go(func() {
			given, err := e.models(ctx)
			if err != nil {
				l.logger.Debug("provider: no local server", "name", e.name, "err", err)
				return
			}
			seen[i] = local{e, genuine(given.entries), metadataOf(given.entries)}
			none[i] = given.proper && len(given.entries) == 0
		})
	}
	asking.Wait()
	for i, s := range seen {
		switch {
		case len(s.ids) > 0:
			found = append(found, s)
		case none[i] && empty == nil:
			empty = l.at[i]
		}
	}
	return found, empty
}

// noModels is the error if a server was found and has no models, else nil.
func (l *locals) noModels() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.empty == nil || len(l.found) > 0 {
		return nil
	}
	return l.empty.noModels()
}

// forget makes the next find look again.
func (l *locals) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asOf = time.Time{}
}

// seen are the servers that were found last, whether they are still there or not.
func (l *locals) seen() []local {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known
}
