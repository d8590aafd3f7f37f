// Package database opens PostgreSQL and SQLite, keeps their connections, and runs
// statements on them.
//
// It hides what differs between the two: URLs, drivers, pools, connection poolers,
// and the fragments of SQL that a statement names as {{now}}, {{timeline}},
// {{skip locked}} and {{lock}}. It repeats a statement or transaction that lost to a concurrent one.
// Its errors are *chat.Error: unavailable (retryable) when the database cannot be
// reached, storage when it is damaged, locked or full. It knows no table.
package database

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"chat"
)

// Options are the settings of a DB. Zero values select the defaults.
type Options struct {
	MaxOpen     int           // connections to PostgreSQL; 16. SQLite has one writer and four readers
	MaxIdle     int           // connections to keep when idle; MaxOpen
	MaxLifetime time.Duration // of a connection; an hour
	// ResponseTimeout bounds each wait for PostgreSQL to answer; 15 s. When it
	// passes, the connection is closed.
	ResponseTimeout time.Duration
	// Inspect checks a SQLite database before anything changes the file. Its error
	// refuses the file.
	Inspect func(context.Context, *sqlx.DB) error
	Logger  *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.MaxOpen <= 0 {
		o.MaxOpen = 16
	}
	if o.MaxIdle <= 0 {
		o.MaxIdle = o.MaxOpen
	}
	if o.MaxLifetime <= 0 {
		o.MaxLifetime = time.Hour
	}
	if o.ResponseTimeout <= 0 {
		o.ResponseTimeout = 15 * time.Second
	}
	if o.Inspect == nil {
		o.Inspect = func(context.Context, *sqlx.DB) error { return nil }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// DB is an open database. Its methods are safe for concurrent use.
type DB struct {
	writer    *sqlx.DB
	reader    *sqlx.DB // on PostgreSQL the writer
	dialect   dialect
	expand    *strings.Replacer
	connector *connector // of PostgreSQL; nil on SQLite
}

// dialect holds the SQL that the two databases write differently.
type dialect struct {
	engine string
	// now is the database's clock in microseconds since 1970. It does not advance
	// within a statement.
	now string
	// changesInWith: a WITH clause may change rows.
	changesInWith bool
	// skipLocked and lock end a SELECT whose rows are to be changed. SQLite has one
	// writer at a time and needs neither.
	skipLocked, lock string
	// timeline is a number that changes when a standby is promoted. The new primary may lack
	// the last transactions before that.
	timeline string
}

// replacer puts the dialect's fragments into a statement.
func (d dialect) replacer() *strings.Replacer {
	return strings.NewReplacer("{{now}}", d.now, "{{skip locked}}", d.skipLocked, "{{lock}}", d.lock, "{{timeline}}", d.timeline)
}

// Open opens the database at url: "postgres://…", "postgresql://…", "host=… dbname=…"
// or "sqlite:///path".
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	o = o.withDefaults()
	if err := CheckURL(url); err != nil {
		return nil, err
	}
	var db *DB
	var err error
	if path, ok := strings.CutPrefix(url, "sqlite://"); ok {
		db, err = openSQLite(ctx, path, o.Inspect)
	} else {
		db, err = openPostgres(ctx, url, o)
	}
	if err != nil {
		return nil, err
	}
	db.expand = db.dialect.replacer()
	return db, nil
}

// Close waits for running statements and closes all connections. Connections to a
// database that is away are dropped without an error.
func (db *DB) Close() error {
	err := db.writer.Close()
	if db.reader != db.writer {
		if e := db.reader.Close(); err == nil {
			err = e
		}
	}
	if err = Translate(err); chat.IsCode(err, chat.CodeUnavailable) {
		return nil
	}
	return err
}

// Engine is "postgres" or "sqlite".
func (db *DB) Engine() string { return db.dialect.engine }

// ChangesInWith reports whether a WITH clause may change rows, so that one statement,
// and one round trip, can replace a transaction.
func (db *DB) ChangesInWith() bool { return db.dialect.changesInWith }

// Writer is the pool of connections that may change rows.
func (db *DB) Writer() *sqlx.DB { return db.writer }

// WithClock returns a DB on the same connections with another expression for {{now}},
// which it makes from the present one. Tests shift the clock with it.
func (db *DB) WithClock(clock func(now string) string) *DB {
	shifted := *db
	shifted.dialect.now = clock(db.dialect.now)
	shifted.expand = shifted.dialect.replacer()
	return &shifted
}
