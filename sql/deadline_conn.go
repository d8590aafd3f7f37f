package sql

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lib/pq"
)

// A network that drops packets without a word would hold a connection for as
// long as TCP tries, and lib/pq reads without a deadline, whatever becomes of the
// caller's context. So each read and write gets one here.

// farewell is what a server gets to react when a statement's context has ended.
const farewell = time.Second

// connector makes connections that end when nothing is heard for too long.
type connector struct {
	cfg     pq.Config
	silence time.Duration         // 0: however long it takes
	silent  func()                // called when a connection was given up
	route   atomic.Pointer[route] // nil until it is known
	warning poolWarning
}

// Driver is lib/pq's.
func (c *connector) Driver() driver.Driver { return &pq.Driver{} }

// Connect makes a connection, until ctx ends: lib/pq itself does not look at ctx
// any more once it has reached the server.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	s, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (c *connector) connect(ctx context.Context) (*session, error) {
	d := &dialer{connector: c}
	cfg := c.cfg.Clone()
	route := c.route.Load()
	prepares := route != nil && route.prepares()
	cfg.BinaryParameters = !prepares
	made, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, err
	}
	made.Dialer(d)
	inTime := context.AfterFunc(ctx, func() { d.hangUp(0) })
	conn, err := made.Connect(ctx)
	if !inTime() {
		if err == nil {
			_ = conn.Close() // nobody waits for it any more
		}
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.connected = true
	d.mu.Unlock()
	kept, err := keep(conn)
	checker, ok := conn.(driver.NamedValueChecker)
	if err != nil || !ok {
		return nil, errors.Join(errDriver, conn.Close())
	}
	return &session{stmtCache: kept, NamedValueChecker: checker, dialer: d, connector: c, prepares: prepares}, nil
}

// session is lib/pq's connection, except that its BEGIN looks at its context, and that
// it keeps statements prepared where that is safe.
type session struct {
	*stmtCache
	driver.NamedValueChecker
	dialer    *dialer
	connector *connector
	prepares  bool
	answered  atomic.Bool // the server has answered a statement
	cut       atomic.Bool // the connection is of no use any more
}

// IsValid reports whether the connection may be used again.
func (s *session) IsValid() bool { return !s.cut.Load() && s.conn.IsValid() }

// QueryContext runs a statement that returns rows.
func (s *session) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	if s.prepares {
		rows, err = s.stmtCache.QueryContext(ctx, query, args)
	} else {
		rows, err = s.conn.QueryContext(ctx, query, args)
	}
	return rows, s.waited(ctx, err)
}

// ExecContext runs a statement that returns none.
func (s *session) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (res driver.Result, err error) {
	if s.prepares {
		res, err = s.stmtCache.ExecContext(ctx, query, args)
	} else {
		res, err = s.conn.ExecContext(ctx, query, args)
	}
	return res, s.waited(ctx, err)
}

// Ping asks the server for an answer.
func (s *session) Ping(ctx context.Context) error { return s.waited(ctx, s.conn.Ping(ctx)) }

// Close leaves it to the server to forget the statements.
func (s *session) Close() error { return s.conn.Close() }

// BeginTx begins a transaction, until ctx ends.
func (s *session) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	inTime := context.AfterFunc(ctx, func() { s.dialer.hangUp(0) })
	tx, err := s.conn.BeginTx(ctx, o)
	if !inTime() {
		s.cut.Store(true)
		return nil, s.waited(ctx, context.Cause(ctx))
	}
	return tx, s.waited(ctx, err)
}

// dialer dials for one connection of the pool. Once that stands, lib/pq dials
// again for one reason: to send a CancelRequest, because a statement's context
// has ended. The server gets a moment to react to it, and then both are cut.
type dialer struct {
	connector *connector

	mu        sync.Mutex
	current   *deadlineConn
	connected bool
}

// DialContext is what lib/pq calls.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	cancelling := d.connected
	d.mu.Unlock()
	if cancelling {
		d.hangUp(farewell)
		limited, cancel := context.WithTimeout(ctx, farewell)
		defer cancel()
		ctx = limited
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l := &deadlineConn{Conn: conn, connector: d.connector}
	if cancelling {
		l.cutAt(time.Now().Add(farewell))
		return l, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.current = l
	return l, nil
}

// errNoContext: lib/pq calls DialContext where there is one.
var errNoContext = errors.New("sql: a connection is made with a context, or not at all")

// Dial is of lib/pq's interface, and not called.
func (d *dialer) Dial(_, _ string) (net.Conn, error) { return nil, errNoContext }

// DialTimeout is of lib/pq's interface, and not called.
func (d *dialer) DialTimeout(_, _ string, _ time.Duration) (net.Conn, error) {
	return nil, errNoContext
}

// hangUp ends the connection after a time, whatever is going on on it.
func (d *dialer) hangUp(after time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current != nil {
		d.current.cutAt(time.Now().Add(after))
	}
}

// deadlineConn is a network connection whose reads and writes each have a deadline.
type deadlineConn struct {
	net.Conn
	connector *connector

	mu    sync.Mutex
	limit time.Time // from SetDeadline
	cut   time.Time // the end of it all
	given bool      // it was told that this one is given up
}

// SetDeadline bounds all that follows; lib/pq does so while it connects.
func (l *deadlineConn) SetDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = t
	return l.Conn.SetDeadline(earliest(t, l.cut))
}

// SetWriteDeadline bounds all that follows: crypto/tls does so when it closes.
func (l *deadlineConn) SetWriteDeadline(t time.Time) error { return l.SetDeadline(t) }

// cutAt bounds all that follows, and what is going on.
func (l *deadlineConn) cutAt(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = earliest(t, l.cut)
	_ = l.Conn.SetDeadline(earliest(l.limit, l.cut)) // fails on what is closed already
}

// arm sets the deadline of the next read or write.
func (l *deadlineConn) arm(set func(time.Time) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := earliest(l.limit, l.cut)
	if d := l.connector.silence; d > 0 {
		until = earliest(until, time.Now().Add(d))
	}
	return set(until)
}

func (l *deadlineConn) Read(b []byte) (int, error) {
	if err := l.arm(l.Conn.SetReadDeadline); err != nil {
		return 0, err
	}
	n, err := l.Conn.Read(b)
	l.onTimeout(err)
	return n, err
}

func (l *deadlineConn) Write(b []byte) (int, error) {
	if err := l.arm(l.Conn.SetWriteDeadline); err != nil {
		return 0, err
	}
	n, err := l.Conn.Write(b)
	l.onTimeout(err)
	return n, err
}

// onTimeout logs, once, that the other side was silent for too long.
func (l *deadlineConn) onTimeout(err error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	l.mu.Lock()
	first := !l.given
	l.given = true
	l.mu.Unlock()
	if first {
		l.connector.silent()
	}
}

// earliest is the earlier of two times, of which the zero one is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
