// Package sql is the record: conversations, messages and tasks in PostgreSQL or
// SQLite, with one set of functions and one set of queries for both.
//
// A task exists because its row exists. Every change of a task is one fenced statement
// or one short transaction; the attempt is the fencing token, and every time that a
// decision depends on is the database's. Text is normalised (chat.NormalizeText) before
// it is stored. Errors are *chat.Error: not_found for a row that does not exist or
// belongs to another user, and those of the package database.
package sql

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"chat"
	"chat/sql/copies"
	"chat/sql/database"
	"chat/sql/lists"
	"chat/sql/migrations"
	"chat/sql/search"
	"chat/sql/status"
	"chat/sql/threads"
)

// Options are the settings of a Store. Zero values select the defaults.
type Options struct {
	MaxOpen     int           // connections to PostgreSQL; 16. SQLite has one writer and four readers
	MaxIdle     int           // connections to keep when idle; MaxOpen
	MaxLifetime time.Duration // of a connection; an hour
	Lease       time.Duration // of a claimed task; chat.LeaseDuration
	// ResponseTimeout bounds each wait for PostgreSQL to answer; 15 s. When it
	// passes, the connection is closed. Migrations have no such bound.
	ResponseTimeout time.Duration
	// TemporaryLife is how long a temporary conversation is kept after its last change; a
	// day.
	TemporaryLife time.Duration
	Logger        *slog.Logger
}

// The queries that need nothing else of a Store.
type (
	statusQueries = status.Queries
	listQueries   = lists.Queries
	copyQueries   = copies.Queries
	threadQueries = threads.Queries
)

// Store is the record. Its methods are safe for concurrent use.
type Store struct {
	statusQueries
	listQueries
	copyQueries
	threadQueries

	db    *database.DB
	lease time.Duration
	clock clock
	// temporaryLife is Options.TemporaryLife.
	temporaryLife time.Duration
	pruned        atomic.Pointer[time.Time] // when this store last deleted old idempotency keys
}

// CheckURL returns an error unless url can name a database. It opens no connection.
func CheckURL(url string) error { return database.CheckURL(url) }

// Open opens the database at url, "postgres://…", "postgresql://…", "host=… dbname=…" or
// "sqlite:///path", and applies the migrations that it lacks. It refuses a database of a
// newer program or of another one, and a damaged one, and leaves it unchanged.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	if o.Lease <= 0 {
		o.Lease = chat.LeaseDuration
	}
	if o.TemporaryLife <= 0 {
		o.TemporaryLife = 24 * time.Hour
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	db, err := database.Open(ctx, url, database.Options{
		MaxOpen: o.MaxOpen, MaxIdle: o.MaxIdle, MaxLifetime: o.MaxLifetime, ResponseTimeout: o.ResponseTimeout,
		Inspect: migrations.InspectSQLite, Logger: o.Logger,
	})
	if err != nil {
		return nil, err
	}
	if err := migrations.Up(ctx, db, o.Logger); err != nil {
		_ = db.Close() // the first error says more
		return nil, err
	}
	return &Store{
		statusQueries: statusQueries{DB: db}, threadQueries: threadQueries{DB: db}, listQueries: listQueries{DB: db, Syntax: search.SyntaxOf(db.Engine())},
		copyQueries: copyQueries{DB: db}, db: db, lease: o.Lease, temporaryLife: o.TemporaryLife,
	}, nil
}

// Close waits for running statements and closes all connections.
func (s *Store) Close() error { return s.db.Close() }

// Ping reports whether the record can be read.
func (s *Store) Ping(ctx context.Context) error {
	_, err := database.Get[int](ctx, s.db, `SELECT count(*) FROM (SELECT 1 FROM conversations LIMIT 1) AS any_row`)
	return err
}

// Engine is "postgres" or "sqlite".
func (s *Store) Engine() string { return s.db.Engine() }

// transaction has the steps that the transactions of a Store consist of.
type transaction struct{ database.Tx }

// inTx runs do in a transaction and commits if do returns nil. It may run do more than
// once.
func (s *Store) inTx(ctx context.Context, do func(*transaction) error) error {
	return s.db.InTx(ctx, func(tx database.Tx) error { return do(&transaction{tx}) })
}

// micros is d in the unit of stored times.
func micros(d time.Duration) int64 { return d.Microseconds() }
