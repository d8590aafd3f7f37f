package migrations

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"chat/sql/database"
)

const (
	// lockKey is the key of the advisory lock that the migrating process holds.
	lockKey = 7306917425063291

	// waitInterval is how often the other processes check whether it is done.
	waitInterval = 500 * time.Millisecond

	// postgresTries bounds how often a migration that contention undid is repeated.
	postgresTries = 20

	// idleTimeout is when PostgreSQL ends the transaction of a process that has stopped,
	// and so frees the lock.
	idleTimeout = time.Minute
)

// upPostgres migrates in one transaction, which also holds the lock. A session's lock
// would not do: a pooler in transaction mode leaves it on a server connection that its
// owner no longer has. The transaction of a process that dies is rolled back, and
// another process starts again.
func upPostgres(ctx context.Context, db *database.DB, logger *slog.Logger) error {
	undone, waiting := 0, false
	for {
		current, err := upToDate(ctx, db)
		if err != nil || current {
			return err
		}
		err = migrateLocked(ctx, db, logger)
		switch {
		case database.Contended(err) && undone < postgresTries:
			undone++
			logger.Info("another transaction undid the migration of the database; trying again", "err", err)
		case !errors.Is(err, errLocked):
			return translate(err)
		case !waiting:
			waiting = true
			logger.Info("waiting for another process to migrate the database")
		}
		pause(ctx, waitInterval)
		if ctx.Err() != nil {
			return database.Translate(context.Cause(ctx))
		}
	}
}

// upToDate reports whether all migrations are applied. It refuses a newer database.
func upToDate(ctx context.Context, db *database.DB) (bool, error) {
	var exists bool
	if err := db.Writer().GetContext(ctx, &exists, `SELECT to_regclass($1) IS NOT NULL`, versionTable); err != nil || !exists {
		return false, database.Translate(err)
	}
	version, err := versionOf(ctx, db.Writer())
	return version == latest, err
}

// errLocked reports that another process is migrating.
var errLocked = errors.New("migrations: another process holds the lock")

// migrateLocked applies the missing migrations, or returns errLocked.
func migrateLocked(ctx context.Context, db *database.DB, logger *slog.Logger) error {
	return db.InOuterTx(ctx, func(tx *sqlx.DB) error {
		var locked bool
		var timeout string
		err := tx.QueryRowxContext(ctx, "SELECT pg_try_advisory_xact_lock("+strconv.Itoa(lockKey)+"), set_config('idle_in_transaction_session_timeout', '"+
			strconv.Itoa(int(idleTimeout.Milliseconds()))+"', true)").Scan(&locked, &timeout)
		if err != nil {
			return err
		}
		if !locked {
			return errLocked
		}
		provider, err := newProvider("postgres", tx.DB)
		if err != nil {
			return err
		}
		logger.Info("migrating the database")
		if _, err := provider.Up(ctx); err != nil {
			return err
		}
		return refuseNewer(ctx, tx)
	})
}
