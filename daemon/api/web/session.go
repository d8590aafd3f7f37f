package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"chat"
)

const (
	// sessionLife is how long a browser stays signed in.
	sessionLife = 30 * 24 * time.Hour
	// maxSignIn bounds the body of a sign-in in bytes.
	maxSignIn = 4 << 10
)

// Sessions makes and checks the cookies of browsers. A cookie has its owner, the end of its
// life, and a signature with a key of the server's token: every instance accepts it, no
// instance keeps anything, and a new token ends all sessions.
type Sessions struct {
	// Key returns a secret of the token, nil if there is no token.
	Key func() []byte
	// Now returns the time; nil means time.Now.
	Now func() time.Time
}

func (s *Sessions) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *Sessions) key() []byte {
	if s == nil || s.Key == nil {
		return nil
	}
	return s.Key()
}

// sign returns the value of a cookie: base64(owner|expiry).base64(signature).
func (s *Sessions) sign(owner string) (value string, ok bool) {
	key := s.key()
	if key == nil {
		return "", false
	}
	claim := owner + "|" + strconv.FormatInt(s.now().Add(sessionLife).Unix(), 10)
	return encoded([]byte(claim)) + "." + encoded(signature(key, claim)), true
}

// check returns the owner of a cookie's value.
func (s *Sessions) check(value string) (owner string, ok bool) {
	key := s.key()
	first, second, found := strings.Cut(value, ".")
	claim, err := base64.RawURLEncoding.Strict().DecodeString(first)
	sum, err2 := base64.RawURLEncoding.Strict().DecodeString(second)
	if key == nil || !found || errors.Join(err, err2) != nil || !hmac.Equal(sum, signature(key, string(claim))) {
		return "", false
	}
	at := strings.LastIndexByte(string(claim), '|')
	if at < 0 {
		return "", false
	}
	until, err := strconv.ParseInt(string(claim[at+1:]), 10, 64)
	return string(claim[:at]), err == nil && s.now().Unix() < until
}

func signature(key []byte, claim string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("chat web session\x00" + claim))
	return h.Sum(nil)
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Owner returns the owner of the session that a request has. The request must be of the
// page itself: browsers send the cookie with requests of other pages of the same host, too.
func (s *Sessions) Owner(r *http.Request) (owner string, ok bool) {
	c, err := r.Cookie(cookieName(r))
	if err != nil || !fromPage(r) {
		return "", false
	}
	return s.check(c.Value)
}

// cookieName is the name of the cookie. It has the port, because cookies do not depend on
// the port: two daemons of one machine would sign each other's browsers out.
func cookieName(r *http.Request) string {
	const name = "chat_session"
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		return name + "_" + port
	}
	return name
}

// fromPage reports whether a request comes from the server's own page. Sec-Fetch-Site says
// so; an older browser sends Origin with everything but plain reads.
func fromPage(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	if site != "" && site != "same-origin" && site != "none" {
		return false
	}
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	if reading && !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return r.Header.Get("Origin") == "" || SameOrigin(r)
	}
	return SameOrigin(r) || r.Header.Get("Origin") == "" && site == "same-origin"
}

// SameOrigin reports whether a request's Origin is the server as the client names it. The
// scheme counts if it is known: a proxy with TLS may not say that it is one.
func SameOrigin(r *http.Request) bool {
	scheme, host, found := strings.Cut(r.Header.Get("Origin"), "://")
	if !found || !strings.EqualFold(host, r.Host) {
		return false
	}
	switch {
	case overTLS(r):
		return scheme == "https"
	case r.Header.Get("X-Forwarded-Proto") != "":
		return scheme == "http"
	}
	return scheme == "http" || scheme == "https"
}

func overTLS(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// session serves GET /web/session, by which the page learns whether it is signed in.
func (a *API) session(w http.ResponseWriter, r *http.Request) error {
	_, ok := a.opts.Sessions.Owner(r)
	return writeJSON(w, map[string]bool{"signed_in": ok, "local": a.opts.Listen != nil})
}

// signIn serves POST /web/session: a token, or a code of `chat web`.
func (a *API) signIn(w http.ResponseWriter, r *http.Request) error {
	var in struct{ Token, Code string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSignIn)).Decode(&in); err != nil {
		return chat.Errorf(chat.CodeInvalid, "the body must be a JSON object with token or code: %w", err)
	}
	if r.Header.Get("Origin") != "" && !SameOrigin(r) || !sameSite(r) {
		return chat.Errorf(chat.CodeForbidden, "only this server's own page can sign in: open it directly")
	}
	owner, err := a.ownerOf(r, in.Token, in.Code)
	if err != nil {
		return err
	}
	value, ok := a.opts.Sessions.sign(owner)
	if !ok {
		return chat.Errorf(chat.CodeUnauthorized, "this server has no token, so nobody can sign in: start it with --listen tcp://host:port")
	}
	setCookie(w, r, value, int(sessionLife/time.Second))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func sameSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "same-origin"
}

func (a *API) ownerOf(r *http.Request, token, code string) (string, error) {
	if code != "" {
		owner, ok := a.codes.take(code, a.opts.Sessions.now())
		if !ok {
			return "", chat.Errorf(chat.CodeUnauthorized, "the link was used already or is older than two minutes: run `chat web` again")
		}
		return owner, nil
	}
	if token != "" {
		if identified, err := a.backend.Identify(r, token); err == nil {
			return a.backend.Owner(identified), nil
		}
	}
	return "", chat.Errorf(chat.CodeUnauthorized, "the token is wrong: take the one in CHATD_TOKEN or the token file of this server")
}

// signOut serves DELETE /web/session.
func (*API) signOut(w http.ResponseWriter, r *http.Request) error {
	setCookie(w, r, "", -1)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func setCookie(w http.ResponseWriter, r *http.Request, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure would make browsers drop the cookie of a server without TLS
		Name: cookieName(r), Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: overTLS(r), SameSite: http.SameSiteStrictMode,
	})
}
