// Package openai is the dialect of OpenAI-compatible servers. A Client holds what its
// Providers share; a Provider is one server and the key that belongs to it.
//
// The request types are go-openai's. The responses are read by the packages below this
// one, which accept what servers really send. Files of this package:
//
//	call, exchange one answer; one request and its response; watch bounds its phases
//	attachment     one answer of the Responses API, over several requests; peer finds chatds
//	body           the event stream; a cut is never taken for an end
//	failure        the errors of a request, for the user
//	models         the server's list of models
//
// Packages below this one:
//
//	wire, draft the request; draft leaves out what the model refused
//	network    base URLs, proxies, forbidden addresses, certificates
//	completion the JSON of one event of Chat Completions
//	responses  the JSON of one event of Responses
//	think      reasoning between tags in the content
//	answer     the checked text of one answer, as model.Events
//	apierror   what an error response means
package openai

import (
	"context"
	"crypto/x509"
	"errors"
	"iter"
	"net/http"
	"sync"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/openai/draft"
	"chat/daemon/model/openai/network"
)

// DefaultBaseURL is where a key without a base URL belongs.
const DefaultBaseURL = network.DefaultBaseURL

// DefaultModel answers at api.openai.com when no model is named.
const DefaultModel = "gpt-4o-mini"

// Limits bound one answer. A zero duration means no limit of that kind, a zero
// size the default.
type Limits struct {
	Headers    time.Duration // until the response's headers (CodeProviderHeaders)
	FirstToken time.Duration // from the headers to the first text (CodeProviderFirstToken)
	Idle       time.Duration // between two texts (CodeProviderIdle)
	Total      time.Duration // the whole answer (CodeDeadline)
	MaxEvent   int           // bytes of one event (CodeAnswerTooLarge)
	MaxAnswer  int           // bytes of text, reasoning included (CodeAnswerTooLarge)
}

// whole is the limit of an answer that does not come as a stream.
func (l Limits) whole() time.Duration {
	if l.Headers <= 0 || l.FirstToken <= 0 {
		return 0
	}
	return l.Headers + 2*l.FirstToken
}

// DefaultLimits suit slow local models. Total is left to the task's deadline.
func DefaultLimits() Limits {
	return Limits{
		Headers:    2 * time.Minute,
		FirstToken: 5 * time.Minute,
		Idle:       2 * time.Minute,
		MaxEvent:   1 << 20,
		MaxAnswer:  4 << 20,
	}
}

// Options configure a Client.
type Options struct {
	// Limits is DefaultLimits if it is the zero value.
	Limits Limits
	// Flow, if not nil, slows down reading.
	Flow FlowControl
	// Authorities, if not nil, replace the system's certificate authorities; see
	// LoadAuthorities.
	Authorities *x509.CertPool
	// Lookup reads the environment for proxies and SSL_CERT_FILE.
	Lookup func(string) (string, bool)
	// NameLocal names a server of this machine by its host and port, "" if it is unknown.
	NameLocal func(host string) string
	// OwnAPI is the API of clients' own providers; Completions if empty.
	OwnAPI API
	// Transport replaces the network, for tests.
	Transport http.RoundTripper
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
	if o.Transport == nil {
		o.Transport = network.New(o.Authorities, o.Lookup)
	}
	return o
}

// Client holds what Providers share: the network, the limits, and what models refused.
// It is safe for concurrent use.
type Client struct {
	opts    Options
	learned draft.Learned

	mu    sync.Mutex // guards what follows
	paths map[string]*apiPath
	own   []*network.Transport // of providers with Authorities
}

// New returns a Client.
func New(opts Options) *Client { return &Client{opts: opts.withDefaults()} }

// Close closes idle connections. Streams end with their contexts.
func (c *Client) Close() {
	if t, ok := c.opts.Transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.own {
		t.CloseIdleConnections()
	}
}

func (c *Client) keep(t *network.Transport) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own = append(c.own, t)
}

// Settings describe one server.
type Settings struct {
	Name    string // derived from BaseURL if empty
	BaseURL string // DefaultBaseURL if empty
	Key     string
	Sources Sources // where BaseURL and Key were found, for messages
	Local   bool    // the server was detected on this machine
	API     API     // Completions if empty
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

	mu     sync.Mutex // guards what follows
	listed model.List
	listAt time.Time
}

// Provider returns the provider that s describes. The error says what is wrong with the
// base URL or the key.
func (c *Client) Provider(s Settings) (*Provider, error) {
	if s.BaseURL == "" {
		s.BaseURL = DefaultBaseURL
	}
	switch {
	case s.Transport != nil:
	case s.Authorities != nil:
		own := network.New(s.Authorities, c.opts.Lookup)
		c.keep(own)
		s.Transport = own
	default:
		s.Transport = c.opts.Transport
	}
	to, err := newEndpoint(s.BaseURL, s.Key, s.Sources, s.Transport)
	if err != nil {
		return nil, err
	}
	to.local, to.headers = s.Local, s.Headers
	if s.Host != "" {
		to.host = s.Host
	}
	switch {
	case s.Name != "":
		to.name = s.Name
	case to.name == to.host && c.opts.NameLocal != nil:
		if name := c.opts.NameLocal(to.host); name != "" {
			to.name = name
		}
	}
	if s.DefaultModel == "" && to.isOpenAI() {
		s.DefaultModel = DefaultModel
	}
	return &Provider{client: c, to: to, api: s.API, defaultModel: s.DefaultModel}, nil
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
	p.to.apiPath = c.apiPath(p.to.base)
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
func (p *Provider) Name() string { return p.to.name }

// Uses reports whether c are the provider's own base URL and key.
func (p *Provider) Uses(c model.Credentials) bool {
	other, err := p.client.Own(c)
	return err == nil && p.to.same(other.to)
}

// Stream implements model.Provider.
func (p *Provider) Stream(ctx context.Context, req model.Request) iter.Seq2[model.Event, error] {
	server := draft.Server{Base: p.to.base, Key: p.to.key, Host: p.to.host, CompletionTokens: p.to.isOpenAI()}
	c := &call{
		to: p.to, limits: p.client.opts.Limits, draft: p.client.learned.Draft(server, req.Model, req), known: &p.client.learned,
		flow: p.client.opts.Flow, key: req.Key, upstream: req.Upstream,
	}
	return func(yield func(model.Event, error) bool) {
		c.emit = func(e model.Event) error {
			if !yield(e, nil) {
				return errStopped
			}
			return nil
		}
		c.at = p.attachment(ctx, c)
		if err := c.stream(ctx); err != nil && !errors.Is(err, errStopped) {
			c.yieldError(ctx, err, yield)
		}
	}
}

// yieldError yields the error of an answer.
func (c *call) yieldError(ctx context.Context, err error, yield func(model.Event, error) bool) {
	if c.at != nil {
		c.at.abandon(ctx, err)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	} else {
		err = chat.AsError(err)
	}
	yield(model.Event{}, err)
}

// errStopped says that the caller stopped ranging.
var errStopped = errors.New("the reader of the answer stopped")
