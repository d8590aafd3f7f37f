// Package client is the client of the HTTP API of docs/protocol.md. It has one method for
// each call, and Follow, which reads a task's stream and reconnects until the task ends.
//
// Every error is a *chat.Error, except the cause of a context that ended. A call that is
// safe to repeat (a read, a delete, a cancel, or a submission, which always has an
// Idempotency-Key) is repeated when its connection is lost or the server is unavailable.
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

// String formats the endpoint for people.
func (e Endpoint) String() string {
	if e.Network == "unix" {
		return "unix://" + e.Address
	}
	return e.base()
}

// Options are the settings of a Client; zero values mean the defaults.
type Options struct {
	// ProviderKey, ProviderBaseURL and ProviderKind are the provider of the client's
	// own environment. They travel over unix sockets only, and are never logged.
	ProviderKey     string
	ProviderBaseURL string
	ProviderKind    string // "" is OpenAI's

	// HeartbeatTimeout is how long a stream may be silent before its server
	// counts as dead; 45 s by default (three missed heartbeats).
	HeartbeatTimeout time.Duration
	// BackoffBase and BackoffCap limit the delay before a reconnect: 250 ms, 5 s.
	BackoffBase time.Duration
	BackoffCap  time.Duration
	// CallTimeout limits one attempt of a call other than a stream; 30 s by default.
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

// Client calls the server at the endpoint that resolve returns. It is safe for concurrent
// use.
type Client struct {
	resolve func(ctx context.Context) (Endpoint, error)
	o       Options
	sem     chan struct{} // held while conn is read or replaced
	conn    *transport    // nil: call resolve before the next request
}

// New returns a client. It calls resolve before the first request and after every lost
// connection, because a restarted server may listen elsewhere. An error of resolve ends the
// call. Follow continues after a retryable one.
func New(resolve func(ctx context.Context) (Endpoint, error), o Options) *Client {
	return &Client{resolve: resolve, o: o.withDefaults(), sem: make(chan struct{}, 1)}
}

// At returns a resolve function for a fixed endpoint.
func At(e Endpoint) func(context.Context) (Endpoint, error) {
	return func(context.Context) (Endpoint, error) { return e, nil }
}

// Close closes idle connections. Streams end with their contexts.
func (c *Client) Close() {
	c.sem <- struct{}{}
	defer func() { <-c.sem }()
	c.conn.close()
	c.conn = nil
}

// Endpoint returns the endpoint of the server. It calls resolve if it is unknown.
func (c *Client) Endpoint(ctx context.Context) (Endpoint, error) {
	l, err := c.connect(ctx)
	if err != nil {
		return Endpoint{}, err
	}
	return l.Endpoint, nil
}

// transport is an endpoint with its HTTP connections.
type transport struct {
	Endpoint
	http *http.Client
}

func (l *transport) close() {
	if l != nil {
		l.http.CloseIdleConnections()
	}
}

// connect returns the current transport. It resolves the endpoint if there is none.
func (c *Client) connect(ctx context.Context) (*transport, error) {
	select {
	case c.sem <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-c.sem }()
	if c.conn != nil {
		return c.conn, nil
	}
	e, err := c.resolve(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, chat.AsError(err)
	}
	c.conn = newTransport(e)
	return c.conn, nil
}

// drop removes a transport whose connection failed, so that the next request resolves the
// endpoint again.
func (c *Client) drop(l *transport) {
	c.sem <- struct{}{}
	defer func() { <-c.sem }()
	if c.conn == l {
		c.conn.close()
		c.conn = nil
	}
}

const dialTimeout = 5 * time.Second

func newTransport(e Endpoint) *transport {
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
	return &transport{Endpoint: e, http: &http.Client{
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
