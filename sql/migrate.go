package sql

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"chat"
)

//go:embed migrations/*/*.sql
var migrations embed.FS

const (
	// versionTable is where goose writes down what has been applied.
	versionTable = "goose_db_version"
	// latest is the version of the newest migration in the binary.
	latest = 7

	sqliteMigrationTries = 50
)

// migrate applies the migrations that the database lacks, each in a transaction
// of its own. Any number of processes may do so at once.
func (s *Store) migrate(ctx context.Context) error {
	if s.dialect.name == "postgres" {
		if err := refuseNewerPostgres(ctx, s.writer); err != nil {
			return err
		}
	}
	provider, err := s.provider()
	if err != nil {
		return failure(chat.CodeInternal, err, "the migrations in this program cannot be read: "+err.Error())
	}
	for n := 1; ; n++ {
		if _, err = provider.Up(ctx); err == nil {
			break
		}
		// On SQLite nothing but the write lock keeps two that start at once
		// apart: the later one fails on what is there already, changes nothing,
		// and finds less to do when it comes back.
		if s.dialect.name == "postgres" || n == sqliteMigrationTries || ctx.Err() != nil {
			return migrationFault(err)
		}
		pause(ctx, chat.Backoff(n, time.Millisecond, 100*time.Millisecond))
	}
	return refuseNewer(ctx, s.writer) // one may have overtaken us
}

func (s *Store) provider() (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations/"+s.dialect.name)
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true)}
	kind := goose.DialectSQLite3
	if s.dialect.name == "postgres" {
		kind = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(kind, s.writer.DB, dir, options...)
}

func migrationFault(err error) error {
	e := chat.AsError(fault(err))
	if e.Code == chat.CodeInternal {
		return failure(chat.CodeStorage, err, "the database cannot be brought up to date: "+err.Error())
	}
	return e
}

// refuseNewer refuses a database that a later program has migrated.
func refuseNewer(ctx context.Context, db *sqlx.DB) error {
	var version int64
	err := db.GetContext(ctx, &version, `SELECT coalesce(max(version_id), 0) FROM `+versionTable)
	if err != nil {
		return fault(err)
	}
	if version > latest {
		return chat.Errorf(chat.CodeStorage,
			"the database is of a newer chat (version %d, this one knows %d); it was left as it is: install that chat, or name another database in DATABASE_URL", version, latest)
	}
	return nil
}

func refuseNewerPostgres(ctx context.Context, db *sqlx.DB) error {
	var there bool
	if err := db.GetContext(ctx, &there, `SELECT to_regclass($1) IS NOT NULL`, versionTable); err != nil {
		return fault(err)
	}
	if !there {
		return nil
	}
	return refuseNewer(ctx, db)
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
