package openai

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"chat"
	"chat/daemon/model/openai/network"
)

// endpoint is one OpenAI-compatible server and its key, which is sent to no other server.
type endpoint struct {
	name       string // what users type before a slash, as in ollama/qwen3:8b
	base       string // without a query, and without a slash at the end
	path       string // of base, escaped
	query      url.Values
	origin     string // scheme://host:port of base
	host       string // host:port, or the host alone on a default port, for messages
	key        string
	headers    map[string]string // sent with every request
	from       Sources
	local      bool   // detected on this machine
	azure      bool   // the key goes into the header api-key
	deployment string // the model that the base URL names, at Azure
	// unversioned says that the base URL names no version of the API: it may lack the /v1.
	unversioned bool
	transport   http.RoundTripper
	*apiPath
	limited atomic.Pointer[phases] // made for the first call
	// openTag maps models to whether they open their reasoning with a tag, as far as
	// their answers have shown.
	openTag sync.Map
}

// apiPath is the path of the API below the base URL, and what serves it, as far as responses
// have shown.
type apiPath struct {
	below atomic.Bool // at /v1
	peer  atomic.Pointer[peering]
}

// Sources say where the settings of a server were found, for example OPENAI_BASE_URL, or
// base_url in /home/me/.config/chat/config.toml, line 3.
type Sources struct {
	BaseURL string // "" if it is not set and DefaultBaseURL is used
	Key     string
}

// shell are the sources of a client's own settings, which come from its environment.
func shell() Sources {
	return Sources{BaseURL: "OPENAI_BASE_URL in your shell", Key: "OPENAI_API_KEY in your shell"}
}

func (s Sources) key() string {
	if s.Key == "" {
		return "OPENAI_API_KEY"
	}
	return s.Key
}

// base names the setting of the base URL, with its value.
func (s Sources) base(e *endpoint) string {
	switch {
	case e.local:
		return e.base
	case s.BaseURL == "":
		return fmt.Sprintf("OPENAI_BASE_URL (it is %s)", e.base)
	}
	return fmt.Sprintf("%s (it is %s)", s.BaseURL, e.base)
}

// newEndpoint checks base
func newEndpoint(base, key string, from Sources, transport http.RoundTripper) (*endpoint, error) {
	u, err := network.ParseBase(base)
	if err != nil {
		setting := from.BaseURL
		if setting == "" {
			setting = "OPENAI_BASE_URL"
		}
		return nil, chat.Errorf(chat.CodeNotConfigured, "the base URL %s in %s %w: set it to something like %s", network.PrintableURL(base), setting, err, DefaultBaseURL)
	}
	if strings.ContainsAny(key, "\r\n\x00") {
		return nil, chat.Errorf(chat.CodeNotConfigured, "the provider's key has a line break in it: set %s to the key alone", from.key())
	}
	query := u.Query()
	u.RawQuery = ""
	return &endpoint{
		name:        nameOf(u),
		base:        u.String(),
		path:        u.EscapedPath(),
		query:       query,
		origin:      network.Origin(u),
		host:        u.Host,
		key:         key,
		from:        from,
		azure:       network.AzureKey(u),
		deployment:  network.Deployment(u),
		unversioned: !network.Versioned(u.Path) && !network.IsAzure(u) && network.Deployment(u) == "",
		transport:   transport,
		apiPath:     new(apiPath),
	}, nil
}

// same reports whether both have the same server and key.
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

// address completes a request below the base URL: with the query of the base URL, and the
// key in the header that the server expects.
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
	for name, value := range e.headers { // a gateway may take the key elsewhere
		req.Header.Set(name, value)
	}
}

// nameOf derives a provider's name from its base URL.
func nameOf(u *url.URL) string {
	switch host := strings.ToLower(u.Hostname()); host {
	case "localhost", "127.0.0.1", "::1":
		return u.Host
	default:
		return cmp.Or(network.KnownName(host), host)
	}
}

func (e *endpoint) isOpenAI() bool { return e.origin == "https://api.openai.com:443" }

// leavesOut reports whether model probably omits the tag that opens its reasoning: an
// earlier answer has shown it, or its template is known to open the reasoning.
func (e *endpoint) leavesOut(model string) bool {
	if opens, ok := e.openTag.Load(model); ok {
		return opens == false
	}
	name := strings.ToLower(model)
	return strings.Contains(name, "deepseek-r1") || strings.Contains(name, "qwq") || strings.Contains(name, "qwen3") && strings.Contains(name, "thinking")
}

// learn records what an answer of model has shown.
func (e *endpoint) learn(model string, leavesOut bool) { e.openTag.Store(model, !leavesOut) }
