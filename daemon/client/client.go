// Package client is the HTTP client of docs/protocol.md: one method a call, and
// Follow, which attaches to a task's stream and re-attaches for as long as it
// takes.
//
// Every error is a *chat.Error, except the one of a context that ended. A call
// that may be repeated safely (reads, deletes, cancels, and submissions, which
// always carry an Idempotency-Key) is repeated when its connection is lost or the
// server says that it cannot serve right now.
package client

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"chat"
)

// Endpoint is where a server listens.
type Endpoint struct {
	Network string // "unix" or "tcp"
	Address string // a socket's path, or host:port
	// BaseURL is the scheme and authority of requests; empty means
	// http://localhost for a socket and http://<Address> for TCP.
	BaseURL string
	Token   string // bearer token; TCP only
}

func (e Endpoint) base() string {
	switch {
	case e.BaseURL != "":
		return strings.TrimSuffix(e.BaseURL, "/")
	case e.Network == "unix":
		return "http://localhost"
	default:
		return "http://" + e.Address
	}
}

// String is the endpoint for a person.
func (e Endpoint) String() string {
	if e.Network == "unix" {
		return "unix://" + e.Address
	}
	return e.base()
}

// Options tune a Client; the zero value is right for most.
type Options struct {
	// ProviderKey and ProviderBaseURL are the provider of the client's own
	// environment. They travel over unix sockets only, and are never logged.
	ProviderKey     string
	ProviderBaseURL string

	// HeartbeatTimeout is how long a stream may be silent before its server
	// counts as dead; 45 s by default (three missed heartbeats).
	HeartbeatTimeout time.Duration
	// BackoffBase and BackoffCap bound the pause before a reconnect: 250 ms, 5 s.
	BackoffBase time.Duration
	BackoffCap  time.Duration
	// CallTimeout bounds one try of one call, streams aside; 30 s by default.
	CallTimeout time.Duration
	// Tries is how often a call that may be repeated is sent; 4 by default.
	Tries int
}

func (o Options) withDefaults() Options {
	if o.HeartbeatTimeout <= 0 {
		o.HeartbeatTimeout = 45 * time.Second
	}
	if o.BackoffBase <= 0 {
		o.BackoffBase = 250 * time.Millisecond
	}
	if o.BackoffCap <= 0 {
		o.BackoffCap = 5 * time.Second
	}
	if o.CallTimeout <= 0 {
		o.CallTimeout = 30 * time.Second
	}
	if o.Tries <= 0 {
		o.Tries = 4
	}
	return o
}

// Client talks to one server, wherever resolve says that it is. It is safe for
// concurrent use.
type Client struct {
	resolve func(ctx context.Context) (Endpoint, error)
	o       Options
	sem     chan struct{} // held while link is read or replaced
	link    *link         // nil: ask resolve before the next request
}

// New returns a client. resolve is called before the first request and again
// after every lost connection, so that a server that has come back elsewhere is
// found. An error of resolve ends the call; inside Follow one that is marked
// retryable does not.
func New(resolve func(ctx context.Context) (Endpoint, error), o Options) *Client {
	return &Client{resolve: resolve, o: o.withDefaults(), sem: make(chan struct{}, 1)}
}

// At is a resolve function for a server that does not move.
func At(e Endpoint) func(context.Context) (Endpoint, error) {
	return func(context.Context) (Endpoint, error) { return e, nil }
}

// Close closes idle connections. Streams end with their contexts.
func (c *Client) Close() {
	c.sem <- struct{}{}
	defer func() { <-c.sem }()
	c.link.close()
	c.link = nil
}

// Endpoint is where the server was found, asking resolve if need be.
func (c *Client) Endpoint(ctx context.Context) (Endpoint, error) {
	l, err := c.connect(ctx)
	if err != nil {
		return Endpoint{}, err
	}
	return l.Endpoint, nil
}

// link is one endpoint with its transport.
type link struct {
	Endpoint
	http *http.Client
}

func (l *link) close() {
	if l != nil {
		l.http.CloseIdleConnections()
	}
}

// connect returns the current link, resolving the endpoint if there is none.
func (c *Client) connect(ctx context.Context) (*link, error) {
	select {
	case c.sem <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-c.sem }()
	if c.link != nil {
		return c.link, nil
	}
	e, err := c.resolve(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, chat.AsError(err)
	}
	c.link = newLink(e)
	return c.link, nil
}

// lost forgets a link whose connection failed, so that the next request
// resolves again.
func (c *Client) lost(l *link) {
	c.sem <- struct{}{}
	defer func() { <-c.sem }()
	if c.link == l {
		c.link.close()
		c.link = nil
	}
}

const dialTimeout = 5 * time.Second

func newLink(e Endpoint) *link {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: dialTimeout,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		MaxIdleConns:        8,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     30 * time.Second,
		DisableCompression:  true, // a compressed stream is a buffered stream
	}
	if e.Network == "unix" {
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", e.Address)
		}
	}
	if e.Network == "unix" || loopback(e.Address) {
		t.Proxy = nil
	}
	return &link{Endpoint: e, http: &http.Client{
		Transport: t,
		// A redirect would carry the token or the key elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
