// Package provider is what a model is: a Registry streams an answer from
// whichever OpenAI-compatible server a model name leads to. That is the
// configured one, a client's own, a local one that is detected, or the built-in
// demo; all of them are reached through the same code.
//
// go-openai makes the requests. The responses pass an HTTP client of ours first
// (exchange.go, body.go), which reads them with the sse package and hands on
// complete events only, so that a cut is never taken for an end, and status,
// headers, errors and [DONE] are seen as they were sent.
//
//	name → endpoint → exchange → body (events) → frame (one delta) → answer (checked text)
package provider

import (
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"time"

	"chat/daemon/provider/demo"
)

// DefaultBaseURL is where a key without a base URL belongs.
const DefaultBaseURL = "https://api.openai.com/v1"

// DefaultOpenAIModel answers at api.openai.com when no model is named.
const DefaultOpenAIModel = "gpt-4o-mini"

// DemoModel is the id of the built-in demo.
const DemoModel = demo.Model

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

// whole is how long an answer may take that does not come as a stream.
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

// DemoOptions set the pace of the built-in demo.
type DemoOptions = demo.Options

// Local is a place where a local model server may be found.
type Local struct {
	Name    string
	BaseURL string
}

// DefaultLocals are where Ollama, LM Studio and llama.cpp listen by default.
func DefaultLocals() []Local {
	return []Local{
		{Name: "ollama", BaseURL: "http://127.0.0.1:11434/v1"},
		{Name: "lmstudio", BaseURL: "http://127.0.0.1:1234/v1"},
		{Name: "llamacpp", BaseURL: "http://127.0.0.1:8080/v1"},
	}
}

// Discovery says how local servers are looked for; zero values mean defaults.
type Discovery struct {
	Locals []Local       // DefaultLocals
	Budget time.Duration // for all of them, asked at once; 300 ms
	Every  time.Duration // how long what was found is believed; 30 s
}

// Config is what a Registry is made of. The zero value has the demo only.
type Config struct {
	BaseURL string // of the configured provider; empty with a Key means DefaultBaseURL
	Key     string
	// Unusable says why the configured provider cannot be asked, if there is one
	// that should be; it is the error of whatever needs it.
	Unusable     error
	DefaultModel string
	// Discover looks for local servers when neither BaseURL nor Key is set.
	Discover  bool
	Discovery Discovery
	// Limits is DefaultLimits if it is the zero value.
	Limits Limits
	Demo   DemoOptions
	// Pause, if there is one, says how long to wait before more of an answer is read
	// from its provider, while those behind us cannot keep up.
	Pause func() time.Duration
	// Sources say where BaseURL and Key were found, for messages.
	Sources Sources
	// Authorities, if not nil, are the certificate authorities that are trusted;
	// see LoadAuthorities.
	Authorities *x509.CertPool
	// Lookup reads the environment for proxies and SSL_CERT_FILE; os.LookupEnv if nil.
	Lookup func(string) (string, bool)
	// Transport replaces the network, for tests.
	Transport http.RoundTripper
	Logger    *slog.Logger
}

func (c Config) String() string {
	key := "set"
	if c.Key == "" {
		key = "unset"
	}
	return "provider " + printableURL(c.BaseURL) + ", key " + key
}

// GoString keeps the key out of %#v.
func (c Config) GoString() string { return c.String() }

// LogValue keeps the key out of logs.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON keeps the key out of JSON.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

func (c Config) withDefaults() Config {
	if c.Limits == (Limits{}) {
		c.Limits = DefaultLimits()
	}
	if c.Limits.MaxEvent <= 0 {
		c.Limits.MaxEvent = DefaultLimits().MaxEvent
	}
	if c.Limits.MaxAnswer <= 0 {
		c.Limits.MaxAnswer = DefaultLimits().MaxAnswer
	}
	if c.Discovery.Locals == nil {
		c.Discovery.Locals = DefaultLocals()
	}
	if c.Discovery.Budget <= 0 {
		c.Discovery.Budget = 300 * time.Millisecond
	}
	if c.Discovery.Every <= 0 {
		c.Discovery.Every = 30 * time.Second
	}
	if c.Lookup == nil {
		c.Lookup = os.LookupEnv
	}
	if c.Sources.BaseURL == "" && c.BaseURL != "" {
		c.Sources.BaseURL = "OPENAI_BASE_URL"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
