package transport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"chat"
	"chat/daemon/model/apierror"
	"chat/daemon/model/network"
	"chat/internal/lazyregexp"
)

// Server is one server and its key, which is sent to no other server.
type Server struct {
	Name  string // what users type before a slash, as in ollama/qwen3:8b
	Base  string // without a query, and without a slash at the end
	Query url.Values
	Host  string // host:port, or the host alone on a default port, for messages
	Key   string
	From  Sources
	Local bool // detected on this machine
	// Headers are sent with every request. A gateway may take the key in one of them.
	Headers map[string]string
	// RoundTripper is the way to the server.
	RoundTripper http.RoundTripper

	dialect Dialect
	origin  string                 // scheme://host:port of Base
	limited atomic.Pointer[Phases] // made for the first call
}

// Dialect is what messages say of a dialect.
type Dialect struct {
	API         string // as in "an OpenAI-compatible API"
	Events      string // what its events are, as in "chat completion chunks"
	Example     string // of a base URL
	URLVariable string // of the environment
	KeyVariable string
	Login       string // follows "chat auth login"
	// Missing returns the URL of a call for an answer, which does not exist, and advice, which
	// follows the setting of the base URL.
	Missing func() (at, advice string)
}

// Sources say where the settings of a server were found, for example OPENAI_BASE_URL, or
// base_url in /home/me/.config/chat/config.toml, line 3.
type Sources struct {
	BaseURL string // "" if it is not set and the dialect's default is used
	Key     string
}

// Settings are a server's, without what a dialect makes of them.
type Settings struct {
	BaseURL, Key string
	Headers      map[string]string
	Sources      Sources
	Local        bool
	RoundTripper http.RoundTripper
}

// NewServer checks the base URL and the key. It returns the base URL, too.
func NewServer(s Settings, d Dialect) (*Server, *url.URL, error) {
	out := &Server{Key: s.Key, Headers: s.Headers, From: s.Sources, Local: s.Local, RoundTripper: s.RoundTripper, dialect: d}
	u, err := network.ParseBase(s.BaseURL)
	if err != nil {
		setting := s.Sources.BaseURL
		if setting == "" {
			setting = d.URLVariable
		}
		return nil, nil, chat.Errorf(chat.CodeNotConfigured, "the base URL %s in %s %w: set it to something like %s", network.PrintableURL(s.BaseURL), setting, err, d.Example)
	}
	if strings.ContainsAny(s.Key, "\r\n\x00") {
		return nil, nil, chat.Errorf(chat.CodeNotConfigured, "the provider's key has a line break in it: set %s to the key alone", out.keySetting())
	}
	out.Query = u.Query()
	u.RawQuery = ""
	out.Base, out.origin, out.Host = u.String(), network.Origin(u), u.Host
	return out, u, nil
}

// SetDialect replaces what messages say of the dialect.
func (s *Server) SetDialect(d Dialect) { s.dialect = d }

// Hostname is the server's host without its port.
func (s *Server) Hostname() string {
	u, err := url.Parse(s.origin)
	if err != nil {
		return "" // cannot happen: it was made of a URL
	}
	return u.Hostname()
}

// Is reports whether the server is that of a URL's origin, as in https://api.openai.com:443.
func (s *Server) Is(origin string) bool { return s.origin == origin }

// Same reports whether both have the same base URL and key.
func (s *Server) Same(other *Server) bool {
	return other != nil && s.Base == other.Base && s.Query.Encode() == other.Query.Encode() && s.Key == other.Key
}

// Bucket names the requests that share the rate limits of a model: those with the same base URL
// and key. It is a hash, which does not reveal the key.
func (s *Server) Bucket(modelID string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{s.Base, s.Query.Encode(), s.Key, modelID}, "\x00")))
	return hex.EncodeToString(sum[:12])
}

// keySetting names the setting of the key.
func (s *Server) keySetting() string {
	if s.From.Key == "" {
		return s.dialect.KeyVariable
	}
	return s.From.Key
}

// BaseSetting names the setting of the base URL, with its value.
func (s *Server) BaseSetting() string {
	switch {
	case s.Local:
		return s.Base
	case s.From.BaseURL == "":
		return fmt.Sprintf("%s (it is %s)", s.dialect.URLVariable, s.Base)
	}
	return fmt.Sprintf("%s (it is %s)", s.From.BaseURL, s.Base)
}

// secretHeaders match the names of headers that have a key.
var secretHeaders = lazyregexp.New(`(?i)auth|key|token|secret|password|cookie`)

// Secrets are what no message may show: the key, and the keys in headers, each with the word
// before it, as in "Bearer key", and alone.
func (s *Server) Secrets() []string {
	out := []string{s.Key}
	for name, value := range s.Headers {
		if secretHeaders.MatchString(name) {
			out = append(out, value, value[strings.LastIndexByte(value, ' ')+1:])
		}
	}
	return out
}

// AddHeaders adds Headers to a request.
func (s *Server) AddHeaders(req *http.Request) {
	for name, value := range s.Headers {
		req.Header.Set(name, value)
	}
}

// AddQuery adds the query of the base URL to a request's.
func (s *Server) AddQuery(req *http.Request) {
	query := req.URL.Query()
	for name, values := range s.Query {
		query[name] = values
	}
	req.URL.RawQuery = query.Encode()
}

// Send sends req to s only, because its key is in the headers. Errors are *chat.Error, or the
// cause of the request's context.
func (s *Server) Send(req *http.Request) (*http.Response, error) {
	if network.Origin(req.URL) != s.origin {
		return nil, chat.Errorf(chat.CodeInternal, "a request for %s was about to go elsewhere", s.Host)
	}
	resp, err := s.RoundTripper.RoundTrip(req)
	if err == nil {
		return resp, nil
	}
	if cause := context.Cause(req.Context()); cause != nil {
		return nil, cause
	}
	return nil, s.ConnectError(err)
}

// Check returns nil for a success and otherwise consumes the response.
func (s *Server) Check(resp *http.Response, model string) error {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 && resp.StatusCode != http.StatusNoContent {
		return nil
	}
	defer func() { _ = resp.Body.Close() }() // the status is the error
	// What can be read of the explanation is enough.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, apierror.MaxBody))
	return s.StatusError(resp.StatusCode, resp.Header, body, model)
}
