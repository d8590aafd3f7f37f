package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"chat"
	"chat/daemon/api/web"
)

// principal is who makes a request.
type principal struct {
	owner string
	local bool // over the unix socket
}

type contextKey int

const (
	localKey contextKey = iota
	principalKey
	exchangeKey
)

// ConnContext marks connections over a unix socket, whose peer the listener has
// checked. It belongs in http.Server.ConnContext.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	network := c.LocalAddr().Network()
	return context.WithValue(ctx, localKey, network == "unix" || network == "pipe")
}

func isLocal(r *http.Request) bool {
	local, _ := r.Context().Value(localKey).(bool)
	return local
}

func principalOf(r *http.Request) principal {
	p, _ := r.Context().Value(principalKey).(principal)
	return p
}

// recoverPanics turns a panic into status 500, or aborts a response that has started.
func (s *Server) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // the documented sentinel
				panic(v)
			}
			s.opts.Logger.Error("api: a handler panicked", "method", r.Method, "path", r.URL.Path, "request", exchangeOf(r).id, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			if p, ok := w.(*deadlineWriter); ok && p.started {
				panic(http.ErrAbortHandler)
			}
			writeProblem(w, chat.Errorf(chat.CodeInternal, "an internal error: the daemon's log has more"))
		}()
		next.ServeHTTP(w, r)
	})
}

// checkOrigin checks Host and Origin on every route, so that a web page cannot reach the
// daemon, not even by DNS rebinding.
func (s *Server) checkOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Resource-Policy", "same-origin") // for requests without CORS
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		if !s.hostAllowed(r) {
			s.refused.log(s.opts.Logger, r, "the host name "+shortened(r.Host)+" is not served")
			writeProblem(w, chat.Errorf(chat.CodeForbidden, "this host name is not served here: --allow-host adds one"))
			return
		}
		if !s.originAllowed(w, r) {
			s.refused.log(s.opts.Logger, r, "the web origin "+shortened(r.Header.Get("Origin"))+" is not allowed")
			writeProblem(w, chat.Errorf(chat.CodeForbidden, "requests from this web origin are not allowed: --allow-origin adds one"))
			return
		}
		if answerPreflight(w, r) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) hostAllowed(r *http.Request) bool {
	host := strings.ToLower(r.Host)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if isLocal(r) {
		return host == "localhost" || host == "chat"
	}
	if host == "localhost" || slices.Contains(s.opts.AllowHosts, host) {
		return true
	}
	// The address that the client dialled is always allowed.
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && net.ParseIP(host).Equal(addr.IP)
}

// authenticate requires a bearer token or a session for requests over TCP, except for public
// calls.
func (s *Server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if identified := s.identify(w, r); identified != nil {
			next.ServeHTTP(w, identified)
		}
	})
}

// identify returns r with its principal, or nil if it has refused the request.
func (s *Server) identify(w http.ResponseWriter, r *http.Request) *http.Request {
	p := principal{owner: chat.LocalOwner, local: isLocal(r)}
	switch {
	case p.local || isPublic(r) || web.Public(r):
	case r.Header.Get("Authorization") == "" && s.hasSession(r, &p):
	case r.URL.Path == socketPath && r.Header.Get("Authorization") == "":
		p = principal{} // its first message has the token
	default:
		owner, err := s.ownerOf(r)
		if err != nil {
			s.refused.log(s.opts.Logger, r, chat.AsError(err).Summary())
			w.Header().Set("WWW-Authenticate", `Bearer realm="chat"`)
			writeProblem(w, err)
			return nil
		}
		p.owner = owner
	}
	return r.WithContext(context.WithValue(r.Context(), principalKey, p))
}

// hasSession reports whether a request has the cookie of a session, and sets the owner if it
// has.
func (s *Server) hasSession(r *http.Request, p *principal) bool {
	owner, ok := s.sessions.Owner(r)
	if ok {
		p.owner = owner
	}
	return ok
}

// ownerOf returns the owner of the request's token. The error says what is wrong with the
// token.
func (s *Server) ownerOf(r *http.Request) (string, error) {
	header := r.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.Trim(token, " ")
	if header != "" && (!strings.EqualFold(scheme, "Bearer") || token == "") { // RFC 9110, section 11.1: names of schemes ignore case
		return "", chat.Errorf(chat.CodeUnauthorized, "the Authorization header has no bearer token: send Authorization: Bearer <token>; chat takes it from CHAT_TOKEN")
	}
	return s.ownerOfToken(token)
}

// ownerOfToken returns the owner of a token.
func (s *Server) ownerOfToken(token string) (string, error) {
	if token == "" {
		return "", chat.Errorf(chat.CodeUnauthorized, "a bearer token is needed: send Authorization: Bearer <token>; chat takes it from CHAT_TOKEN")
	}
	if s.opts.Authenticate != nil {
		if owner, ok := s.opts.Authenticate(token); ok {
			return owner, nil
		}
	}
	return "", chat.Errorf(chat.CodeUnauthorized, "the bearer token is wrong: take the one in CHATD_TOKEN or the token file of this server; chat takes it from CHAT_TOKEN")
}

// shortened quotes and cuts a client's text for the log.
func shortened(s string) string {
	const most = 100
	return strconv.Quote(s[:min(most, len(s))])
}

// socketPath is the path of the WebSocket. A browser cannot send a token with its request.
const socketPath = "/ws"

func isPublic(r *http.Request) bool {
	switch r.URL.Path {
	case "/hello", "/healthz", "/readyz":
		return r.Method == http.MethodGet || r.Method == http.MethodHead
	}
	return false
}

func errLeaving() error {
	return chat.Retryable(chat.Errorf(chat.CodeDraining, "the daemon is shutting down: try again"))
}

// countRequests counts requests, and refuses them once the daemon shuts down.
func (s *Server) countRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isPublic(r) {
			next.ServeHTTP(w, r)
			return
		}
		done, ok := s.activity.Begin()
		if !ok {
			writeProblem(w, errLeaving())
			return
		}
		defer done()
		next.ServeHTTP(w, r)
	})
}
