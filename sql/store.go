// Package sql is the record: conversations, messages and tasks in PostgreSQL or
// SQLite, behind one set of functions and one set of queries.
//
// A task exists because its row exists. Whatever happens to it is one fenced
// statement or one short transaction; the attempt is the fencing token, and
// every time that matters is taken from the database's clock. Text is normalised
// (chat.NormalizeText) on its way in. Errors are *chat.Error: not_found for what
// does not exist or is somebody else's, unavailable (retryable) when the database
// cannot be reached, storage when it is damaged, locked, full or newer than this
// program.
package sql

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"

	"chat"
)

// Options are the settings of a Store; zero values mean the defaults.
type Options struct {
	MaxOpen     int           // connections to PostgreSQL; 16. SQLite has one that writes and four that read
	MaxIdle     int           // of those kept open when idle; all
	MaxLifetime time.Duration // of a connection; an hour
	Lease       time.Duration // of a claimed task; chat.LeaseDuration
	// Silence is how long PostgreSQL may say nothing while it is asked something
	// before its connection is given up; 15 s. Migrations may wait longer.
	Silence time.Duration
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
	if o.Lease <= 0 {
		o.Lease = chat.LeaseDuration
	}
	if o.Silence <= 0 {
		o.Silence = 15 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Store is the record. Its methods can be called from any goroutine.
type Store struct {
	writer  *sqlx.DB
	reader  *sqlx.DB // the writer itself on PostgreSQL
	dialect dialect
	expand  *strings.Replacer
	lease   time.Duration
	logger  *slog.Logger
	made    *connector // of PostgreSQL's connections
	clock   clock
	pruned  atomic.Pointer[time.Time] // when old idempotency keys were last deleted here
}

// dialect is all in which the two databases differ.
type dialect struct {
	name string
	// now is the database's clock in microseconds since 1970, the same all
	// through a statement.
	now string
	// oneStatement says that a WITH may change rows, so that one statement, and one
	// round trip, can do what is a transaction otherwise.
	oneStatement bool
	// skipLocked and lock end a SELECT whose rows are about to be changed; SQLite
	// has one writer at a time and needs neither.
	skipLocked, lock string
	// contains is a condition that column holds a word, given the placeholder of
	// the word's pattern.
	contains func(column, placeholder string) string
	pattern  func(word string) string
	// indexed is a SELECT of the conversations of owner $1 (or of more) with a
	// message that holds a word of at least three characters, given its pattern as
	// $2; short is one for a shorter word, given as plain makes it.
	indexed, short string
	plain          func(word string) string
	// elements is a SELECT of the elements of a JSON array of strings.
	elements func(placeholder string) string
}

// Open opens the database at url, "postgres://…", "postgresql://…", "host=… dbname=…" or
// "sqlite:///path", and applies the migrations that it lacks. A database that is
// newer than this program, damaged, or another program's is refused as it is.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	o = o.withDefaults()
	if err := CheckURL(url); err != nil {
		return nil, err
	}
	var s *Store
	var err error
	if path, ok := strings.CutPrefix(url, "sqlite://"); ok {
		s, err = openSQLite(ctx, path)
	} else {
		s, err = openPostgres(ctx, url, o)
	}
	if err != nil {
		return nil, err
	}
	s.lease, s.logger = o.Lease, o.Logger
	s.expand = strings.NewReplacer("{{now}}", s.dialect.now, "{{skip locked}}", s.dialect.skipLocked, "{{lock}}", s.dialect.lock)
	if err := s.migrate(ctx); err != nil {
		_ = s.Close() // the reason to give up is the one to tell
		return nil, err
	}
	return s, nil
}

// Close closes all connections, once what is running on them has ended. Those to a
// database that is away are let go of without a farewell, which is no error.
func (s *Store) Close() error {
	err := s.writer.Close()
	if s.reader != s.writer {
		if e := s.reader.Close(); err == nil {
			err = e
		}
	}
	if err = translate(err); chat.IsCode(err, chat.CodeUnavailable) {
		return nil
	}
	return err
}

// Ping reads a little, to tell whether the record can be read.
func (s *Store) Ping(ctx context.Context) error {
	_, err := get[int](ctx, s, `SELECT count(*) FROM (SELECT 1 FROM conversations LIMIT 1) AS any_row`)
	return err
}

// Engine is "postgres" or "sqlite".
func (s *Store) Engine() string { return s.dialect.name }

// micros is d in the unit in which times are stored.
func micros(d time.Duration) int64 { return d.Microseconds() }
