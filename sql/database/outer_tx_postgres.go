package database

import (
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jmoiron/sqlx"
)

// InOuterTx runs do in one transaction of PostgreSQL, on a connection of its own without
// a response timeout. The pool that do gets has this one connection: transactions that
// begin on it are savepoints. InOuterTx commits if do returns nil. Its errors are the
// driver's.
func (db *DB) InOuterTx(ctx context.Context, do func(*sqlx.DB) error) (err error) {
	conn, err := db.connector.withoutTimeout().connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if e := conn.Close(); err == nil {
			err = e
		}
	}()
	tx, err := conn.BeginTx(ctx, driver.TxOptions{})
	if err != nil {
		return err
	}
	pool := sqlx.NewDb(stdsql.OpenDB(singleConnector{&savepointConn{conn}}), "postgres")
	pool.SetMaxOpenConns(1)
	if err := errors.Join(do(pool), pool.Close()); err != nil {
		_ = tx.Rollback() // the first error says more
		return err
	}
	return tx.Commit()
}

// singleConnector hands out one connection that is in a transaction already.
type singleConnector struct{ conn *savepointConn }

// Connect returns the connection.
func (c singleConnector) Connect(context.Context) (driver.Conn, error) { return c.conn, nil }

// Driver is that of the connection.
func (c singleConnector) Driver() driver.Driver { return c.conn.connector.Driver() }

// savepointConn is a connection in a transaction. A transaction on it is a savepoint.
type savepointConn struct{ *session }

const savepoint = "inner_tx"

// BeginTx sets a savepoint.
func (c *savepointConn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	_, err := c.conn.ExecContext(ctx, "SAVEPOINT "+savepoint, nil)
	return &savepointTx{c, ctx}, err
}

// errBegin: database/sql calls BeginTx if there is one.
var errBegin = errors.New("database: a transaction needs a context")

// Begin completes driver.Conn. database/sql does not call it.
func (c *savepointConn) Begin() (driver.Tx, error) { return nil, errBegin }

// Close leaves the connection open for InOuterTx.
func (c *savepointConn) Close() error { return nil }

// savepointTx is a transaction within another.
type savepointTx struct {
	conn *savepointConn
	ctx  context.Context //nolint:containedctx // driver.Tx takes none
}

// Commit releases the savepoint.
func (t *savepointTx) Commit() error { return t.exec("RELEASE SAVEPOINT " + savepoint) }

// Rollback undoes everything since the savepoint.
func (t *savepointTx) Rollback() error { return t.exec("ROLLBACK TO SAVEPOINT " + savepoint) }

func (t *savepointTx) exec(statement string) error {
	_, err := t.conn.conn.ExecContext(context.WithoutCancel(t.ctx), statement, nil)
	return err
}
