package transport

import (
	"crypto/x509"
	"net/http"
	"sync"

	"chat/daemon/model/network"
)

// Options configure a Client.
type Options struct {
	// Limits is DefaultLimits if it is the zero value.
	Limits Limits
	// Flow, if not nil, slows down reading.
	Flow FlowControl
	// Authorities, if not nil, replace the system's certificate authorities; see
	// network.LoadAuthorities.
	Authorities *x509.CertPool
	// Lookup reads the environment for proxies and SSL_CERT_FILE.
	Lookup func(string) (string, bool)
	// RoundTripper replaces the network, for tests.
	RoundTripper http.RoundTripper
}

func (o Options) withDefaults() Options {
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits()
	}
	if o.Limits.MaxEvent <= 0 {
		o.Limits.MaxEvent = DefaultLimits().MaxEvent
	}
	if o.Limits.MaxAnswer <= 0 {
		o.Limits.MaxAnswer = DefaultLimits().MaxAnswer
	}
	if o.RoundTripper == nil {
		o.RoundTripper = network.New(o.Authorities, o.Lookup)
	}
	return o
}

// Client holds what the providers of all dialects share: the network and the limits. It is
// safe for concurrent use.
type Client struct {
	Options

	mu  sync.Mutex
	own []*network.Transport // of providers with authorities; guarded by mu
}

// NewClient returns a Client.
func NewClient(o Options) *Client { return &Client{Options: o.withDefaults()} }

// Way returns the way to a provider. authorities, if not nil, replace those of the Options.
func (c *Client) Way(authorities *x509.CertPool) http.RoundTripper {
	if authorities == nil {
		return c.RoundTripper
	}
	t := network.New(authorities, c.Lookup)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own = append(c.own, t)
	return t
}

// Close closes idle connections. Streams end with their contexts.
func (c *Client) Close() {
	if t, ok := c.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.own {
		t.CloseIdleConnections()
	}
}
