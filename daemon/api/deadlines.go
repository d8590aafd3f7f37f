package api

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"chat"
)

// withDeadlines is the outermost layer: it bounds how long a client may take to send a
// body, whoever it is, and to take each piece of the answer.
func (s *Server) withDeadlines(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &pacedWriter{ResponseWriter: w, rc: http.NewResponseController(w), timeout: s.opts.WriteTimeout}
		if r.Body != nil && r.Body != http.NoBody {
			p.body = &pacedBody{ReadCloser: r.Body, rc: p.rc, timeout: s.opts.ReadTimeout}
			if err := p.rc.SetReadDeadline(time.Now().Add(s.opts.ReadTimeout)); err != nil {
				panic(http.ErrAbortHandler) // the connection is closed
			}
			r = r.WithContext(r.Context()) // a copy: the server looks at its own body
			r.Body = p.body
		}
		next.ServeHTTP(p, r)
		if p.body != nil && !p.body.whole {
			_ = p.rc.SetReadDeadline(time.Now()) // nobody waits for the rest of it
		}
	})
}

// pacedBody is the body of a request under a deadline, which ends with it: from
// then on the server reads to see whether the client is still there.
type pacedBody struct {
	io.ReadCloser
	rc      *http.ResponseController
	timeout time.Duration
	whole   bool
}

func (b *pacedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		b.whole = true
		_ = b.rc.SetReadDeadline(time.Time{}) // if it is closed, writing will tell
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = chat.Errorf(chat.CodeInvalid, "the body did not arrive within %s: send it again", b.timeout)
	}
	return n, err
}

// piece is how much of an answer is written under one deadline.
const piece = 64 << 10

// pacedWriter gives each piece of an answer a deadline of its own, so that a
// reader that does not read costs a bounded time, and a slow one gets it all. A
// stream, on its own connection, does so itself (rawStream).
type pacedWriter struct {
	http.ResponseWriter
	rc      *http.ResponseController
	timeout time.Duration
	body    *pacedBody
	begun   bool      // the head is sent, or about to be
	set     time.Time // when the deadline was
}

// Unwrap is for http.ResponseController.
func (p *pacedWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// WriteHeader answers at once even if the body is still on its way: otherwise
// the server would wait for it, to use the connection again.
func (p *pacedWriter) WriteHeader(status int) {
	p.extend()
	p.begun = true
	if p.body != nil && !p.body.whole {
		p.Header().Set("Connection", "close")
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *pacedWriter) Write(b []byte) (written int, err error) {
	if !p.begun {
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

// Hijack hands the connection over as it is. What may be left of a body is nobody's.
func (p *pacedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	p.body = nil
	return p.rc.Hijack()
}

// extend sets the deadline of the next piece; one that was set just now is good enough.
func (p *pacedWriter) extend() {
	now := time.Now()
	if now.Sub(p.set) < p.timeout/64 {
		return
	}
	p.set = now
	_ = p.rc.SetWriteDeadline(now.Add(p.timeout)) // if it is closed, the write says so
}
