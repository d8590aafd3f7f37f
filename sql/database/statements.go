package database

import (
	"context"
	stdsql "database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"chat"
)

// Every statement goes through a function of this file. It fills in the dialect's
// fragments, repeats what a deadlock or serialization failure undid, and translates
// the driver's error.

// ErrNoRow reports that a query returned no row. Callers say what that means.
var ErrNoRow = stdsql.ErrNoRows

// List returns all rows of a query.
func List[T any](ctx context.Context, db *DB, query string, args ...any) ([]T, error) {
	return selectAll[T](ctx, db.reader, db.expand.Replace(query), args)
}

// Change runs one statement that changes rows and returns them. It reads all rows,
// because SQLite commits only after the last one.
func Change[T any](ctx context.Context, db *DB, query string, args ...any) ([]T, error) {
	return selectAll[T](ctx, db.writer, db.expand.Replace(query), args)
}

func selectAll[T any](ctx context.Context, db *sqlx.DB, query string, args []any) (rows []T, err error) {
	err = retryContended(ctx, func() error {
		rows = nil
		return db.SelectContext(ctx, &rows, query, args...)
	})
	return rows, err
}

// Get returns the only row of a query, or ErrNoRow.
func Get[T any](ctx context.Context, db *DB, query string, args ...any) (T, error) {
	return First(List[T](ctx, db, query, args...))
}

// First returns the first row, or ErrNoRow if there is none. It passes err on.
func First[T any](rows []T, err error) (T, error) {
	if err == nil && len(rows) == 0 {
		err = ErrNoRow
	}
	if err != nil {
		var none T
		return none, err
	}
	return rows[0], nil
}

// Exec runs one statement and returns the number of rows it changed.
func (db *DB) Exec(ctx context.Context, query string, args ...any) (int, error) {
	var n int64
	err := retryContended(ctx, func() error {
		res, err := db.writer.ExecContext(ctx, db.expand.Replace(query), args...)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return int(n), err
}

// InTx runs do in a transaction and commits if do returns nil. It may run do more
// than once.
func (db *DB) InTx(ctx context.Context, do func(Tx) error) error {
	return retryContended(ctx, func() error {
		tx, err := db.writer.BeginTxx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // does nothing after a commit
		if err := do(Tx{tx, db}); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// Tx runs statements in a transaction. Its errors are the driver's; InTx translates
// them.
type Tx struct {
	tx *sqlx.Tx
	db *DB
}

// Get reads the only row into *dest, or returns ErrNoRow.
func (t Tx) Get(ctx context.Context, dest any, query string, args ...any) error {
	return t.tx.GetContext(ctx, dest, t.db.expand.Replace(query), args...)
}

// List appends all rows to *dest, a slice.
func (t Tx) List(ctx context.Context, dest any, query string, args ...any) error {
	return t.tx.SelectContext(ctx, dest, t.db.expand.Replace(query), args...)
}

// Exec runs a statement and returns the number of rows it changed.
func (t Tx) Exec(ctx context.Context, query string, args ...any) (int, error) {
	res, err := t.tx.ExecContext(ctx, t.db.expand.Replace(query), args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// contentionTries bounds how often a statement that lost to others is repeated.
const contentionTries = 8

// retryContended repeats do while contention undoes it.
func retryContended(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if err == nil || errors.Is(err, ErrNoRow) {
			return err
		}
		if n == contentionTries || !Contended(err) {
			return Translate(err)
		}
		pause(ctx, chat.Backoff(n, 4*time.Millisecond, 100*time.Millisecond))
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Args collects the values of a query that is assembled from conditions.
type Args []any

// Add appends a value and returns its placeholder.
func (a *Args) Add(v any) string {
	*a = append(*a, v)
	return "$" + strconv.Itoa(len(*a))
}

// AddAll appends values and returns their placeholders, separated by commas.
func (a *Args) AddAll(values []string) string {
	placeholders := make([]string, len(values))
	for i, v := range values {
		placeholders[i] = a.Add(v)
	}
	return strings.Join(placeholders, ", ")
}

// maxInsertRows is how many rows one statement inserts.
const maxInsertRows = 100

// InsertRows inserts a row for each element of values and returns how many it inserted. head
// ends with VALUES, tail follows the values.
func (t Tx) InsertRows(ctx context.Context, head string, values [][]any, tail string) (int, error) {
	inserted := 0
	for len(values) > 0 {
		some := values[:min(maxInsertRows, len(values))]
		values = values[len(some):]
		var args Args
		var b strings.Builder
		b.WriteString(head)
		for i, row := range some {
			b.WriteString([]string{" (", ", ("}[min(i, 1)])
			for j, v := range row {
				b.WriteString([]string{"", ", "}[min(j, 1)])
				b.WriteString(args.Add(v))
			}
			b.WriteString(")")
		}
		n, err := t.Exec(ctx, b.String()+tail, args...)
		if err != nil {
			return inserted, err
		}
		inserted += n
	}
	return inserted, nil
}
