package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"chat"
)

// Every statement goes through one of the helpers below. They put the dialect's
// fragments in, try again what a deadlock or a serialization failure undid, and
// turn a driver's error into a *chat.Error.

// list reads all rows of a query.
func list[T any](ctx context.Context, s *Store, query string, args ...any) ([]T, error) {
	return selectAll[T](ctx, s.reader, s.expand.Replace(query), args)
}

// change runs one statement that changes rows and returns them. All of them are
// read: SQLite commits when the last one has been.
func change[T any](ctx context.Context, s *Store, query string, args ...any) ([]T, error) {
	return selectAll[T](ctx, s.writer, s.expand.Replace(query), args)
}

func selectAll[T any](ctx context.Context, db *sqlx.DB, query string, args []any) (rows []T, err error) {
	err = retryContended(ctx, func() error {
		rows = nil
		return db.SelectContext(ctx, &rows, query, args...)
	})
	return rows, err
}

// get reads the one row of a query; no row is errNoRow.
func get[T any](ctx context.Context, s *Store, query string, args ...any) (T, error) {
	rows, err := list[T](ctx, s, query, args...)
	return first(rows, err)
}

// first is the first of the rows; none is errNoRow.
func first[T any](rows []T, err error) (T, error) {
	if err == nil && len(rows) == 0 {
		err = errNoRow
	}
	if err != nil {
		var none T
		return none, err
	}
	return rows[0], nil
}

// exec runs one statement and returns the number of rows it changed.
func (s *Store) exec(ctx context.Context, query string, args ...any) (int, error) {
	var n int64
	err := retryContended(ctx, func() error {
		res, err := s.writer.ExecContext(ctx, s.expand.Replace(query), args...)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return int(n), err
}

// inTx runs do in a transaction, and commits if it returns nil. It may run it
// more than once.
func (s *Store) inTx(ctx context.Context, do func(*transaction) error) error {
	return retryContended(ctx, func() error {
		tx, err := s.writer.BeginTxx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // after a commit there is nothing left to undo
		if err := do(&transaction{tx, s}); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// transaction is a Store's statements within one transaction. Errors are the
// driver's: within translates them.
type transaction struct {
	tx    *sqlx.Tx
	store *Store
}

// get reads the one row into *dest; no row is errNoRow.
func (t *transaction) get(ctx context.Context, dest any, query string, args ...any) error {
	return t.tx.GetContext(ctx, dest, t.store.expand.Replace(query), args...)
}

// list appends all rows to *dest, a slice.
func (t *transaction) list(ctx context.Context, dest any, query string, args ...any) error {
	return t.tx.SelectContext(ctx, dest, t.store.expand.Replace(query), args...)
}

func (t *transaction) exec(ctx context.Context, query string, args ...any) (int, error) {
	res, err := t.tx.ExecContext(ctx, t.store.expand.Replace(query), args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// errNoRow says that a query had no row; callers say what that means.
var errNoRow = stdsql.ErrNoRows

// contentionTries bounds how often a statement that lost to others is repeated.
const contentionTries = 8

// retryContended runs do until it is not undone by contention.
func retryContended(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if err == nil || errors.Is(err, errNoRow) {
			return err
		}
		if n == contentionTries || !contended(err) {
			return translate(err)
		}
		pause(ctx, chat.Backoff(n, 4*time.Millisecond, 100*time.Millisecond))
	}
}

// arguments collects the values of a query that is put together.
type arguments []any

// add returns the placeholder of one more value.
func (a *arguments) add(v any) string {
	*a = append(*a, v)
	return "$" + strconv.Itoa(len(*a))
}
