package sql

import (
	"context"
	stdsql "database/sql"
	"embed"
	"io/fs"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"

	"chat"
)

//go:embed migrations/*/*.sql
var migrations embed.FS

const (
	// versionTable is where goose writes down what has been applied.
	versionTable = "goose_db_version"
	// latest is the version of the newest migration in the binary.
	latest = 8

	sqliteMigrationTries = 50
)

// migrate applies the migrations that the database lacks. Any number of processes may
// do so at once.
func (s *Store) migrate(ctx context.Context) error {
	if s.dialect.name == "postgres" {
		return s.migratePostgres(ctx)
	}
	provider, err := provider(s.dialect.name, s.writer.DB)
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		if _, err = provider.Up(ctx); err == nil {
			break
		}
		// On SQLite nothing but the write lock keeps two that start at once
		// apart: the later one fails on what is there already, changes nothing,
		// and finds less to do when it comes back.
		if n == sqliteMigrationTries || ctx.Err() != nil {
			return migrationFault(err)
		}
		pause(ctx, chat.Backoff(n, time.Millisecond, 100*time.Millisecond))
	}
	return refuseNewer(ctx, s.writer) // one may have overtaken us
}

// provider runs the migrations of a dialect on db, each in a transaction of its own.
func provider(dialect string, db *stdsql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations/"+dialect)
	kind := goose.DialectSQLite3
	if dialect == "postgres" {
		kind = goose.DialectPostgres
	}
	var p *goose.Provider
	if err == nil {
		p, err = goose.NewProvider(kind, db, dir, goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
	}
	if err != nil {
		return nil, failure(chat.CodeInternal, err, "the migrations in this program cannot be read: "+err.Error())
	}
	return p, nil
}

func migrationFault(err error) error {
	if err == nil {
		return nil
	}
	e := chat.AsError(translate(err))
	if e.Code == chat.CodeInternal {
		return failure(chat.CodeStorage, err, "the database cannot be brought up to date: "+err.Error())
	}
	return e
}

// refuseNewer refuses a database that a later program has migrated.
func refuseNewer(ctx context.Context, db *sqlx.DB) error {
	_, err := versionOf(ctx, db)
	return err
}

// versionOf is the newest migration that was applied. One that this program does not
// know is an error.
func versionOf(ctx context.Context, db *sqlx.DB) (int64, error) {
	var version int64
	err := db.GetContext(ctx, &version, `SELECT coalesce(max(version_id), 0) FROM `+versionTable)
	if err != nil {
		return 0, translate(err)
	}
	if version > latest {
		return 0, chat.Errorf(chat.CodeStorage,
			"the database is of a newer chat (version %d, this one knows %d); it was left as it is: install that chat, or name another database in DATABASE_URL", version, latest)
	}
	return version, nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
