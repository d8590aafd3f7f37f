package provider

import (
	"fmt"
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
	name       string // what users type before a slash, as in ollama/qwen3:8b
	base       string // without a query, and without a slash at the end
	path       string // of base, escaped
	query      url.Values
	origin     string // scheme://host:port of base
	host       string // host:port, or the host alone on a default port, for messages
	key        string
	from       Sources
	local      bool   // found by discovery
	azure      bool   // the key goes into the header api-key
	deployment string // the model that the base URL names, at Azure
	// unversioned says that the base URL names no version of the API: it may lack the /v1.
	unversioned bool
	transport   http.RoundTripper
	*apiPath
	limited atomic.Pointer[phases] // made for the first call
	// openTag says of models whether they open their reasoning with a tag if they close
	// it with one, as far as that was seen.
	openTag sync.Map
}

// apiPath is where below its base URL a server has the API, as far as that was seen.
type apiPath struct {
	below atomic.Bool // at /v1
}

// Sources are where an endpoint's settings were found, as in OPENAI_BASE_URL, or
// base_url in /home/me/.config/chat/config.toml, line 3.
type Sources struct {
	BaseURL string // "" means that it is not set, and DefaultBaseURL counts
	Key     string
}

// shell are the settings of a client, which it takes from its environment.
func shell() Sources {
	return Sources{BaseURL: "OPENAI_BASE_URL in your shell", Key: "OPENAI_API_KEY in your shell"}
}

func (s Sources) key() string {
	if s.Key == "" {
		return "OPENAI_API_KEY"
	}
	return s.Key
}

// base is the setting that the base URL comes from, with its value.
func (s Sources) base(e *endpoint) string {
	switch {
	case e.local:
		return e.base
	case s.BaseURL == "":
		return fmt.Sprintf("OPENAI_BASE_URL (it is %s)", e.base)
	}
	return fmt.Sprintf("%s (it is %s)", s.BaseURL, e.base)
}

// newEndpoint checks base, see parseBase, and the key.
func newEndpoint(base, key string, from Sources, transport http.RoundTripper) (*endpoint, error) {
	u, err := parseBase(base)
	if err != nil {
		setting := from.BaseURL
		if setting == "" {
			setting = "OPENAI_BASE_URL"
		}
		return nil, chat.Errorf(chat.CodeNotConfigured, "the base URL %s in %s %w: set it to something like %s", printableURL(base), setting, err, DefaultBaseURL)
	}
	if strings.ContainsAny(key, "\r\n\x00") {
		return nil, chat.Errorf(chat.CodeNotConfigured, "the provider's key has a line break in it: set %s to the key alone", from.key())
	}
	query := u.Query()
	u.RawQuery = ""
	return &endpoint{
		name:        providerName(u),
		base:        u.String(),
		path:        u.EscapedPath(),
		query:       query,
		origin:      originOf(u),
		host:        u.Host,
		key:         key,
		from:        from,
		azure:       azureKey(u),
		deployment:  deploymentOf(u),
		unversioned: !versioned(u.Path) && !isAzure(u) && deploymentOf(u) == "",
		transport:   transport,
		apiPath:     new(apiPath),
	}, nil
}

// same reports whether calls to both go the same way with the same key.
func (e *endpoint) same(other *endpoint) bool {
	return other != nil && e.base == other.base && e.query.Encode() == other.query.Encode() && e.key == other.key
}

// completions is the path of a call for an answer.
const completions = "/chat/completions"

// shown is the URL of a call, for messages.
func (e *endpoint) shown(path string) string {
	if e.below.Load() {
		path = "/v1" + path
	}
	return e.base + path
}

// address completes a request for a call below the base URL: with what the base
// URL has in its query, and the key as the server wants it.
func (e *endpoint) address(req *http.Request, below bool) {
	if below {
		rest := strings.TrimPrefix(req.URL.EscapedPath(), e.path)
		if u, err := req.URL.Parse(e.path + "/v1" + rest); err == nil { // of parts that were parsed before
			req.URL = u
		}
	}
	query := req.URL.Query()
	for name, values := range e.query {
		query[name] = values
	}
	req.URL.RawQuery = query.Encode()
	req.Header.Set("User-Agent", "chat")
	req.Header.Del("Authorization")
	switch {
	case e.key == "":
	case e.azure && !strings.HasPrefix(e.key, "eyJ"): // a token of Entra ID is a JWT
		req.Header.Set("Api-Key", e.key)
	default:
		req.Header.Set("Authorization", "Bearer "+e.key)
	}
}

// originOf is the origin of u in the sense of RFC 6454.
func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

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
