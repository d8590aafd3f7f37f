package api

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

// rawStream is a connection that a stream has for itself, taken over from net/http:
// a follower that waits costs two small stacks, and neither a request, its buffers
// nor the stack of its handlers. It is closed with the stream.
//
// A body is chunked (RFC 9112, section 7.1), so that one that was cut can be told
// from one that has ended; for HTTP/1.0 it goes on until the connection ends.
type rawStream struct {
	net.Conn
	head     []byte // of the answer, until the first chunk takes it along
	chunked  bool
	timeout  time.Duration // of one piece
	set      time.Time     // when the deadline was
	sent     int64         // bytes
	watching sync.WaitGroup
}

const (
	// lengthRoom is kept free before what send sends, for its length.
	lengthRoom = len("ffffffff\r\n")
	// lastChunk ends a chunked body.
	lastChunk = "0\r\n\r\n"
	// linger is how long a reader may take to close the connection when it has all.
	linger = 500 * time.Millisecond
)

// hijack takes the connection of a request from net/http.
func hijack(w http.ResponseWriter, r *http.Request, timeout time.Duration) (*rawStream, error) {
	h := w.Header()
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	c := &rawStream{chunked: r.ProtoAtLeast(1, 1), timeout: timeout}
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

// send writes p, but for the room at its beginning, as a chunk; last says that it
// is the end of the body. It may use p's capacity.
func (c *rawStream) send(p []byte, last bool) error {
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

// write gives each piece a deadline of its own, so that a reader that does not read
// costs a bounded time, and a slow one gets it all.
func (c *rawStream) write(p []byte) error {
	for len(p) > 0 {
		// Streams write twenty times a second: one that was set just now is good enough.
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

// watch calls gone when the reader has closed its side. What it says is of no
// interest, but is read: unread, it would make TCP reset the connection at its end,
// and the end of the stream be lost.
func (c *rawStream) watch(gone func()) {
	c.watching.Go(func() {
		var b [1]byte // most say nothing, and need no more
		if _, err := c.Read(b[:]); err == nil {
			_, _ = io.Copy(io.Discard, c.Conn) // how it ends does not matter
		}
		gone()
	})
}

// finish closes our side, and waits for the reader to close its own. All has been
// written by then: an error here means that the reader has gone already.
func (c *rawStream) finish() {
	_ = c.SetReadDeadline(time.Now().Add(linger))
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	c.watching.Wait()
}

// cut closes the connection, whatever is under way on it.
func (c *rawStream) cut() {
	_ = c.Close() // there is nobody to tell
	c.watching.Wait()
}
