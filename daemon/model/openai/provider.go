// Package openai is the dialect of OpenAI-compatible servers. A Client holds what its
// Providers share; a Provider is one server and the key that belongs to it.
//
// The request types are go-openai's. The responses are read by the packages below this
// one, which accept what servers really send. Files of this package:
//
//	call           one answer, over requests of Chat Completions
//	attachment     one answer of the Responses API, over several requests; peer finds chatds
//	draft          the request, without what the model refused
//	endpoint       the server; exchange finds its API
//	models         the server's list of models
//
// Packages below this one:
//
//	wire       the body of a request
//	responses  the JSON of one event of Responses
package openai

import (
	"context"
	"crypto/x509"
	"iter"
	"net/http"
	"sync"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/copies"
	"chat/daemon/model/draft"
	"chat/daemon/model/network"
	"chat/daemon/model/transport"
)

// DefaultBaseURL is where a key without a base URL belongs.
const DefaultBaseURL = network.DefaultBaseURL

// Kind is the name of the dialect.
const Kind = "openai"

// DefaultModel answers at api.openai.com when no model is named.
const DefaultModel = "gpt-4o-mini"

// Options configure a Client.
type Options struct {
	// Network is what the providers of all dialects share.
	Network *transport.Client
	// NameLocal names a server of this machine by its host and port, "" if it is unknown.
	NameLocal func(host string) string
	// OwnAPI is the API of clients' own providers; Completions if empty.
	OwnAPI API
}

// Client holds what Providers share: the network, the limits, and what models refused.
// It is safe for concurrent use.
type Client struct {
	opts    Options
	learned draft.Learned[form]

	mu    sync.Mutex // guards what follows
	paths map[string]*apiPath
}

// New returns a Client.
func New(opts Options) *Client { return &Client{opts: opts} }

// Settings describe one server.
type Settings struct {
	Name    string // derived from BaseURL if empty
	BaseURL string // DefaultBaseURL if empty
	Key     string
	Sources transport.Sources // where BaseURL and Key were found, for messages
	Local   bool              // the server was detected on this machine
	API     API               // Completions if empty
	// DefaultModel answers when none is named. Without it, that is OpenAI's own at
	// api.openai.com, and elsewhere the first of the list.
	DefaultModel string
	Headers      map[string]string // sent with every request
	// Authorities, if not nil, replace those of Options.
	Authorities *x509.CertPool
	// Host replaces the host in messages.
	Host string
	// Transport replaces the Client's network, for a server in this process.
	Transport http.RoundTripper
}

// Provider is one server and its key. It implements model.Provider.
type Provider struct {
	client       *Client
	to           *endpoint
	api          API
	defaultModel string
	lister       transport.Lister
	keeper       *copies.Keeper // nil for other servers than OpenAI's
}

// copyLife is how long OpenAI keeps a copy, in seconds: the longest time there is. Then a new one is
// made.
const copyLife = "2592000"

// Tidy implements model.Tidier.
func (p *Provider) Tidy(ctx context.Context, c model.Copies) error {
	if p.keeper == nil {
		return nil
	}
	return p.keeper.Tidy(ctx, c)
}

// Provider returns the provider that s describes. The error says what is wrong with the
// base URL or the key.
func (c *Client) Provider(s Settings) (*Provider, error) {
	if s.BaseURL == "" {
		s.BaseURL = DefaultBaseURL
	}
	if s.Transport == nil {
		s.Transport = c.opts.Network.Way(s.Authorities)
	}
	to, err := newEndpoint(transport.Settings{BaseURL: s.BaseURL, Key: s.Key, Headers: s.Headers, Sources: s.Sources, Local: s.Local, RoundTripper: s.Transport})
	if err != nil {
		return nil, err
	}
	if s.Host != "" {
		to.Host = s.Host
	}
	switch {
	case s.Name != "":
		to.Name = s.Name
	case to.Name == to.Host && c.opts.NameLocal != nil:
		if name := c.opts.NameLocal(to.Host); name != "" {
			to.Name = name
		}
	}
	if s.DefaultModel == "" && to.isOpenAI() {
		s.DefaultModel = DefaultModel
	}
	p := &Provider{client: c, to: to, api: s.API, defaultModel: s.DefaultModel}
	if to.isOpenAI() {
		p.keeper = &copies.Keeper{
			To: to.Server, Send: to.roundTrip, Path: "/files",
			Form: [][2]string{{"purpose", "user_data"}, {"expires_after[anchor]", "created_at"}, {"expires_after[seconds]", copyLife}},
		}
	}
	return p, nil
}

// Own returns the provider of a client's own credentials. It lives for one request; what
// is known of its server is kept.
func (c *Client) Own(own model.Credentials) (*Provider, error) {
	from := shell()
	if own.BaseURL == "" {
		from.BaseURL = ""
	}
	p, err := c.Provider(Settings{BaseURL: own.BaseURL, Key: own.Key, Sources: from, API: c.opts.OwnAPI})
	if err != nil {
		return nil, err
	}
	p.to.apiPath = c.apiPath(p.to.Base)
	p.keeper = nil // no one could delete copies without the client
	return p, nil
}

// maxPaths bounds the servers of clients that are remembered.
const maxPaths = 1000

// apiPath returns what is known of the server at base.
func (c *Client) apiPath(base string) *apiPath {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.paths[base]; known != nil {
		return known
	}
	if c.paths == nil || len(c.paths) >= maxPaths {
		c.paths = map[string]*apiPath{}
	}
	c.paths[base] = new(apiPath)
	return c.paths[base]
}

// Name is what users type before the slash of provider/model.
func (p *Provider) Name() string { return p.to.Name }

// Uses reports whether c are the provider's own base URL and key.
func (p *Provider) Uses(c model.Credentials) bool {
	other, err := p.client.Own(c)
	return err == nil && (c.Kind == "" || c.Kind == Kind) && p.to.Same(other.to.Server)
}

// Bucket implements model.Metered.
func (p *Provider) Bucket(id string) string { return p.to.Bucket(id) }

// Stream implements model.Provider.
func (p *Provider) Stream(ctx context.Context, req model.Request) iter.Seq2[model.Event, error] {
	d := newRequest(p.to, &p.client.learned, req)
	d.Keeper, d.Copied = p.keeper, func(a *chat.Attachment) bool {
		return a.MediaType == chat.PDFType || d.streamed // Chat Completions has references to PDFs only
	}
	c := &call{
		Call: transport.Call{To: p.to.Server, Limits: p.client.opts.Network.Limits, Flow: p.client.opts.Network.Flow, Draft: d, Model: d.Model, Turn: req.Turn},
		to:   p.to, draft: d, key: req.Key, upstream: req.Upstream,
	}
	return c.Events(ctx, func() error {
		c.at = p.attachment(ctx, c)
		return c.Stream(ctx, c.make)
	}, func(err error) {
		if c.at != nil {
			c.at.abandon(ctx, err)
		}
	})
}
