// Package sql is the record: conversations, messages and tasks in PostgreSQL or
// SQLite, behind one set of functions and queries. What a query must say
// differently for the two is in dialect.go.
//
// Every look-up names the owner in its WHERE: what belongs to somebody else is
// not found. Every write of a worker is fenced by the task's attempt. Errors are
// *chat.Error: CodeNotFound, CodeInvalid, CodeConflict and their like as the
// functions say, CodeUnavailable (retryable) while the database cannot be
// reached, CodeStorage when it is damaged, full, locked or newer than we are.
package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"chat"
)

// Options are the settings of a Store; zero values mean the defaults.
type Options struct {
	MaxOpen     int           // connections to PostgreSQL; 16
	MaxIdle     int           // as many as MaxOpen
	MaxLifetime time.Duration // of a connection; 30 min
	Lease       time.Duration // chat.LeaseDuration
}

func (o Options) withDefaults() Options {
	if o.MaxOpen <= 0 {
		o.MaxOpen = 16
	}
	if o.MaxIdle <= 0 {
		o.MaxIdle = o.MaxOpen
	}
	if o.MaxLifetime <= 0 {
		o.MaxLifetime = 30 * time.Minute
	}
	if o.Lease <= 0 {
		o.Lease = chat.LeaseDuration
	}
	return o
}

// Store is the database. It is safe for concurrent use.
type Store struct {
	dialect dialect
	write   *sqlx.DB
	read    *sqlx.DB // the same as write on PostgreSQL
	opts    Options
}

// Open opens postgres://… or sqlite:///absolute/path and brings its schema up to
// date. A database that is newer than this program, or no database at all, is
// refused with CodeStorage and left as it is.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	o = o.withDefaults()
	s := &Store{opts: o}
	var err error
	switch scheme, path, _ := strings.Cut(url, "://"); scheme {
	case "postgres", "postgresql":
		s.dialect = postgres
		s.write, err = openPostgres(url, o)
		s.read = s.write
	case "sqlite":
		s.dialect = sqlite
		s.write, s.read, err = openSQLite(path)
	default:
		err = chat.Errorf(chat.CodeInvalid, "the database URL must be postgres://… or sqlite:///path")
	}
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close closes all connections.
func (s *Store) Close() error {
	err := s.write.Close()
	if s.read != s.write {
		err = errors.Join(err, s.read.Close())
	}
	return err
}

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error { return s.mapped(s.read.PingContext(ctx)) }

// Engine is "postgres" or "sqlite".
func (s *Store) Engine() string { return s.dialect.name }

// tries bounds how often a transaction is repeated that lost to another one.
const tries = 5

// tx runs fn in a transaction, again if it lost to another one. fn may run
// several times.
func (s *Store) tx(ctx context.Context, fn func(tx *sqlx.Tx) error) error {
	var err error
	for n := 1; n <= tries; n++ {
		err = s.once(ctx, fn)
		if err == nil || !isRace(err) {
			break
		}
		select {
		case <-ctx.Done():
			return s.mapped(err)
		case <-time.After(chat.Backoff(n, 5*time.Millisecond, 100*time.Millisecond)):
		}
	}
	return s.mapped(err)
}

func (s *Store) once(ctx context.Context, fn func(tx *sqlx.Tx) error) error {
	tx, err := s.write.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback() // its error adds nothing to the one at hand
		return err
	}
	return tx.Commit()
}

// queryer is a database or a transaction.
type queryer interface {
	GetContext(ctx context.Context, dest any, query string, args ...any) error
	SelectContext(ctx context.Context, dest any, query string, args ...any) error
	ExecContext(ctx context.Context, query string, args ...any) (stdsql.Result, error)
}

// get reads one row into dest; none is CodeNotFound with the given sentence.
func (s *Store) get(ctx context.Context, q queryer, dest any, missing, query string, args ...any) error {
	err := q.GetContext(ctx, dest, s.dialect.sql(query), args...)
	if errors.Is(err, stdsql.ErrNoRows) {
		return chat.Errorf(chat.CodeNotFound, "%s", missing)
	}
	return err
}

// exec runs a statement and returns the number of rows it changed.
func (s *Store) exec(ctx context.Context, q queryer, query string, args ...any) (int, error) {
	res, err := q.ExecContext(ctx, s.dialect.sql(query), args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

const (
	noConversation = "no such conversation; `chat ls` lists them"
	noTask         = "no such task; `chat ps` lists them"
	noMessage      = "no such message"
)

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

func fromMicrosPtr(us *int64) *time.Time {
	if us == nil {
		return nil
	}
	t := fromMicros(*us)
	return &t
}
