package migrations

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"chat"
	"chat/sql/database"
)

// sqliteTries bounds how often a migration that met another one is repeated.
const sqliteTries = 50

func upSQLite(ctx context.Context, db *database.DB) error {
	provider, err := newProvider("sqlite", db.Writer().DB)
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		if _, err = provider.Up(ctx); err == nil {
			break
		}
		// Only the write lock separates two processes that start at the same time.
		// The later one fails on a table that exists, changes nothing, and finds
		// less to do at its next try.
		if n == sqliteTries || ctx.Err() != nil {
			return translate(err)
		}
		pause(ctx, chat.Backoff(n, time.Millisecond, 100*time.Millisecond))
	}
	return refuseNewer(ctx, db.Writer()) // a newer process may have been faster
}

// InspectSQLite refuses the file of another program or of a newer version of this one.
// It changes nothing.
func InspectSQLite(ctx context.Context, db *sqlx.DB) error {
	var tables, versions int
	err := db.QueryRowxContext(ctx, `SELECT count(*), coalesce(sum(name = $1), 0) FROM sqlite_schema`, versionTable).
		Scan(&tables, &versions)
	switch {
	case err != nil:
		return database.Translate(err)
	case tables == 0:
		return nil
	case versions == 0:
		return chat.Errorf(chat.CodeStorage, "the database file belongs to another program and was not changed: set another path in DATABASE_URL")
	}
	return refuseNewer(ctx, db)
}
