package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// A connection pooler lends each transaction, or each session, one of its own server
// connections. The next transaction may run on another one, which does not have our
// prepared statement, or has another client's statement of the same name. So behind a
// pooler nothing stays prepared, unless the pooler tracks prepared statements itself
// (PgBouncer from 1.21 on). lib/pq then sends a statement together with its values
// (binary_parameters), which no pooler can separate.

// route describes the path to PostgreSQL.
type route struct {
	direct  bool // no pooler or proxy is between
	renames bool // the pooler keeps prepared statements under names of its own
}

// keepsPrepared reports whether a statement stays prepared on its connection.
func (r route) keepsPrepared() bool { return r.direct || r.renames }

// detectPooler opens a connection to learn its route.
func (c *connector) detectPooler(ctx context.Context, logger *slog.Logger) error {
	s, err := c.connect(ctx)
	if err != nil {
		return err
	}
	r, err := s.detectRoute(ctx)
	if err = s.checkTimeout(ctx, err); err != nil {
		return errors.Join(err, s.Close())
	}
	c.route.Store(&r)
	switch {
	case r.direct:
	case s.dialer.localPort() == "":
		logger.Info("PostgreSQL is reached over a unix socket; it may be a connection pooler's", "prepared_statements", r.renames)
	default:
		logger.Info("PostgreSQL is reached through a connection pooler or a proxy", "prepared_statements", r.renames)
	}
	return s.Close()
}

// detectRoute compares our end of the connection with what the server sees.
func (s *session) detectRoute(ctx context.Context) (r route, err error) {
	row, err := s.queryRow(ctx, "SELECT coalesce(inet_client_port(), -1)")
	if err != nil {
		return r, err
	}
	if r.direct = s.dialer.localPort() == row[0]; r.direct {
		return r, nil
	}
	tx, err := s.BeginTx(ctx, driver.TxOptions{})
	if err != nil {
		return r, err
	}
	r.renames, err = s.detectRename(ctx)
	if err != nil { // another client has a statement of that name
		r.renames = false
	}
	return r, tx.Rollback()
}

// detectRename reports whether a prepared statement has another name on the server than
// the number that lib/pq gave it. The caller's transaction stays on one server.
func (s *session) detectRename(ctx context.Context) (renamed bool, err error) {
	const probe = "SELECT 1 AS chat_looks_for_a_pooler"
	stmt, err := s.conn.PrepareContext(ctx, probe)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	row, err := s.queryRow(ctx, "SELECT coalesce(max(name), '') FROM pg_prepared_statements WHERE statement = '"+probe+"'")
	if err != nil {
		return false, err
	}
	_, notANumber := strconv.Atoi(row[0])
	return row[0] != "" && notANumber != nil, nil
}

// queryRow returns the only row of a query without arguments.
func (s *session) queryRow(ctx context.Context, query string) ([]string, error) {
	rows, err := s.conn.QueryContext(ctx, query, nil)
	if err != nil {
		return nil, err
	}
	values := make([]driver.Value, len(rows.Columns()))
	err = rows.Next(values)
	if e := rows.Close(); err == nil {
		err = e
	}
	if errors.Is(err, io.EOF) {
		err = ErrNoRow
	}
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(values))
	for i, v := range values {
		if b, ok := v.([]byte); ok {
			v = string(b)
		}
		texts[i] = fmt.Sprint(v)
	}
	return texts, nil
}

// localPort is our end of the connection. PostgreSQL sees the same port if nothing is
// between. It is "" on a unix socket, which proves nothing: its listener may forward.
func (d *dialer) localPort() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current == nil {
		return ""
	}
	local, ok := d.current.LocalAddr().(*net.TCPAddr)
	if !ok {
		return ""
	}
	return strconv.Itoa(local.Port)
}

// poolTimeoutError reports a statement that timed out, perhaps because the pooler had no
// server connection for it.
type poolTimeoutError struct{ cause error }

func (e *poolTimeoutError) Error() string { return e.cause.Error() }
func (e *poolTimeoutError) Unwrap() error { return e.cause }

const poolTooSmall = "its connection pooler may have too few connections to the server: " +
	"PgBouncer's default_pool_size and PostgreSQL's max_connections must be at least CHATD_DATABASE_POOL times the number of chatd processes"

// poolWarning logs that a pool may be too small, at most once a minute.
type poolWarning struct {
	logger *slog.Logger
	last   atomic.Int64
}

func (w *poolWarning) log(err error) {
	if w.logger == nil {
		return
	}
	now, last := time.Now().UnixNano(), w.last.Load()
	if now-last >= int64(time.Minute) && w.last.CompareAndSwap(last, now) {
		w.logger.Warn("the database did not answer in time; "+poolTooSmall, "err", err)
	}
}

// checkTimeout marks the error of a statement that a full pool may have held up.
func (s *session) checkTimeout(ctx context.Context, err error) error {
	if err == nil {
		s.answered.Store(true)
		return nil
	}
	late := errors.Is(context.Cause(ctx), context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
	route := s.connector.route.Load()
	if !late || route == nil && s.answered.Load() || route != nil && route.direct {
		return err
	}
	s.connector.warning.log(err)
	return &poolTimeoutError{err}
}
