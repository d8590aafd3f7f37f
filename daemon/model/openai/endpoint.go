package openai

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"chat/daemon/model/network"
	"chat/daemon/model/transport"
)

// endpoint is one OpenAI-compatible server.
type endpoint struct {
	*transport.Server
	path       string // of the base URL, escaped
	azure      bool   // the key goes into the header api-key
	deployment string // the model that the base URL names, at Azure
	// unversioned says that the base URL names no version of the API: it may lack the /v1.
	unversioned bool
	*apiPath
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

// shell are the sources of a client's own settings, which come from its environment.
func shell() transport.Sources {
	return transport.Sources{BaseURL: "OPENAI_BASE_URL in your shell", Key: "OPENAI_API_KEY in your shell"}
}

// newEndpoint checks the settings.
func newEndpoint(s transport.Settings) (*endpoint, error) {
	dialect := transport.Dialect{
		API: "an OpenAI-compatible API (it often ends in /v1)", Events: "chat completion chunks", Example: DefaultBaseURL,
		URLVariable: "OPENAI_BASE_URL", KeyVariable: "OPENAI_API_KEY",
	}
	server, u, err := transport.NewServer(s, dialect)
	if err != nil {
		return nil, err
	}
	server.Name = nameOf(u)
	e := &endpoint{
		Server:      server,
		path:        u.EscapedPath(),
		azure:       network.AzureKey(u),
		deployment:  network.Deployment(u),
		unversioned: !network.Versioned(u.Path) && !network.IsAzure(u) && network.Deployment(u) == "",
		apiPath:     new(apiPath),
	}
	dialect.Missing = func() (string, string) { return e.shown(completions), e.pathAdvice() }
	server.SetDialect(dialect)
	return e, nil
}

// pathAdvice names the common mistake in a base URL whose paths do not exist.
func (e *endpoint) pathAdvice() string {
	switch {
	case e.azure && e.Query.Get("api-version") == "":
		return ", which needs ?api-version=2024-10-21 or later at its end"
	case e.azure:
		return ": the deployment, or the api-version, may be another"
	case e.unversioned:
		return "; the API was not found under /v1 either"
	}
	return ": the path of the API may be another"
}

// completions is the path of a call for an answer.
const completions = "/chat/completions"

// shown is the URL of a call, for messages.
func (e *endpoint) shown(path string) string {
	if e.below.Load() {
		path = "/v1" + path
	}
	return e.Base + path
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
	e.AddQuery(req)
	req.Header.Set("User-Agent", "chat")
	req.Header.Del("Authorization")
	switch {
	case e.Key == "":
	case e.azure && !strings.HasPrefix(e.Key, "eyJ"): // a token of Entra ID is a JWT
		req.Header.Set("Api-Key", e.Key)
	default:
		req.Header.Set("Authorization", "Bearer "+e.Key)
	}
	e.AddHeaders(req)
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

func (e *endpoint) isOpenRouter() bool { return e.Is("https://openrouter.ai:443") }

func (e *endpoint) isOpenAI() bool { return e.Is("https://api.openai.com:443") }

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
