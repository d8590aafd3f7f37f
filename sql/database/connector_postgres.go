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
	hosts           *hosts
	responseTimeout time.Duration         // of each read and write; 0 is none
	dropIdle        func()                // called when a connection timed out
	route           atomic.Pointer[route] // nil until it is detected
	warning         poolWarning
}

// withoutTimeout returns a connector for statements of any duration.
func (c *connector) withoutTimeout() *connector {
	unbounded := &connector{cfg: c.cfg, hosts: c.hosts, dropIdle: func() {}}
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
	c.hosts.order(&cfg)
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
		return nil, markRole(err)
	}
	c.hosts.setFound(d.connect())
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
	if err = s.check(ctx, err); err != nil && rows != nil {
		_ = rows.Close() // the first error says more
		rows = nil
	}
	return rows, err
}

// ExecContext runs a statement that returns none.
func (s *session) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (res driver.Result, err error) {
	if s.prepares {
		res, err = s.stmtCache.ExecContext(ctx, query, args)
	} else {
		res, err = s.conn.ExecContext(ctx, query, args)
	}
	return res, s.check(ctx, err)
}

// Ping waits for an answer of the server.
func (s *session) Ping(ctx context.Context) error { return s.check(ctx, s.conn.Ping(ctx)) }

// Close closes the connection. The server then drops the prepared statements.
func (s *session) Close() error { return s.conn.Close() }

// BeginTx begins a transaction and stops when ctx ends.
func (s *session) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	inTime := context.AfterFunc(ctx, func() { s.dialer.cutAfter(0) })
	tx, err := s.conn.BeginTx(ctx, o)
	if !inTime() {
		s.broken.Store(true)
		return nil, s.check(ctx, context.Cause(ctx))
	}
	if e, ok := errors.AsType[*pq.Error](err); ok && e.Code == "0A000" {
		err = &roleError{err} // a standby does not support transactions with changes
	}
	if err = s.check(ctx, err); err != nil {
		return nil, err
	}
	return &sessionTx{tx, s, ctx}, nil
}

// sessionTx is a transaction whose commit respects its context.
type sessionTx struct {
	driver.Tx
	session *session
	ctx     context.Context //nolint:containedctx // driver.Tx takes none
}

// Commit commits, and returns an error unless the server has answered in time.
func (t *sessionTx) Commit() error { return t.session.check(t.ctx, t.Tx.Commit()) }

// check inspects the outcome of a statement. A success after the end of ctx is an error:
// PostgreSQL answers a cancel during the wait for a synchronous standby with a success,
// although the standby may not have the transaction.
func (s *session) check(ctx context.Context, err error) error {
	switch {
	case err == nil && ctx.Err() != nil:
		s.broken.Store(true)
		err = context.Cause(ctx)
	case isReadOnly(err):
		// The other connections most likely lead to the same server.
		s.broken.Store(true)
		s.connector.dropIdle()
	}
	return s.checkTimeout(ctx, err)
}

// isReadOnly reports whether a server refused a change because it is a standby or was made
// read-only.
func isReadOnly(err error) bool {
	if _, ok := errors.AsType[*roleError](err); ok {
		return true
	}
	e, ok := errors.AsType[*pq.Error](err)
	return ok && e.Code == "25006"
}
