package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// errCut is returned at both ends of a connection whose reader left more than the output
// limit unread, as with Redis' client-output-buffer-limit.
var errCut = fmt.Errorf("embedded redis: the reader is too slow: %w", syscall.ECONNRESET)

const (
	// requestLimit is how many bytes a client may send ahead of the engine before its
	// writes wait.
	requestLimit = 1 << 20
	// keepBuffer is the largest empty buffer that is kept for reuse.
	keepBuffer = 64 << 10
)

// newPipe makes an in-memory connection. Writes of the client wait for the engine. Writes
// of the engine never wait, because the engine holds a lock meanwhile that every command
// needs. Instead, a client that leaves more than outputLimit bytes unread is disconnected.
func newPipe(outputLimit int) (client, engine net.Conn) {
	requests := newHalf(requestLimit, false)
	replies := newHalf(outputLimit, true)
	return &conn{in: replies, out: requests}, &conn{in: requests, out: replies}
}

// conn is one end of a pipe.
type conn struct{ in, out *half }

func (c *conn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *conn) Write(p []byte) (int, error) { return c.out.write(p, c.in) }

func (c *conn) Close() error {
	c.in.end(net.ErrClosed, io.ErrClosedPipe, true)
	c.out.end(io.EOF, net.ErrClosed, false)
	return nil
}

func (c *conn) LocalAddr() net.Addr  { return address{} }
func (c *conn) RemoteAddr() net.Addr { return address{} }

func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
func (c *conn) SetReadDeadline(t time.Time) error  { c.in.setDeadline(&c.in.readBy, t); return nil }
func (c *conn) SetWriteDeadline(t time.Time) error { c.out.setDeadline(&c.out.writeBy, t); return nil }

// address is the address of both ends. It cannot be dialled.
type address struct{}

func (address) Network() string { return "memory" }
func (address) String() string  { return "embedded-redis" }

// half is one direction of a pipe: a bounded buffer.
type half struct {
	limit int
	cut   bool // at the limit, end the connection instead of waiting

	mu       sync.Mutex
	changed  *sync.Cond
	buf      bytes.Buffer
	readErr  error // returned by reads once the buffer is empty
	writeErr error // returned by writes
	readBy   time.Time
	writeBy  time.Time
}

func newHalf(limit int, cut bool) *half {
	h := &half{limit: limit, cut: cut}
	h.changed = sync.NewCond(&h.mu)
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case expired(h.readBy):
			return 0, os.ErrDeadlineExceeded
		case h.buf.Len() > 0:
			n, _ := h.buf.Read(p) // cannot fail: there is something to read
			if h.buf.Len() == 0 && h.buf.Cap() > keepBuffer {
				h.buf = bytes.Buffer{}
			}
			h.changed.Broadcast()
			return n, nil
		case h.readErr != nil:
			return 0, h.readErr
		case len(p) == 0:
			return 0, nil
		}
		h.wait(h.readBy)
	}
}

// write appends p. back is the other direction, which ends too when the connection is cut.
func (h *half) write(p []byte, back *half) (int, error) {
	h.mu.Lock()
	if h.cut && h.writeErr == nil && h.buf.Len()+len(p) > h.limit {
		h.mu.Unlock()
		h.end(errCut, errCut, true)
		back.end(errCut, errCut, true)
		return 0, errCut
	}
	defer h.mu.Unlock()
	done := 0
	for {
		switch room := h.limit - h.buf.Len(); {
		case h.writeErr != nil:
			return done, h.writeErr
		case expired(h.writeBy):
			return done, os.ErrDeadlineExceeded
		case room > 0 || done == len(p):
			n, _ := h.buf.Write(p[done:min(len(p), done+room)]) // cannot fail
			if done += n; n > 0 {
				h.changed.Broadcast()
			}
			if done == len(p) {
				return done, nil
			}
		}
		h.wait(h.writeBy)
	}
}

// end closes the half for both sides. The first errors are kept. drop discards unread
// data.
func (h *half) end(readErr, writeErr error, drop bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.readErr == nil || drop && errors.Is(h.readErr, io.EOF) {
		h.readErr = readErr
	}
	if h.writeErr == nil {
		h.writeErr = writeErr
	}
	if drop {
		h.buf = bytes.Buffer{}
	}
	h.changed.Broadcast()
}

func (h *half) setDeadline(field *time.Time, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*field = t
	h.changed.Broadcast() // waiting calls check their deadline again
}

// wait waits for a change, at most until by. The caller holds mu.
func (h *half) wait(by time.Time) {
	if !by.IsZero() {
		timer := time.AfterFunc(time.Until(by), func() {
			h.mu.Lock() // otherwise the broadcast may come before the wait
			defer h.mu.Unlock()
			h.changed.Broadcast()
		})
		defer timer.Stop()
	}
	h.changed.Wait()
}

func expired(by time.Time) bool { return !by.IsZero() && !time.Now().Before(by) }
