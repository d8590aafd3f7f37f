package database

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// A network that drops packets would hold a connection for as long as TCP retries:
// lib/pq reads without a deadline and ignores the caller's context. So every read and
// write gets a deadline here.

// cancelGrace is how long the server may take to react after a statement's context
// has ended.
const cancelGrace = time.Second

// dialer dials for one connection of the pool. Once it is established, lib/pq dials
// again only to send a CancelRequest, because a statement's context has ended. After
// cancelGrace both connections are cut.
type dialer struct {
	connector *connector

	mu        sync.Mutex
	current   *deadlineConn
	address   string // of current
	connected bool
}

// DialContext implements pq.DialerContext.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	cancelling := d.connected
	d.mu.Unlock()
	if cancelling {
		d.cutAfter(cancelGrace)
		limited, cancel := context.WithTimeout(ctx, cancelGrace)
		defer cancel()
		ctx = limited
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &deadlineConn{Conn: conn, connector: d.connector}
	if cancelling {
		c.cutAt(time.Now().Add(cancelGrace))
		return c, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.current, d.address = c, address
	return c, nil
}

// connect records that the connection is established, and returns the address.
func (d *dialer) connect() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.connected = true
	return d.address
}

// errNoContext: lib/pq calls DialContext if there is one.
var errNoContext = errors.New("database: a connection needs a context")

// Dial completes lib/pq's interface. lib/pq does not call it.
func (d *dialer) Dial(_, _ string) (net.Conn, error) { return nil, errNoContext }

// DialTimeout completes lib/pq's interface. lib/pq does not call it.
func (d *dialer) DialTimeout(_, _ string, _ time.Duration) (net.Conn, error) {
	return nil, errNoContext
}

// cutAfter ends the connection after a delay, even in the middle of a statement.
func (d *dialer) cutAfter(delay time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current != nil {
		d.current.cutAt(time.Now().Add(delay))
	}
}

// deadlineConn is a network connection whose reads and writes each have a deadline.
type deadlineConn struct {
	net.Conn
	connector *connector

	mu       sync.Mutex
	limit    time.Time // from SetDeadline
	cut      time.Time // after it nothing succeeds
	timedOut bool      // dropIdle was called
}

// SetDeadline bounds all later reads and writes. lib/pq calls it while it connects.
func (c *deadlineConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = t
	return c.Conn.SetDeadline(earliest(t, c.cut))
}

// SetWriteDeadline bounds all later reads and writes. crypto/tls calls it on close.
func (c *deadlineConn) SetWriteDeadline(t time.Time) error { return c.SetDeadline(t) }

// cutAt bounds running and later reads and writes.
func (c *deadlineConn) cutAt(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = earliest(t, c.cut)
	_ = c.Conn.SetDeadline(earliest(c.limit, c.cut)) // fails on a closed connection
}

// armDeadline sets the deadline of the next read or write.
func (c *deadlineConn) armDeadline(set func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	until := earliest(c.limit, c.cut)
	if d := c.connector.responseTimeout; d > 0 {
		until = earliest(until, time.Now().Add(d))
	}
	return set(until)
}

func (c *deadlineConn) Read(b []byte) (int, error) {
	if err := c.armDeadline(c.Conn.SetReadDeadline); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	c.onTimeout(err)
	return n, err
}

func (c *deadlineConn) Write(b []byte) (int, error) {
	if err := c.armDeadline(c.Conn.SetWriteDeadline); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	c.onTimeout(err)
	return n, err
}

// onTimeout drops the pool's idle connections when this one first times out.
func (c *deadlineConn) onTimeout(err error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	c.mu.Lock()
	first := !c.timedOut
	c.timedOut = true
	c.mu.Unlock()
	if first {
		c.connector.dropIdle()
	}
}

// earliest returns the earlier of two times. The zero time means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
