// Package local detects model servers on this machine. All of them are asked for their
// models at the same time, within a short budget, and the result is kept for a while.
// They speak the dialect of package openai.
package local

import (
	"context"
	"iter"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/openai"
	"chat/daemon/model/transport"
)

// Server is a place where a model server may listen.
type Server struct {
	Name    string
	BaseURL string
}

// DefaultServers are where Ollama, LM Studio and llama.cpp listen by default.
func DefaultServers() []Server {
	return []Server{
		{Name: "ollama", BaseURL: "http://127.0.0.1:11434/v1"},
		{Name: "lmstudio", BaseURL: "http://127.0.0.1:1234/v1"},
		{Name: "llamacpp", BaseURL: "http://127.0.0.1:8080/v1"},
	}
}

// NameOf returns the name of the default server that listens at host, "" if there is
// none. host has a port, and is of this machine.
func NameOf(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil || name != "localhost" && name != "127.0.0.1" && name != "::1" {
		return ""
	}
	for _, s := range DefaultServers() {
		if u, err := url.Parse(s.BaseURL); err == nil && u.Port() == port {
			return s.Name
		}
	}
	return ""
}

// Options configure a Detector; zero values mean defaults.
type Options struct {
	Servers []Server      // DefaultServers
	Budget  time.Duration // for all of them together; 300 ms
	MaxAge  time.Duration // how long a result is kept; 30 s
	Logger  *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Servers == nil {
		o.Servers = DefaultServers()
	}
	if o.Budget <= 0 {
		o.Budget = 300 * time.Millisecond
	}
	if o.MaxAge <= 0 {
		o.MaxAge = 30 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// minAge is how long a result is kept even if a model was not in it.
const minAge = 2 * time.Second

// Detector finds local servers. It implements model.Detector.
type Detector struct {
	opts    Options
	servers []*server

	detecting chan struct{} // holds a token while the servers are asked

	mu    sync.Mutex // guards what follows
	found []model.Detected
	empty error            // of the first server that is there and has no models
	known []model.Detected // each server that was found, with its last list
	asOf  time.Time
}

// New returns a Detector that reaches the servers through client.
func New(client *openai.Client, opts Options) *Detector {
	opts = opts.withDefaults()
	d := &Detector{opts: opts, detecting: make(chan struct{}, 1)}
	for _, s := range opts.Servers {
		p, err := client.Provider(openai.Settings{
			Name: s.Name, BaseURL: s.BaseURL, Sources: transport.Sources{BaseURL: "the list of local servers"}, Local: true,
		})
		if err != nil {
			opts.Logger.Warn("local: the address of a server is not usable", "name", s.Name, "err", err)
			continue
		}
		d.servers = append(d.servers, &server{p, d})
	}
	return d
}

// server is a provider whose failure to connect makes the next Find ask again.
type server struct {
	*openai.Provider
	detector *Detector
}

// Stream implements model.Provider.
func (s *server) Stream(ctx context.Context, req model.Request) iter.Seq2[model.Event, error] {
	return func(yield func(model.Event, error) bool) {
		s.Provider.Stream(ctx, req)(func(e model.Event, err error) bool {
			if chat.IsCode(err, chat.CodeProviderConnect) {
				s.detector.expire()
			}
			return yield(e, err)
		})
	}
}

// Find returns the servers that are there, in the order of Options.Servers.
func (d *Detector) Find(ctx context.Context, recheck bool) ([]model.Detected, error) {
	select {
	case d.detecting <- struct{}{}:
		defer func() { <-d.detecting }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	maxAge := d.opts.MaxAge
	if recheck {
		maxAge = min(maxAge, minAge)
	}
	d.mu.Lock()
	found, fresh := d.found, !d.asOf.IsZero() && time.Since(d.asOf) < maxAge
	d.mu.Unlock()
	if fresh {
		return found, nil
	}
	found, empty := d.detect(ctx)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // found may be incomplete
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.found, d.empty, d.asOf = found, empty, time.Now()
	for _, f := range found {
		// A new slice, because Known has returned the old one.
		d.known = append(slices.DeleteFunc(slices.Clone(d.known), func(k model.Detected) bool { return k.Provider == f.Provider }), f)
	}
	return found, nil
}

// detect asks all servers.
func (d *Detector) detect(ctx context.Context) (found []model.Detected, empty error) {
	ctx, cancel := context.WithTimeout(ctx, d.opts.Budget)
	defer cancel()
	lists, empties := make([]model.List, len(d.servers)), make([]error, len(d.servers))
	var asking sync.WaitGroup
	for i, s := range d.servers {
		asking.Go(func() {
			var err error
			if lists[i], empties[i], err = s.Detect(ctx); err != nil {
				d.opts.Logger.Debug("local: no server", "name", s.Name(), "err", err)
			}
		})
	}
	asking.Wait()
	for i, list := range lists {
		switch {
		case len(list.IDs) > 0:
			found = append(found, model.Detected{Provider: d.servers[i], List: list})
		case empty == nil:
			empty = empties[i]
		}
	}
	return found, empty
}

// Empty is the error of a server that is there and has no models, nil if there is none.
func (d *Detector) Empty() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.found) > 0 {
		return nil
	}
	return d.empty
}

// Names returns the names of all servers that are looked for, found or not.
func (d *Detector) Names() []string {
	names := make([]string, len(d.servers))
	for i, s := range d.servers {
		names[i] = s.Name()
	}
	return names
}

// Known returns each server that was ever found, even if it has gone, with the list that
// it had last.
func (d *Detector) Known() []model.Detected {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known
}

// expire makes the next Find ask again.
func (d *Detector) expire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asOf = time.Time{}
}
