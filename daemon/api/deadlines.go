package api

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"chat"
	"chat/daemon/api/openai"
)

// withDeadlines limits how long a client may take to send a body, before it is
// authenticated, and to read each piece of the response.
func (s *Server) withDeadlines(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &deadlineWriter{ResponseWriter: w, rc: http.NewResponseController(w), timeout: s.opts.WriteTimeout}
		if r.Body != nil && r.Body != http.NoBody {
			p.body = &deadlineBody{ReadCloser: r.Body, rc: p.rc, timeout: s.opts.ReadTimeout}
			if err := p.rc.SetReadDeadline(time.Now().Add(s.opts.ReadTimeout)); err != nil {
				panic(http.ErrAbortHandler) // the connection is closed
			}
			r = r.WithContext(r.Context()) // a copy: the server uses the body of the original
			r.Body = p.body
		}
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			p.writeError = openai.WriteError
		}
		next.ServeHTTP(p, r)
		if p.body != nil && !p.body.complete {
			_ = p.rc.SetReadDeadline(time.Now()) // the rest of the body is not needed
		}
	})
}

// deadlineBody is the body of a request with a deadline. The deadline is removed at the end
// of the body, because the server then reads to detect that the client has gone.
type deadlineBody struct {
	io.ReadCloser
	rc       *http.ResponseController
	timeout  time.Duration
	complete bool
}

func (b *deadlineBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		b.complete = true
		_ = b.rc.SetReadDeadline(time.Time{}) // if it is closed, the write fails
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = chat.Errorf(chat.CodeInvalid, "the body did not arrive within %s: send it again", b.timeout)
	}
	return n, err
}

// piece is the number of bytes that are written under one deadline.
const piece = 64 << 10

// deadlineWriter sets a deadline for each piece of a response, so that it gives up on a
// reader that reads nothing but not on a slow one. Streams use events.Conn instead.
type deadlineWriter struct {
	http.ResponseWriter
	rc      *http.ResponseController
	timeout time.Duration
	body    *deadlineBody
	started bool // the head is sent or being sent
	// writeError writes errors in the form of the wire format that the request's path belongs
	// to; nil means problem documents.
	writeError func(w http.ResponseWriter, err error, status int)
	set        time.Time // when the deadline was set
}

// Unwrap is for http.ResponseController.
func (p *deadlineWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// WriteHeader closes the connection after the response if the body is not complete:
// otherwise the server would wait for the body to reuse the connection.
func (p *deadlineWriter) WriteHeader(status int) {
	p.extend()
	p.started = true
	if p.body != nil && !p.body.complete {
		p.Header().Set("Connection", "close")
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *deadlineWriter) Write(b []byte) (written int, err error) {
	if !p.started {
		p.WriteHeader(http.StatusOK)
	}
	for {
		p.extend()
		n, err := p.ResponseWriter.Write(b[:min(piece, len(b))])
		written += n
		if b = b[n:]; err != nil || len(b) == 0 {
			return written, err
		}
	}
}

// Hijack hands over the connection. The rest of the body is ignored.
func (p *deadlineWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	p.body = nil
	return p.rc.Hijack()
}

// extend sets the deadline of the next piece, unless it was just set.
func (p *deadlineWriter) extend() {
	now := time.Now()
	if now.Sub(p.set) < p.timeout/64 {
		return
	}
	p.set = now
	_ = p.rc.SetWriteDeadline(now.Add(p.timeout)) // if it is closed, the write fails
}
