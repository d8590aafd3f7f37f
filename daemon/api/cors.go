package api

import (
	"net/http"
	"slices"
	"strings"

	"chat/daemon/api/web"
)

// What a page of an allowed origin may send and read, as defined by the Fetch standard
// (https://fetch.spec.whatwg.org/#http-cors-protocol). Cookies are for this server's own
// page, so credentials are not allowed: another page sends its token in a header.
const (
	corsMethods = "GET, HEAD, POST, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID"
	corsExposed = "Location, Retry-After, Idempotent-Replay, Allow, X-Request-Id, Chat-Task-Id, X-Should-Retry"
	corsMaxAge  = "600" // seconds
)

// originAllowed reports whether a request's origin is allowed, and sets the CORS headers if
// it is. A request without an origin does not come from a web page.
func (s *Server) originAllowed(w http.ResponseWriter, r *http.Request) bool {
	if len(s.opts.AllowOrigins) > 0 {
		w.Header().Add("Vary", "Origin")
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if !slices.Contains(s.opts.AllowOrigins, origin) {
		return !isLocal(r) && web.SameOrigin(r) // this server's own page, since the Host is one of ours
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Access-Control-Expose-Headers", corsExposed)
	return true
}

// answerPreflight answers a CORS preflight request. It reports whether r is one.
func answerPreflight(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodOptions || r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders+describing(r.Header.Get("Access-Control-Request-Headers")))
	h.Set("Access-Control-Max-Age", corsMaxAge)
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// describing returns, after a comma each, those of the requested headers in which OpenAI's
// official clients describe themselves.
func describing(requested string) (out string) {
	for name := range strings.SplitSeq(requested, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		if strings.HasPrefix(name, "x-stainless-") && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" {
			out += ", " + name
		}
	}
	return out
}
