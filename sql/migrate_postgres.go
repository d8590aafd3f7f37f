package sql

import (
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"errors"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"chat"
)

const (
	// migrationLock is the key of the advisory lock that one of several starters holds
	// while it migrates.
	migrationLock = 7306917425063291

	// migrationPoll is how often the others look whether it is done.
	migrationPoll = 500 * time.Millisecond

	// migrationTries is how often a starter begins anew whose transaction was undone
	// because of others.
	migrationTries = 20

	// migrationIdle is after how long PostgreSQL ends the transaction of a starter that
	// does nothing any more, and gives its lock to another.
	migrationIdle = time.Minute
)

// migratePostgres brings the database up to date in one transaction, which also holds
// the lock. A session's lock would not do: behind a pooler that gives out its servers by
// the transaction, it stays with a server when its owner has gone on to another one. A
// starter that dies takes its transaction with it, and another begins anew.
func (s *Store) migratePostgres(ctx context.Context) error {
	undone, waiting := 0, false
	for {
		current, err := s.upToDate(ctx)
		if err != nil || current {
			return err
		}
		done, err := s.migrateAlone(ctx)
		switch {
		case contended(err) && undone < migrationTries:
			undone++
			s.logger.Info("bringing the database up to date was undone because of another transaction; it is tried again", "err", err)
		case err != nil || done:
			return err
		case !waiting:
			waiting = true
			s.logger.Info("another process is bringing the database up to date; waiting for it")
		}
		pause(ctx, migrationPoll)
		if ctx.Err() != nil {
			return translate(context.Cause(ctx))
		}
	}
}

// upToDate reports whether there is nothing to do. A database that is newer is refused.
func (s *Store) upToDate(ctx context.Context) (bool, error) {
	var there bool
	if err := s.writer.GetContext(ctx, &there, `SELECT to_regclass($1) IS NOT NULL`, versionTable); err != nil || !there {
		return false, translate(err)
	}
	version, err := versionOf(ctx, s.writer)
	return version == latest, err
}

// migrateAlone migrates, unless another process does.
func (s *Store) migrateAlone(ctx context.Context) (done bool, err error) {
	quiet := &connector{cfg: s.made.cfg, silent: func() {}} // a migration may work for long
	quiet.warning.logger = s.logger
	quiet.route.Store(s.made.route.Load())
	conn, err := quiet.connect(ctx)
	if err != nil {
		return false, translate(err)
	}
	defer func() {
		if e := conn.Close(); err == nil && e != nil {
			err = translate(e)
		}
	}()
	tx, err := conn.BeginTx(ctx, driver.TxOptions{})
	if err != nil {
		return false, translate(err)
	}
	row, err := conn.row(ctx, "SELECT pg_try_advisory_xact_lock("+strconv.Itoa(migrationLock)+"), set_config('idle_in_transaction_session_timeout', '"+strconv.Itoa(int(migrationIdle.Milliseconds()))+"', true)")
	if err == nil && row[0] == "true" {
		if err = s.apply(ctx, conn); err == nil {
			return true, migrationFault(tx.Commit())
		}
	}
	if e := tx.Rollback(); err == nil && e != nil {
		err = e
	}
	return false, migrationFault(err)
}

// apply runs the migrations that are missing on a connection that is in a transaction.
func (s *Store) apply(ctx context.Context, conn *session) error {
	db := sqlx.NewDb(stdsql.OpenDB(&single{conn: &nested{session: conn}}), "postgres")
	db.SetMaxOpenConns(1)
	provider, err := provider(s.dialect.name, db.DB)
	if err == nil {
		s.logger.Info("bringing the database up to date")
		_, err = provider.Up(ctx)
	}
	if err == nil {
		err = refuseNewer(ctx, db)
	}
	return errors.Join(err, db.Close())
}

// single hands out one connection, which is in a transaction already.
type single struct{ conn *nested }

// Connect hands it out.
func (c *single) Connect(context.Context) (driver.Conn, error) { return c.conn, nil }

// Driver is that of the connection.
func (c *single) Driver() driver.Driver { return c.conn.connector.Driver() }

// nested is a connection in a transaction. Those that are begun on it are savepoints.
type nested struct{ *session }

const savepoint = "migration"

// BeginTx sets a savepoint.
func (n *nested) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	_, err := n.conn.ExecContext(ctx, "SAVEPOINT "+savepoint, nil)
	return &inner{n, ctx}, err
}

// Begin is of an older interface, and not called.
func (n *nested) Begin() (driver.Tx, error) {
	return nil, chat.Errorf(chat.CodeInternal, "a transaction is begun with a context")
}

// Close leaves the connection to whoever has made it.
func (n *nested) Close() error { return nil }

// inner is a transaction inside another.
type inner struct {
	conn *nested
	ctx  context.Context //nolint:containedctx // driver.Tx has none of its own
}

// Commit keeps what was done since the savepoint.
func (t *inner) Commit() error { return t.end("RELEASE SAVEPOINT " + savepoint) }

// Rollback undoes it.
func (t *inner) Rollback() error { return t.end("ROLLBACK TO SAVEPOINT " + savepoint) }

func (t *inner) end(statement string) error {
	_, err := t.conn.conn.ExecContext(context.WithoutCancel(t.ctx), statement, nil)
	return err
}
