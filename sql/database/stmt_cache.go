package database

import (
	"context"
	"database/sql/driver"
	"errors"
)

// maxPrepared bounds the prepared statements of a connection. There are about thirty
// fixed ones, and those that are assembled from a caller's conditions.
const maxPrepared = 100

// conn lists the interfaces of database/sql that the connections of both drivers have.
type conn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// statement lists those of a prepared statement.
type statement interface {
	driver.Stmt
	driver.StmtQueryContext
	driver.StmtExecContext
}

// errDriver reports a driver without the methods above.
var errDriver = errors.New("database: the driver lacks a method")

// stmtCache is a connection that caches its prepared statements. Without it lib/pq makes
// two round trips for each statement with arguments, one for their types and one for
// the rows, and each database parses the text every time.
type stmtCache struct {
	conn
	stmts map[string]statement
	order []string // oldest first
}

func newStmtCache(raw driver.Conn) (*stmtCache, error) {
	full, ok := raw.(conn)
	if !ok {
		return nil, errDriver
	}
	return &stmtCache{conn: full, stmts: map[string]statement{}}, nil
}

// QueryContext runs a statement that returns rows.
func (c *stmtCache) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) == 0 { // it takes one round trip anyway, and may be several statements
		return c.conn.QueryContext(ctx, query, args)
	}
	stmt, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args)
}

// ExecContext runs a statement that returns none.
func (c *stmtCache) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 {
		return c.conn.ExecContext(ctx, query, args)
	}
	stmt, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args)
}

func (c *stmtCache) prepare(ctx context.Context, query string) (statement, error) {
	if stmt := c.stmts[query]; stmt != nil {
		return stmt, nil
	}
	if len(c.order) >= maxPrepared {
		oldest := c.order[0]
		stmt := c.stmts[oldest]
		c.order = c.order[1:]
		delete(c.stmts, oldest)
		if err := stmt.Close(); err != nil {
			return nil, err
		}
	}
	made, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	stmt, ok := made.(statement)
	if !ok {
		return nil, errors.Join(errDriver, made.Close())
	}
	c.stmts[query] = stmt
	c.order = append(c.order, query)
	return stmt, nil
}

// Close closes the statements and then the connection.
func (c *stmtCache) Close() error {
	var errs []error
	for _, stmt := range c.stmts {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, c.conn.Close())...)
}

// withStmtCache is a connector whose connections have a stmtCache.
type withStmtCache struct{ driver.Connector }

// Connect opens a connection.
func (c withStmtCache) Connect(ctx context.Context) (driver.Conn, error) {
	made, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	cached, err := newStmtCache(made)
	if err != nil {
		return nil, errors.Join(err, made.Close())
	}
	return cached, nil
}
