package sql

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

// A pooler gives each transaction, or each session, one of its own connections to the
// server. What a connection of ours has prepared may be on another server connection by
// the next transaction, and under the same name there may be another client's statement
// there. So behind a pooler nothing is kept prepared, unless the pooler does that itself
// (PgBouncer from 1.21 on). lib/pq then sends a statement and its values together
// (binary_parameters), which no pooler can take apart.

// route says what is between us and PostgreSQL.
type route struct {
	direct  bool // nothing that has connections of its own
	renames bool // it keeps statements prepared under names of its own
}

// prepares reports whether a connection may keep its statements prepared.
func (r route) prepares() bool { return r.direct || r.renames }

// lookForPooler makes a connection to find out what it goes through.
func (c *connector) lookForPooler(ctx context.Context, logger *slog.Logger) error {
	s, err := c.connect(ctx)
	if err != nil {
		return err
	}
	r, err := findRoute(ctx, s)
	if err = s.waited(ctx, err); err != nil {
		return errors.Join(err, s.Close())
	}
	c.route.Store(&r)
	switch {
	case r.direct:
	case s.dialer.localPort() == "":
		logger.Info("PostgreSQL is reached over a unix socket, where a connection pooler cannot be told from it", "prepared_statements", r.renames)
	default:
		logger.Info("PostgreSQL is reached through a connection pooler or a proxy", "prepared_statements", r.renames)
	}
	return s.Close()
}

// findRoute compares what the server knows of our connection with what we know.
func findRoute(ctx context.Context, s *session) (r route, err error) {
	row, err := s.row(ctx, "SELECT coalesce(inet_client_port(), -1)")
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
	r.renames, err = s.renamed(ctx)
	if err != nil { // the name is another client's
		r.renames = false
	}
	return r, tx.Rollback()
}

// renamed reports whether a prepared statement has another name on the server than the
// number that lib/pq gives it. A transaction keeps us on one server.
func (s *session) renamed(ctx context.Context) (renamed bool, err error) {
	const probe = "SELECT 1 AS chat_looks_for_a_pooler"
	stmt, err := s.conn.PrepareContext(ctx, probe)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	row, err := s.row(ctx, "SELECT coalesce(max(name), '') FROM pg_prepared_statements WHERE statement = '"+probe+"'")
	if err != nil {
		return false, err
	}
	_, number := strconv.Atoi(row[0])
	return row[0] != "" && number != nil, nil
}

// row is the only row of a query without arguments.
func (s *session) row(ctx context.Context, query string) ([]string, error) {
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
		err = errNoRow
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

// localPort is our end of the connection, which PostgreSQL sees if nothing is between us;
// "" on a unix socket, which proves nothing: whoever listens there may use another one.
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

// waitedError is a statement that ended without an answer, on a connection on which a
// pooler may have had no server for it.
type waitedError struct{ cause error }

func (e *waitedError) Error() string { return e.cause.Error() }
func (e *waitedError) Unwrap() error { return e.cause }

const poolTooSmall = "its connection pooler may have too few connections to the server: " +
	"PgBouncer's default_pool_size and PostgreSQL's max_connections must be at least CHATD_DATABASE_POOL times the number of chatd processes"

// poolWarning is the line in the log about a pool that may be too small: one a minute.
type poolWarning struct {
	logger *slog.Logger
	last   atomic.Int64
}

func (w *poolWarning) say(err error) {
	if w.logger == nil {
		return
	}
	now, last := time.Now().UnixNano(), w.last.Load()
	if now-last >= int64(time.Minute) && w.last.CompareAndSwap(last, now) {
		w.logger.Warn("the database did not answer in time; "+poolTooSmall, "err", err)
	}
}

// waited takes note of what a statement came to.
func (s *session) waited(ctx context.Context, err error) error {
	if err == nil {
		s.answered.Store(true)
		return nil
	}
	late := errors.Is(context.Cause(ctx), context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
	route := s.connector.route.Load()
	if !late || route == nil && s.answered.Load() || route != nil && route.direct {
		return err
	}
	s.connector.warning.say(err)
	return &waitedError{err}
}
