package sql

import (
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/lib/pq"
	driversqlite "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"chat"
)

// isRace reports whether a transaction lost to another one, so that repeating it
// can help.
func isRace(err error) bool {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		switch e.Code {
		case "40001", "40P01": // serialization failure, deadlock
			return true
		case "23505": // unique: the other one's row can be seen now
			return true
		}
	}
	return false
}

// mapped turns the drivers' errors into ours. The codes of PostgreSQL are those
// of its manual, appendix A.
func (s *Store) mapped(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if _, ok := errors.AsType[*chat.Error](err); ok {
		return err
	}
	if e, ok := errors.AsType[*pq.Error](err); ok {
		switch {
		case e.Code.Class() == "53" && e.Code != "53300" || e.Code.Class() == "58":
			return chat.Retryable(chat.Errorf(chat.CodeStorage, "PostgreSQL cannot store: %w", err)) // disk full, I/O
		case e.Code.Class() == "08" || e.Code.Class() == "57" || e.Code == "53300" || e.Code == "40001" || e.Code == "40P01":
			return unavailable(err)
		case e.Code.Class() == "28" || e.Code == "3D000":
			return chat.Errorf(chat.CodeStorage, "PostgreSQL refuses: check DATABASE_URL: %w", err)
		}
		return err
	}
	if e, ok := errors.AsType[*driversqlite.Error](err); ok {
		switch e.Code() & 0xff {
		case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
			return chat.Retryable(chat.Errorf(chat.CodeStorage, "the database file is locked by another process: %w", err))
		case lib.SQLITE_FULL:
			return chat.Retryable(chat.Errorf(chat.CodeStorage, "the disk is full: %w", err))
		case lib.SQLITE_NOTADB, lib.SQLITE_CORRUPT:
			return chat.Errorf(chat.CodeStorage, "the database file is damaged or is no chat database; it was left as it is: %w", err)
		case lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_IOERR, lib.SQLITE_PERM:
			return chat.Errorf(chat.CodeStorage, "the database file cannot be used: %w", err)
		}
		return err
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, driver.ErrBadConn) || errors.Is(err, stdsql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded) ||
		strings.Contains(err.Error(), "connection reset") || strings.Contains(err.Error(), "broken pipe") {
		return unavailable(err)
	}
	return err
}

func unavailable(err error) error {
	return chat.Retryable(chat.Errorf(chat.CodeUnavailable, "the database cannot be reached now: %w", err))
}
