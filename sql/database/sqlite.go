package database

import (
	"context"
	stdsql "database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"

	"chat"
)

const (
	// busyTimeout is how long a statement waits for another process, in milliseconds.
	busyTimeout   = "10000"
	sqliteReaders = 4
)

func sqliteDialect() dialect {
	return dialect{
		engine: "sqlite",
		now:    `CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER) * 1000`,

		timeline: onlyTimeline,
	}
}

func openSQLite(ctx context.Context, path string, inspect func(context.Context, *sqlx.DB) error) (*DB, error) {
	if !filepath.IsAbs(path) {
		return nil, chat.Errorf(chat.CodeInvalid, "DATABASE_URL needs an absolute path: write sqlite:///path/to/chat.db")
	}
	if err := inspectFile(ctx, path, inspect); err != nil {
		return nil, err
	}
	// The writer comes first: it sets the journal mode, which needs exclusive access.
	writer, err := openPool(ctx, path, 1, url.Values{"_txlock": {"immediate"}},
		"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "journal_size_limit(67108864)")
	if err != nil {
		return nil, err
	}
	reader, err := openPool(ctx, path, sqliteReaders, url.Values{}, "query_only(1)")
	if err != nil {
		_ = writer.Close() // nothing was written
		return nil, err
	}
	return &DB{writer: writer, reader: reader, dialect: sqliteDialect()}, nil
}

// openPool opens a pool of at most n connections with the given pragmas.
func openPool(ctx context.Context, path string, n int, query url.Values, pragmas ...string) (*sqlx.DB, error) {
	query["_pragma"] = append([]string{"busy_timeout(" + busyTimeout + ")"}, pragmas...)
	// A URI accepts every path, including one with ?, % or #.
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: query.Encode()}
	connector, err := sqlite.NewConnector(dsn.String())
	if err != nil {
		return nil, Translate(err)
	}
	pool := sqlx.NewDb(stdsql.OpenDB(withStmtCache{connector}), "sqlite")
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	if err := pool.PingContext(ctx); err != nil {
		_ = pool.Close() // it has no connection
		return nil, Translate(err)
	}
	return pool, nil
}

// inspectFile runs inspect before anything changes the file, even its journal mode.
// It makes a new file private to its owner.
func inspectFile(ctx context.Context, path string, inspect func(context.Context, *sqlx.DB) error) error {
	_, err := os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	if fresh {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err != nil {
		return failure(chat.CodeStorage, err, "the database file cannot be opened: "+err.Error())
	}
	pool, err := openPool(ctx, path, 1, url.Values{})
	if err != nil {
		return err
	}
	err = inspect(ctx, pool)
	if e := pool.Close(); err == nil {
		err = Translate(e)
	}
	if err == nil && fresh {
		if err := os.Chmod(path, 0o600); err != nil {
			return failure(chat.CodeStorage, err, "the database file cannot be made private: "+err.Error())
		}
	}
	return err
}
