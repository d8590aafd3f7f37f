package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"time"

	"github.com/lib/pq"
)

// connector opens connections to PostgreSQL.
type connector struct {
	cfg             pq.Config
	responseTimeout time.Duration         // of each read and write; 0 is none
	dropIdle        func()                // called when a connection timed out
	route           atomic.Pointer[route] // nil until it is detected
	warning         poolWarning
}

// withoutTimeout returns a connector for statements of any duration.
func (c *connector) withoutTimeout() *connector {
	unbounded := &connector{cfg: c.cfg, dropIdle: func() {}}
	unbounded.warning.logger = c.warning.logger
	unbounded.route.Store(c.route.Load())
	return unbounded
}

// Driver is lib/pq's.
func (c *connector) Driver() driver.Driver { return &pq.Driver{} }

// Connect opens a connection.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	s, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// connect opens a connection and stops when ctx ends. lib/pq itself ignores ctx once
// it has reached the server.
func (c *connector) connect(ctx context.Context) (*session, error) {
	d := &dialer{connector: c}
	cfg := c.cfg.Clone()
	route := c.route.Load()
	prepares := route != nil && route.keepsPrepared()
	cfg.BinaryParameters = !prepares
	made, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, err
	}
	made.Dialer(d)
	inTime := context.AfterFunc(ctx, func() { d.cutAfter(0) })
	conn, err := made.Connect(ctx)
	if !inTime() {
		if err == nil {
			_ = conn.Close() // no one waits for it
		}
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.connected = true
	d.mu.Unlock()
	cached, err := newStmtCache(conn)
	checker, ok := conn.(driver.NamedValueChecker)
	if err != nil || !ok {
		return nil, errors.Join(errDriver, conn.Close())
	}
	return &session{stmtCache: cached, NamedValueChecker: checker, dialer: d, connector: c, prepares: prepares}, nil
}

// session is lib/pq's connection, except that BEGIN respects its context, and that
// statements stay prepared where that is safe.
type session struct {
	*stmtCache
	driver.NamedValueChecker
	dialer    *dialer
	connector *connector
	prepares  bool
	answered  atomic.Bool // the server has answered a statement
	broken    atomic.Bool // the connection must not be used again
}

// IsValid reports whether the connection may be used again.
func (s *session) IsValid() bool { return !s.broken.Load() && s.conn.IsValid() }

// QueryContext runs a statement that returns rows.
func (s *session) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	if s.prepares {
		rows, err = s.stmtCache.QueryContext(ctx, query, args)
	} else {
		rows, err = s.conn.QueryContext(ctx, query, args)
	}
	return rows, s.checkTimeout(ctx, err)
}

// ExecContext runs a statement that returns none.
func (s *session) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (res driver.Result, err error) {
	if s.prepares {
		res, err = s.stmtCache.ExecContext(ctx, query, args)
	} else {
		res, err = s.conn.ExecContext(ctx, query, args)
	}
	return res, s.checkTimeout(ctx, err)
}

// Ping waits for an answer of the server.
func (s *session) Ping(ctx context.Context) error { return s.checkTimeout(ctx, s.conn.Ping(ctx)) }

// Close closes the connection. The server then drops the prepared statements.
func (s *session) Close() error { return s.conn.Close() }

// BeginTx begins a transaction and stops when ctx ends.
func (s *session) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	inTime := context.AfterFunc(ctx, func() { s.dialer.cutAfter(0) })
	tx, err := s.conn.BeginTx(ctx, o)
	if !inTime() {
		s.broken.Store(true)
		return nil, s.checkTimeout(ctx, context.Cause(ctx))
	}
	return tx, s.checkTimeout(ctx, err)
}
