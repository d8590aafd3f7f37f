package api

import (
	"net/http"
	"slices"
)

// What a page of an allowed origin may send and see, as the Fetch standard has it
// (https://fetch.spec.whatwg.org/#http-cors-protocol). Cookies are none of ours,
// so credentials are not allowed: a token is a header that the page sets itself.
const (
	corsMethods = "GET, HEAD, POST, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID"
	corsExposed = "Location, Retry-After, Idempotent-Replay, Allow, X-Request-Id"
	corsMaxAge  = "600" // seconds
)

// originAllowed reports whether a request's origin may call, and says so to the
// browser. A request without an origin comes from no page.
func (s *Server) originAllowed(w http.ResponseWriter, r *http.Request) bool {
	if len(s.opts.AllowOrigins) > 0 {
		w.Header().Add("Vary", "Origin")
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if !slices.Contains(s.opts.AllowOrigins, origin) {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Access-Control-Expose-Headers", corsExposed)
	return true
}

// preflighted answers the question that a browser asks before a page's call, and
// reports whether it was one.
func preflighted(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodOptions || r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", corsMaxAge)
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}
