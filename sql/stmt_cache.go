package sql

import (
	"context"
	"database/sql/driver"
	"errors"
)

// maxPrepared bounds the statements that a connection keeps prepared. There are
// some thirty, and those that are put together from what was asked for.
const maxPrepared = 100

// conn is what database/sql uses of a connection of both drivers.
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

// statement is what database/sql uses of a prepared statement.
type statement interface {
	driver.Stmt
	driver.StmtQueryContext
	driver.StmtExecContext
}

// errDriver: a driver's connections and statements have the methods above.
var errDriver = errors.New("sql: the driver is of another kind than expected")

// stmtCache is a connection that caches its prepared statements. Otherwise lib/pq asks
// twice for each one with arguments, first what their types are and then for the
// rows, and either database parses its text anew.
type stmtCache struct {
	conn
	stmts map[string]statement
	order []string // of their making
}

func keep(c driver.Conn) (*stmtCache, error) {
	full, ok := c.(conn)
	if !ok {
		return nil, errDriver
	}
	return &stmtCache{conn: full, stmts: map[string]statement{}}, nil
}

// QueryContext runs a statement that returns rows.
func (k *stmtCache) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) == 0 { // which takes one round trip anyway, and may be several statements
		return k.conn.QueryContext(ctx, query, args)
	}
	stmt, err := k.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args)
}

// ExecContext runs a statement that returns none.
func (k *stmtCache) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 {
		return k.conn.ExecContext(ctx, query, args)
	}
	stmt, err := k.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args)
}

func (k *stmtCache) prepare(ctx context.Context, query string) (statement, error) {
	if stmt := k.stmts[query]; stmt != nil {
		return stmt, nil
	}
	if len(k.order) >= maxPrepared {
		oldest := k.order[0]
		stmt := k.stmts[oldest]
		k.order = k.order[1:]
		delete(k.stmts, oldest)
		if err := stmt.Close(); err != nil {
			return nil, err
		}
	}
	made, err := k.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	stmt, ok := made.(statement)
	if !ok {
		return nil, errors.Join(errDriver, made.Close())
	}
	k.stmts[query] = stmt
	k.order = append(k.order, query)
	return stmt, nil
}

// Close closes the statements, and then the connection.
func (k *stmtCache) Close() error {
	var errs []error
	for _, stmt := range k.stmts {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, k.conn.Close())...)
}

// withStmtCache is a connector whose connections have a stmtCache.
type withStmtCache struct{ driver.Connector }

// Connect makes one.
func (c withStmtCache) Connect(ctx context.Context) (driver.Conn, error) {
	made, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	k, err := keep(made)
	if err != nil {
		return nil, errors.Join(err, made.Close())
	}
	return k, nil
}
