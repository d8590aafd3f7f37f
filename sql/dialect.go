package sql

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the PostgreSQL driver
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // the SQLite driver

	"chat"
)

//go:embed migrations/*/0001_first.sql
var migrations embed.FS

// dialect is what the two databases say differently.
type dialect struct {
	name     string
	goose    goose.Dialect
	replacer *strings.Replacer
}

// {now} is the database's own clock in microseconds, {skip} keeps claims from
// waiting for each other, {like} ignores case, {search} finds messages.
var ( //nolint:gochecknoglobals // constants, but for their type
	postgres = dialect{"postgres", goose.DialectPostgres, strings.NewReplacer(
		"{now}", "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
		"{skip}", "FOR UPDATE SKIP LOCKED",
		"{like}", "ILIKE",
		"{search}", "messages m WHERE m.content ILIKE",
	)}
	sqlite = dialect{"sqlite", goose.DialectSQLite3, strings.NewReplacer(
		"{now}", "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
		"{skip}", "",
		"{like}", "LIKE",
		"{search}", "messages_search s JOIN messages m ON m.rowno = s.rowid WHERE s.content LIKE",
	)}
)

func (d dialect) sql(query string) string { return d.replacer.Replace(query) }

func openPostgres(url string, o Options) (*sqlx.DB, error) {
	db, err := sqlx.Open("postgres", url)
	if err != nil {
		return nil, chat.Errorf(chat.CodeInvalid, "DATABASE_URL is not one that PostgreSQL takes: %w", err)
	}
	db.SetMaxOpenConns(o.MaxOpen)
	db.SetMaxIdleConns(o.MaxIdle)
	db.SetConnMaxLifetime(o.MaxLifetime)
	return db, nil
}

// openSQLite opens one connection for writing and four for reading: SQLite has
// one writer at a time anyhow, and waiting for it in Go is fair and quick.
func openSQLite(path string) (write, read *sqlx.DB, err error) {
	if !filepath.IsAbs(path) {
		return nil, nil, chat.Errorf(chat.CodeInvalid, "DATABASE_URL needs an absolute path: sqlite:///path")
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, chat.Errorf(chat.CodeStorage, "the database file cannot be opened: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, nil, chat.Errorf(chat.CodeStorage, "the database file cannot be opened: %w", err)
	}
	open := func(conns int, extra string) (*sqlx.DB, error) {
		u := url.URL{Scheme: "file", Path: path, RawQuery: "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)" + extra}
		db, err := sqlx.Open("sqlite", u.String())
		if err != nil {
			return nil, chat.Errorf(chat.CodeStorage, "the database file cannot be opened: %w", err)
		}
		db.SetMaxOpenConns(conns)
		db.SetMaxIdleConns(conns)
		return db, nil
	}
	if write, err = open(1, "&_txlock=immediate"); err != nil {
		return nil, nil, err
	}
	if read, err = open(4, ""); err != nil {
		return nil, nil, err
	}
	return write, read, nil
}

// migrate applies what is missing, once, whoever else starts at the same time.
func (s *Store) migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations/"+s.dialect.name)
	if err != nil {
		return err
	}
	opts := []goose.ProviderOption{goose.WithVerbose(false)}
	if s.dialect.name == postgres.name {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(s.dialect.goose, s.write.DB, dir, opts...)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if s.dialect.name == sqlite.name {
		// A look that changes nothing tells whether it is a database at all.
		var tables int
		if err := s.read.GetContext(ctx, &tables, "SELECT count(*) FROM sqlite_master"); err != nil {
			return s.mapped(err)
		}
	}
	version, err := p.GetDBVersion(ctx)
	if err != nil {
		return s.mapped(err)
	}
	sources := p.ListSources()
	if newest := sources[len(sources)-1].Version; version > newest {
		return chat.Errorf(chat.CodeStorage, "the database is of a newer version of chat (schema %d, this one knows %d); nothing was changed: update chat", version, newest)
	}
	if _, err := p.Up(ctx); err != nil {
		return s.mapped(err)
	}
	return nil
}
