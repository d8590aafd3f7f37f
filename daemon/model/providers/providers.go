// Package providers constructs the registry of models from the configuration. It is the
// one place that knows all dialects: another one is a package beside openai, and a line
// in New.
package providers

import (
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"

	"chat/daemon/model"
	"chat/daemon/model/anthropic"
	"chat/daemon/model/demo"
	"chat/daemon/model/local"
	"chat/daemon/model/openai"
	"chat/daemon/model/transport"
)

// Config is what a Registry is made of. The zero value has the demo only.
type Config struct {
	BaseURL string // of the configured provider; empty with a Key means openai.DefaultBaseURL
	Key     string
	// API is how the configured provider is asked, openai.Completions if empty. Clients' own
	// providers have openai.Auto unless it is openai.Completions.
	API openai.API
	// Unusable says why the configured provider cannot be used, if there is one that
	// should be; it is the error of every call that needs it.
	Unusable error
	// Named are further providers. The first is the default if there is no other.
	Named        []Named
	DefaultModel string
	// Discover looks for local servers, beside the configured provider.
	Discover bool
	Local    local.Options
	// Limits is transport.DefaultLimits if it is the zero value.
	Limits transport.Limits
	Demo   demo.Options
	// Flow, if not nil, slows down reading.
	Flow transport.FlowControl
	// Sources say where BaseURL and Key were found, for messages.
	Sources transport.Sources
	// Authorities, if not nil, replace the system's certificate authorities; see
	// network.LoadAuthorities.
	Authorities *x509.CertPool
	// Lookup reads the environment for proxies and SSL_CERT_FILE; os.LookupEnv if nil.
	Lookup func(string) (string, bool)
	// Transport replaces the network, for tests.
	Transport http.RoundTripper
	// Limiter, if not nil, says when a provider can be asked.
	Limiter model.Limiter
	Logger  *slog.Logger
}

// The kinds of providers: their dialects.
const (
	OpenAI    = openai.Kind    // any server that is compatible with OpenAI's
	Anthropic = anthropic.Kind // any server with Anthropic's Messages API
)

// Named is a provider with a name of its own.
type Named struct {
	Name, BaseURL, Key string
	Kind               string            // OpenAI if empty
	API                openai.API        // of OpenAI's kind
	DefaultModel       string            // answers where only the provider is named
	Headers            map[string]string // sent with every request
	Authorities        *x509.CertPool    // as in Config, for this provider alone
	Sources            transport.Sources
	Unusable           error // why it cannot be asked, nil if it can
}

// String describes the configuration without the key.
func (c Config) String() string {
	return model.Credentials{Key: c.Key, BaseURL: c.BaseURL}.String()
}

// GoString keeps the key out of %#v.
func (c Config) GoString() string { return c.String() }

// LogValue keeps the key out of logs.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON keeps the key out of JSON.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// ownAPI is how clients' own providers are asked. Only who runs a provider's account can
// decide that it stores answers.
func (c Config) ownAPI() openai.API {
	if c.API == openai.Responses {
		return openai.Auto
	}
	return c.API
}

// Registry is the registry of models with the connections of its providers.
type Registry struct {
	*model.Registry
	network *transport.Client
}

// Close closes idle connections. Streams end with their contexts.
func (r *Registry) Close() { r.network.Close() }

// New returns a Registry. A base URL that cannot be used is the error of every call that
// needs it, so that a daemon with a bad setting still starts.
func New(cfg Config) *Registry {
	if cfg.Lookup == nil {
		cfg.Lookup = os.LookupEnv
	}
	if cfg.Sources.BaseURL == "" && cfg.BaseURL != "" {
		cfg.Sources.BaseURL = "OPENAI_BASE_URL"
	}
	network := transport.NewClient(transport.Options{
		Limits: cfg.Limits, Flow: cfg.Flow, Authorities: cfg.Authorities, Lookup: cfg.Lookup, RoundTripper: cfg.Transport,
	})
	messages := anthropic.New(network)
	client := openai.New(openai.Options{Network: network, NameLocal: local.NameOf, OwnAPI: cfg.ownAPI()})
	opts := model.Options{
		Own: func(c model.Credentials) (model.Provider, error) {
			if c.Kind == Anthropic {
				return messages.Own(c)
			}
			return client.Own(c)
		},
		Unusable: cfg.Unusable, UnusableSource: cfg.Sources.BaseURL, DefaultModel: cfg.DefaultModel, Limiter: cfg.Limiter, Logger: cfg.Logger,
	}
	add := func(s openai.Settings) model.Provider {
		p, err := client.Provider(s)
		if err != nil {
			opts.Unusable = err
			return nil
		}
		return p
	}
	opts.Demo = add(openai.Settings{
		Name: model.DemoModel, BaseURL: "http://demo.invalid/v1", Host: "the demo", Transport: demo.NewTransport(cfg.Demo),
	})
	if cfg.Unusable == nil && (cfg.BaseURL != "" || cfg.Key != "") {
		if p := add(openai.Settings{BaseURL: cfg.BaseURL, Key: cfg.Key, Sources: cfg.Sources, API: cfg.API}); p != nil {
			opts.Providers = append(opts.Providers, p)
		}
	}
	for _, n := range cfg.Named {
		opts.Named = append(opts.Named, named(client, messages, n))
	}
	if cfg.Discover {
		cfg.Local.Logger = cfg.Logger
		opts.Local = local.New(client, cfg.Local)
	}
	return &Registry{model.NewRegistry(opts), network}
}

// named returns a provider that can be named, whether it can be asked or not.
func named(client *openai.Client, messages *anthropic.Client, n Named) model.Provider {
	if n.Unusable != nil {
		return model.NewUnusable(n.Name, n.Unusable)
	}
	p, err := func() (model.Provider, error) {
		if n.Kind == Anthropic {
			return messages.Provider(anthropic.Settings{Name: n.Name, BaseURL: n.BaseURL, Key: n.Key, Sources: n.Sources, DefaultModel: n.DefaultModel, Headers: n.Headers, Authorities: n.Authorities})
		}
		return client.Provider(openai.Settings{Name: n.Name, BaseURL: n.BaseURL, Key: n.Key, Sources: n.Sources, API: n.API, DefaultModel: n.DefaultModel, Headers: n.Headers, Authorities: n.Authorities})
	}()
	if err != nil {
		return model.NewUnusable(n.Name, err)
	}
	return p
}
