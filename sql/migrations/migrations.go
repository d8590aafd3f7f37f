// Package migrations brings a database to the newest version of the tables.
//
// Migrations come in pairs, one SQL file for each database, or are Go functions. They apply in the order of
// their numbers, each in a transaction of its own. Any number of processes may start at
// the same time: each migration is applied once. A database of a newer program is
// refused unchanged.
package migrations

import (
	"context"
	stdsql "database/sql"
	"embed"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"

	"chat"
	"chat/sql/database"
)

//go:embed postgres/*.sql sqlite/*.sql
var files embed.FS

const (
	// versionTable is where goose records what has been applied.
	versionTable = "goose_db_version"
	// latest is the version of the newest migration in the binary.
	latest = 20
)

// Up applies the migrations that db lacks.
func Up(ctx context.Context, db *database.DB, logger *slog.Logger) error {
	if db.Engine() == "postgres" {
		return upPostgres(ctx, db, logger)
	}
	return upSQLite(ctx, db)
}

// newProvider returns goose for the migrations of an engine on db.
func newProvider(engine string, db *stdsql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(files, engine)
	dialect := goose.DialectSQLite3
	if engine == "postgres" {
		dialect = goose.DialectPostgres
	}
	var p *goose.Provider
	if err == nil {
		p, err = goose.NewProvider(dialect, db, dir, goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true),
			goose.WithGoMigrations(goose.NewGoMigration(blocksVersion, &goose.GoFunc{RunTx: moveBlocks}, nil)))
	}
	if err != nil {
		return nil, &chat.Error{Code: chat.CodeInternal, Message: "the migrations of this program cannot be read: " + err.Error(), Cause: err}
	}
	return p, nil
}

// translate turns the error of a migration into a *chat.Error.
func translate(err error) error {
	if err == nil {
		return nil
	}
	e := chat.AsError(database.Translate(err))
	if e.Code == chat.CodeInternal {
		return &chat.Error{Code: chat.CodeStorage, Message: "the database cannot be migrated: " + err.Error(), Cause: err}
	}
	return e
}

// refuseNewer returns an error if a newer program has migrated the database.
func refuseNewer(ctx context.Context, db *sqlx.DB) error {
	_, err := versionOf(ctx, db)
	return err
}

// versionOf returns the newest applied version. A version that this program does not
// know is an error.
func versionOf(ctx context.Context, db *sqlx.DB) (int64, error) {
	var version int64
	err := db.GetContext(ctx, &version, `SELECT coalesce(max(version_id), 0) FROM `+versionTable)
	if err != nil {
		return 0, database.Translate(err)
	}
	if version > latest {
		return 0, chat.Errorf(chat.CodeStorage,
			"a newer chat made the database (version %d, this one knows %d); it was not changed: install the newer chat, or set another database in DATABASE_URL", version, latest)
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
