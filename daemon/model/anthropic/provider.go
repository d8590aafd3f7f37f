// Package anthropic is the dialect of Anthropic's Messages API
// (https://platform.claude.com/docs/en/api/messages), which other servers have, too. A Client
// holds what its Providers share; a Provider is one server and the key that belongs to it.
//
//	call      one answer, over one or several requests
//	events    the JSON of one event of an answer
//	request   the body of a request, without what the model refused (adapt)
//	blocks    a conversation as messages of content blocks
//	thinking  how much a model reasons; signed reasoning, which goes back to its provider
//	models    the list of models, and what is known of each of them
package anthropic

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"

	"chat/daemon/model"
	"chat/daemon/model/copies"
	"chat/daemon/model/draft"
	"chat/daemon/model/network"
	"chat/daemon/model/transport"
)

// Kind is the name of the dialect, and Name that of Anthropic's own server.
const (
	Kind = "anthropic"
	Name = "anthropic"
)

// DefaultBaseURL is where a key without a base URL belongs.
const DefaultBaseURL = network.AnthropicBaseURL

// DefaultModel answers at api.anthropic.com when no model is named.
const DefaultModel = "claude-sonnet-5-5"

// The variables of the environment.
const (
	KeyVariable = "ANTHROPIC_API_KEY"
	URLVariable = "ANTHROPIC_BASE_URL"
)

// version is the version of the API, which every request names. The next one, 2026-10-21, has
// neither temperature nor top_p, which some models still accept, and few other servers know it.
const version = "2023-06-01"

// Client holds what Providers share: the network, the limits, and what models refused.
// It is safe for concurrent use.
type Client struct {
	network *transport.Client
	learned draft.Learned[form]
}

// New returns a Client.
func New(network *transport.Client) *Client { return &Client{network: network} }

// Settings describe one server.
type Settings struct {
	Name    string // derived from BaseURL if empty
	BaseURL string // DefaultBaseURL if empty
	Key     string
	Sources transport.Sources // where BaseURL and Key were found, for messages
	// DefaultModel answers when none is named. Without it, that is the constant at
	// api.anthropic.com, and elsewhere the first of the list.
	DefaultModel string
	Headers      map[string]string // sent with every request
	// Authorities, if not nil, replace those of the network.
	Authorities *x509.CertPool
}

// Provider is one server and its key. It implements model.Provider.
type Provider struct {
	to           *transport.Server
	client       *Client
	defaultModel string
	lister       transport.Lister
	known        atomic.Pointer[map[string]facts] // by the ids of the last list
	keeper       *copies.Keeper                   // nil for other servers than Anthropic's
}

// filesBeta is the version of the Files API.
const filesBeta = "files-api-2025-04-14"

// Tidy implements model.Tidier.
func (p *Provider) Tidy(ctx context.Context, c model.Copies) error {
	if p.keeper == nil {
		return nil
	}
	return p.keeper.Tidy(ctx, c)
}

// sendFile sends a request of the Files API.
func (p *Provider) sendFile(req *http.Request) (*http.Response, error) {
	req.Header.Set(betaHeader, filesBeta)
	return p.send(req)
}

const betaHeader = "Anthropic-Beta"

// Provider returns the provider that s describes. The error says what is wrong with the
// base URL or the key.
func (c *Client) Provider(s Settings) (*Provider, error) {
	if s.BaseURL == "" {
		s.BaseURL = DefaultBaseURL
	}
	d := transport.Dialect{
		API: "a server with Anthropic's Messages API", Events: "events of the Messages API", Example: DefaultBaseURL,
		URLVariable: URLVariable, KeyVariable: KeyVariable, Login: " " + Name,
	}
	server, u, err := transport.NewServer(transport.Settings{
		BaseURL: s.BaseURL, Key: s.Key, Headers: s.Headers, Sources: s.Sources, RoundTripper: c.network.Way(s.Authorities),
	}, d)
	if err != nil {
		return nil, err
	}
	server.Base = strings.TrimSuffix(server.Base, "/v1") // paths have the version
	d.Missing = func() (string, string) {
		return server.Base + messagesPath, ": the path before /v1 may be another, or the server lacks the Messages API"
	}
	server.SetDialect(d)
	official := server.Is("https://api.anthropic.com:443")
	switch {
	case s.Name != "":
		server.Name = s.Name
	case official:
		server.Name = Name
	default:
		server.Name = u.Host
	}
	if s.DefaultModel == "" && official {
		s.DefaultModel = DefaultModel
	}
	p := &Provider{to: server, client: c, defaultModel: s.DefaultModel}
	if official {
		p.keeper = &copies.Keeper{To: server, Send: p.sendFile, Path: "/v1/files"}
	}
	return p, nil
}

// Own returns the provider of a client's own credentials. It lives for one request.
func (c *Client) Own(own model.Credentials) (*Provider, error) {
	from := transport.Sources{Key: "the request", BaseURL: "the base URL of the request"}
	p, err := c.Provider(Settings{BaseURL: own.BaseURL, Key: own.Key, Sources: from})
	if err != nil {
		return nil, err
	}
	p.keeper = nil // no one could delete copies without the client
	return p, nil
}

// Name is what users type before the slash of provider/model.
func (p *Provider) Name() string { return p.to.Name }

// DefaultModel is the model that answers when none is named, "" for the first of the list.
func (p *Provider) DefaultModel() string { return p.defaultModel }

// Uses reports whether c are the provider's own base URL and key.
func (p *Provider) Uses(c model.Credentials) bool {
	other, err := p.client.Own(c)
	return err == nil && c.Kind == Kind && p.to.Same(other.to)
}

// mark names the server as the origin of signed reasoning.
func (p *Provider) mark() string {
	sum := sha256.Sum256([]byte(p.to.Base))
	return Name + ":" + hex.EncodeToString(sum[:4])
}

// send sends a request with the headers that the API requires.
func (p *Provider) send(req *http.Request) (*http.Response, error) {
	p.to.AddQuery(req)
	req.Header.Set("User-Agent", "chat")
	req.Header.Set("Anthropic-Version", version)
	if p.to.Key != "" {
		req.Header.Set("X-Api-Key", p.to.Key)
	}
	beta := req.Header.Get(betaHeader)
	p.to.AddHeaders(req) // a gateway may take the key elsewhere
	if own := req.Header.Get(betaHeader); beta != "" && own != beta {
		req.Header.Set(betaHeader, beta+","+own)
	}
	return p.to.Send(req)
}

// Bucket implements model.Metered.
func (p *Provider) Bucket(id string) string { return p.to.Bucket(id) }

// Stream implements model.Provider.
func (p *Provider) Stream(ctx context.Context, req model.Request) iter.Seq2[model.Event, error] {
	r := newRequest(p, req)
	c := &call{
		Call: transport.Call{To: p.to, Limits: p.client.network.Limits, Flow: p.client.network.Flow, Draft: r, Model: req.Model, Turn: req.Turn},
		p:    p, request: r,
	}
	return c.Events(ctx, func() error { return c.Stream(ctx, c.once) }, nil)
}

// Check returns the provider's settings and, withKey, whether the server accepts the key.
func (p *Provider) Check(ctx context.Context, withKey bool) model.Check {
	if !withKey {
		return p.to.Describe(nil)
	}
	return p.to.Describe(func() (*http.Response, error) {
		req, err := p.to.NewRequest(ctx, http.MethodPost, messagesPath, []byte(`{"messages":[]}`), false)
		if err != nil {
			return nil, p.to.ConnectError(err)
		}
		return p.send(req)
	})
}
