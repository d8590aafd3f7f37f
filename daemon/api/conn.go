package api

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// streamConn is a connection that a stream has for itself, taken over from net/http:
// a follower that waits costs two small stacks, and neither a request, its buffers
// nor the stack of its handlers. It is closed with the stream.
//
// A body is chunked (RFC 9112, section 7.1), so that one that was cut can be told
// from one that has ended; for HTTP/1.0 it goes on until the connection ends.
type streamConn struct {
	conn    net.Conn
	chunked bool
	timeout time.Duration // of one piece
	set     time.Time     // when the deadline was
}

// lengthRoom is kept free before what send sends, for its length.
const lengthRoom = len("ffffffff\r\n")

// lastChunk ends a chunked body.
const lastChunk = "0\r\n\r\n"

// takeOver takes the connection of a request and writes the head of the answer.
func takeOver(w http.ResponseWriter, r *http.Request, timeout time.Duration) (*streamConn, error) {
	h := w.Header()
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	c := &streamConn{chunked: r.ProtoAtLeast(1, 1), timeout: timeout}
	version := "1.0"
	if c.chunked {
		version = "1.1"
		h.Set("Transfer-Encoding", "chunked")
	}
	var head bytes.Buffer
	fmt.Fprintf(&head, "HTTP/%s 200 OK\r\n", version)
	if err := h.Write(&head); err != nil {
		return nil, err
	}
	head.WriteString("\r\n")
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	c.conn = conn
	return c, c.write(head.Bytes())
}

// send writes p, but for the room at its beginning, as a chunk; last says that it
// is the end of the body. It may use p's capacity.
func (c *streamConn) send(p []byte, last bool) error {
	if !c.chunked {
		return c.write(p[lengthRoom:])
	}
	var digits [16]byte
	length := append(strconv.AppendInt(digits[:0], int64(len(p)-lengthRoom), 16), "\r\n"...)
	begin := lengthRoom - len(length)
	copy(p[begin:], length)
	p = append(p, "\r\n"...)
	if last {
		p = append(p, lastChunk...)
	}
	return c.write(p[begin:])
}

// write gives each piece a deadline of its own, so that a reader that does not read
// costs a bounded time, and a slow one gets it all.
func (c *streamConn) write(p []byte) error {
	for len(p) > 0 {
		// Streams write twenty times a second: one that was set just now is good enough.
		if now := time.Now(); now.Sub(c.set) >= c.timeout/64 {
			c.set = now
			if err := c.conn.SetWriteDeadline(now.Add(c.timeout)); err != nil {
				return err
			}
		}
		n, err := c.conn.Write(p[:min(piece, len(p))])
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// watch ends the stream when its reader is gone. One that says more than its request
// is not listened to: the next write will tell whether it is there.
func (c *streamConn) watch(gone context.CancelFunc) {
	var b [1]byte
	if _, err := c.conn.Read(b[:]); err != nil {
		gone()
	}
}
