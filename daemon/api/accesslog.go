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

// requestIDHeader holds the id of a request, from a proxy or new. The response has the same
// header, and log lines about the request have the id.
const requestIDHeader = "X-Request-Id"

// maxRequestID is the maximum length of an id from a proxy.
const maxRequestID = 128

// exchangeLog is the entry of the access log for one request. It has no query, header or
// body, because they may contain secrets.
type exchangeLog struct {
	id      string
	route   string // the pattern of the call, "" if there is none
	started time.Time
	status  int
	bytes   int64
	hijacks bool // the stream writes the entry at its end
}

// withID sets the id of each request and, if the access log is on, logs the request after
// its response.
func (s *Server) withID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchangeLog{id: requestID(r), started: time.Now()}
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
	return &exchangeLog{} // a test without Handler
}

func (s *Server) logAccess(r *http.Request, x *exchangeLog) {
	status := x.status
	if status == 0 {
		status = http.StatusOK
	}
	s.opts.Logger.Info("request", "method", r.Method, "route", x.route, "path", shortPath(r), "status", status,
		"bytes", x.bytes, "ms", time.Since(x.started).Milliseconds(), "remote", remote(r), "request", x.id)
}

// requestID returns the id from a proxy if it is safe in a log, otherwise a new one.
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

// remote returns the peer of a request for the log.
func remote(r *http.Request) string {
	if isLocal(r) {
		return "unix"
	}
	return r.RemoteAddr
}

// shortPath returns the path of a request, cut for the log.
func shortPath(r *http.Request) string {
	const most = 200
	if p := r.URL.Path; len(p) > most {
		return p[:most] + "…"
	}
	return r.URL.Path
}

// countingWriter records the status and the size of a response.
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

// refusals logs requests that were refused for their token, Host or Origin. It logs at most
// maxRefusals lines a minute, so that an attacker cannot fill the disk.
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
