package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// requestIDHeader carries a request's id both ways: what a proxy gave it, or a new one.
// The log's lines about the request name it.
const requestIDHeader = "X-Request-Id"

// maxRequestID is the length of an id that is taken over from a proxy.
const maxRequestID = 128

// exchangeLog is what the access log says of one request. It never has a query, a
// header or a body: they may hold what is secret.
type exchangeLog struct {
	id      string
	route   string // the pattern of the call, "" if there is none
	begun   time.Time
	status  int
	bytes   int64
	hijacks bool // a stream writes it at its end
}

// withID gives each request its id and, if the access log is on, logs it when it has
// been answered.
func (s *Server) withID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchangeLog{id: requestID(r), begun: time.Now()}
		w.Header().Set(requestIDHeader, x.id)
		r = r.WithContext(context.WithValue(r.Context(), exchangeKey, x))
		if s.opts.AccessLog {
			w = &countingWriter{ResponseWriter: w, log: x}
			defer func() {
				if !x.hijacks {
					s.logAccess(r, x)
				}
			}()
		}
		next.ServeHTTP(w, r)
	})
}

func exchangeOf(r *http.Request) *exchangeLog {
	if x, ok := r.Context().Value(exchangeKey).(*exchangeLog); ok {
		return x
	}
	return &exchangeLog{} // outside of Handler: a test
}

func (s *Server) logAccess(r *http.Request, x *exchangeLog) {
	status := x.status
	if status == 0 {
		status = http.StatusOK
	}
	s.opts.Logger.Info("request", "method", r.Method, "route", x.route, "path", shortPath(r), "status", status,
		"bytes", x.bytes, "ms", time.Since(x.begun).Milliseconds(), "remote", remote(r), "request", x.id)
}

// requestID is the id that a proxy gave the request, if it can stand in a log.
func requestID(r *http.Request) string {
	given := r.Header.Get(requestIDHeader)
	odd := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.:=+/", c)
	}
	if given != "" && len(given) <= maxRequestID && !strings.ContainsFunc(given, odd) {
		return given
	}
	return uuid.NewString()
}

// remote is where a request came from.
func remote(r *http.Request) string {
	if isLocal(r) {
		return "unix"
	}
	return r.RemoteAddr
}

// shortPath is a request's path, of a length that a log takes.
func shortPath(r *http.Request) string {
	const most = 200
	if p := r.URL.Path; len(p) > most {
		return p[:most] + "…"
	}
	return r.URL.Path
}

// countingWriter counts what is answered.
type countingWriter struct {
	http.ResponseWriter
	log *exchangeLog
}

// Unwrap is for http.ResponseController.
func (c *countingWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *countingWriter) WriteHeader(status int) {
	if c.log.status == 0 {
		c.log.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.log.bytes += int64(n)
	return n, err
}

// refusals logs requests that were refused for their token, Host or Origin. Whoever
// guesses tokens must not fill the disk, so a minute has maxRefusals lines.
type refusals struct {
	mu     sync.Mutex
	until  time.Time
	lines  int
	hidden int
}

const (
	maxRefusals    = 20
	refusalsPeriod = time.Minute
)

func (f *refusals) log(l *slog.Logger, r *http.Request, why string) {
	f.mu.Lock()
	now := time.Now()
	hidden := 0
	if now.After(f.until) {
		hidden, f.hidden, f.lines, f.until = f.hidden, 0, 0, now.Add(refusalsPeriod)
	}
	f.lines++
	logged := f.lines <= maxRefusals
	if !logged {
		f.hidden++
	}
	f.mu.Unlock()
	if hidden > 0 {
		l.Warn("api: more requests were refused than were logged", "requests", hidden)
	}
	if logged {
		l.Warn("api: a request was refused", "reason", why, "method", r.Method, "path", shortPath(r), "remote", remote(r), "request", exchangeOf(r).id)
	}
}
