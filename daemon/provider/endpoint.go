package provider

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"chat"
)

// endpoint is one OpenAI-compatible server and the key that belongs to it, and
// to it alone.
type endpoint struct {
	name      string // what users type before a slash, as in ollama/qwen3:8b
	base      string // without a slash at the end
	origin    string // scheme://host:port of base
	host      string // host:port, or the host alone on a default port, for messages
	key       string
	local     bool // found by discovery
	transport http.RoundTripper
	// noUsage is set once the server has refused stream_options.
	noUsage atomic.Bool
	limited atomic.Pointer[phases] // made for the first call
	// openTag says of models whether they open their reasoning with a tag if they close
	// it with one, as far as that was seen.
	openTag sync.Map
}

// newEndpoint checks base, which must be an http or https URL without user
// info, query or fragment.
func newEndpoint(base, key string, transport http.RoundTripper) (*endpoint, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, chat.Errorf(chat.CodeNotConfigured,
			"the provider's base URL %q is not usable: set OPENAI_BASE_URL to something like %s", printableURL(base), DefaultBaseURL)
	}
	if strings.ContainsAny(key, "\r\n\x00") {
		return nil, chat.Errorf(chat.CodeNotConfigured, "the provider's key has a line break in it: set OPENAI_API_KEY to the key alone")
	}
	return &endpoint{
		name:      providerName(u),
		base:      strings.TrimRight(base, "/"),
		origin:    originOf(u),
		host:      u.Host,
		key:       key,
		transport: transport,
	}, nil
}

// originOf is the origin of u in the sense of RFC 6454.
func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// printableURL is raw without user info and query, which may hold secrets.
func printableURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || (u.Host == "" && raw != "") {
		return "(not a URL)"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// providerName is a short name for the server at u.
func providerName(u *url.URL) string {
	switch host := strings.ToLower(u.Hostname()); host {
	case "api.openai.com":
		return "openai"
	case "openrouter.ai":
		return "openrouter"
	case "api.groq.com":
		return "groq"
	case "api.mistral.ai":
		return "mistral"
	case "api.deepseek.com":
		return "deepseek"
	case "localhost", "127.0.0.1", "::1":
		for _, l := range DefaultLocals() {
			if strings.Contains(l.BaseURL, ":"+u.Port()+"/") && u.Port() != "" {
				return l.Name
			}
		}
		return u.Host
	default:
		return host
	}
}

func (e *endpoint) isOpenAI() bool { return e.origin == "https://api.openai.com:443" }

// leavesOut reports whether model is likely to leave out the tag that opens its
// reasoning: it was seen to, or its template is known to open the reasoning.
func (e *endpoint) leavesOut(model string) bool {
	if opens, ok := e.openTag.Load(model); ok {
		return opens == false
	}
	name := strings.ToLower(model)
	return strings.Contains(name, "deepseek-r1") || strings.Contains(name, "qwq") || strings.Contains(name, "qwen3") && strings.Contains(name, "thinking")
}

// learn takes down what an answer of model has shown.
func (e *endpoint) learn(model string, leavesOut bool) { e.openTag.Store(model, !leavesOut) }
