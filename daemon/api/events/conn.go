package events

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Conn is a hijacked connection that only one stream uses. A waiting stream costs two
// small stacks, without a request, its buffers and the stack of its handlers. The
// connection is closed with the stream.
//
// A body is chunked (RFC 9112, section 7.1), so that a reader can distinguish an aborted
// body from a complete one. A body of HTTP/1.0 lasts until the connection is closed.
type Conn struct {
	net.Conn
	head     []byte // of the response, until it is sent with the first chunk
	chunked  bool
	timeout  time.Duration // of one piece
	set      time.Time     // when the deadline was set
	sent     int64         // bytes
	watching sync.WaitGroup
}

const (
	// lengthRoom is the space for the chunk's length at the start of send's buffer.
	lengthRoom = len("ffffffff\r\n")
	// lastChunk ends a chunked body.
	lastChunk = "0\r\n\r\n"
	// piece is the number of bytes that are written under one deadline.
	piece = 64 << 10
	// linger is how long a reader may take to close the connection after the end.
	linger = 500 * time.Millisecond
)

// Hijack takes over the connection of a request from net/http.
func Hijack(w http.ResponseWriter, r *http.Request, timeout time.Duration) (*Conn, error) {
	h := w.Header()
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	c := &Conn{chunked: r.ProtoAtLeast(1, 1), timeout: timeout}
	version := "1.0"
	if c.chunked {
		version = "1.1"
		h.Set("Transfer-Encoding", "chunked")
	}
	var head bytes.Buffer
	fmt.Fprintf(&head, "HTTP/%s 200 OK\r\n", version)
	err := h.Write(&head)
	if err == nil {
		c.Conn, _, err = http.NewResponseController(w).Hijack()
	}
	if err != nil {
		return nil, err
	}
	head.WriteString("\r\n")
	c.head = head.Bytes()
	return c, nil
}

// send writes p without its first lengthRoom bytes as a chunk; last says that it is the end
// of the body. It may use p's capacity.
func (c *Conn) send(p []byte, last bool) error {
	begin := lengthRoom
	if c.chunked {
		var digits [16]byte
		length := append(strconv.AppendInt(digits[:0], int64(len(p)-lengthRoom), 16), "\r\n"...)
		begin -= len(length)
		copy(p[begin:], length)
		p = append(p, "\r\n"...)
		if last {
			p = append(p, lastChunk...)
		}
	}
	p = p[begin:]
	if c.head != nil {
		p, c.head = append(c.head, p...), nil
	}
	return c.write(p)
}

// write sets a deadline for each piece, so that it gives up on a reader that reads nothing
// but not on a slow one.
func (c *Conn) write(p []byte) error {
	for len(p) > 0 {
		// Streams write twenty times a second: reuse a deadline that was just set.
		if now := time.Now(); now.Sub(c.set) >= c.timeout/64 {
			c.set = now
			if err := c.SetWriteDeadline(now.Add(c.timeout)); err != nil {
				return err
			}
		}
		n, err := c.Write(p[:min(piece, len(p))])
		c.sent += int64(n)
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// Watch calls gone when the reader has closed its side. It reads and discards what the
// reader sends: unread data would make TCP reset the connection at the end, and the end of
// the stream would be lost.
func (c *Conn) Watch(gone func()) {
	c.watching.Go(func() {
		var b [1]byte // most readers send nothing
		if _, err := c.Read(b[:]); err == nil {
			_, _ = io.Copy(io.Discard, c.Conn) // how it ends does not matter
		}
		gone()
	})
}

// Finish closes the write side and waits until the reader closes its side. Everything is
// written by then, so an error only means that the reader is gone.
func (c *Conn) Finish() {
	_ = c.SetReadDeadline(time.Now().Add(linger))
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	c.watching.Wait()
}

// Cut closes the connection and ends reads and writes on it.
func (c *Conn) Cut() {
	_ = c.Close() // the reader may be gone
	c.watching.Wait()
}

// Sent returns the number of bytes that have been written.
func (c *Conn) Sent() int64 { return c.sent }
