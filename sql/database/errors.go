package database

import (
	"context"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/lib/pq"
	"modernc.org/sqlite"

	stdsql "database/sql"

	"chat"
)

// Result codes of SQLite (https://www.sqlite.org/rescode.html). The low byte of
// an extended code is its primary code.
const (
	sqlitePerm         = 3
	sqliteBusy         = 5
	sqliteLocked       = 6
	sqliteReadOnly     = 8
	sqliteInterrupt    = 9
	sqliteIOErr        = 10
	sqliteCorrupt      = 11
	sqliteFull         = 13
	sqliteCantOpen     = 14
	sqliteNotADB       = 26
	sqliteBusyRecovery = 5 | 1<<8
	sqliteBusySnapshot = 5 | 2<<8
)

// Contended reports whether a concurrent transaction undid a statement or transaction,
// so that it can be repeated.
func Contended(err error) bool {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		switch string(e.Code) {
		case "40001", "40P01", "55P03": // serialization failure, deadlock, lock not available
			return true
		}
		return false
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqliteBusySnapshot || e.Code() == sqliteBusyRecovery
	}
	return false
}

// IsNullViolation reports whether a statement stored NULL in a NOT NULL column of
// PostgreSQL.
func IsNullViolation(err error) bool {
	e, ok := errors.AsType[*pq.Error](err)
	return ok && string(e.Code) == "23502"
}

// Translate turns a driver's error into a *chat.Error.
func Translate(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*chat.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*poolTimeoutError](err); ok {
		return unavailable(e, "the database did not answer in time: if this happens again, "+poolTooSmall)
	}
	if e, ok := errors.AsType[*roleError](err); ok {
		return unavailable(e, "no server in DATABASE_URL has the role that chat needs ("+e.Error()+"): wait until one is promoted, or correct target_session_attrs, then try again")
	}
	switch {
	case errors.Is(err, context.Canceled):
		return unavailable(err, "the request was cancelled before the database answered")
	case errors.Is(err, context.DeadlineExceeded):
		return unavailable(err, "the database did not answer in time: try again")
	}
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return translatePostgres(e)
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return translateSQLite(e)
	}
	if errors.Is(err, pq.ErrSSLNotSupported) {
		return failure(chat.CodeNotConfigured, err, "the PostgreSQL server does not support TLS: if that is intended, add ?sslmode=disable to DATABASE_URL")
	}
	if e := translateTLS(err); e != nil {
		return e
	}
	if disconnected(err) {
		return unavailable(err, "the database cannot be reached ("+err.Error()+"): try again")
	}
	return failure(chat.CodeInternal, err, "the database: "+err.Error())
}

// translateTLS explains why a TLS connection was not established; nil for other errors.
func translateTLS(err error) *chat.Error {
	configured := func(next string) *chat.Error {
		return failure(chat.CodeNotConfigured, err, "TLS to PostgreSQL ("+err.Error()+"): "+next)
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return configured("the certificate is for another name: use a name of the certificate as the host in DATABASE_URL (hostaddr=ADDRESS sets where to connect)")
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return configured("the certificate is of an unknown authority: name the file of the authority with sslrootcert=FILE in DATABASE_URL")
	}
	if _, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return configured("renew the certificate of the server, or correct the clock")
	}
	if errors.Is(err, pq.ErrSSLKeyHasWorldPermissions) || errors.Is(err, pq.ErrSSLKeyUnknownOwnership) {
		return configured("make the file of sslkey readable for its owner only (chmod 600)")
	}
	return nil
}

func disconnected(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, stdsql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// translatePostgres decides by SQLSTATE (PostgreSQL manual, appendix A). The messages
// that it quotes name objects and limits, never the contents of a row.
func translatePostgres(e *pq.Error) *chat.Error {
	code := string(e.Code)
	switch {
	case isReadOnly(e):
		return unavailable(e, "the PostgreSQL server accepts no changes ("+e.Message+
			"): it is a standby or was made read-only; name all servers in DATABASE_URL (docs/operations.md), or try again when it is the primary")
	case code == "57014":
		return unavailable(e, "the database did not answer in time: try again")
	case code == "53300", code == "08P01" && poolerRefusal(e.Message):
		return unavailable(e, "no connection to PostgreSQL is free ("+e.Message+"): "+poolTooSmall)
	case code == "42P05", code == "26000":
		return unavailable(e, "PostgreSQL is behind a connection pooler that confuses prepared statements ("+e.Message+
			"): use PgBouncer 1.21 or newer with max_prepared_statements, set pool_mode = session, or restart chatd, which detects a pooler when it starts")
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "57P"), strings.HasPrefix(code, "40"),
		code == "53200", code == "55P03":
		return unavailable(e, "PostgreSQL is not available now ("+e.Message+"): try again")
	case code == "53100", strings.HasPrefix(code, "58"), strings.HasPrefix(code, "XX"):
		return failure(chat.CodeStorage, e, "PostgreSQL cannot store this ("+e.Message+"): check the server, then try again")
	case code == "42501":
		return failure(chat.CodeNotConfigured, e, "PostgreSQL refuses ("+e.Message+"): grant the user in DATABASE_URL the rights that docs/operations.md lists, or start chatd once as the owner of the tables")
	case code == "28000" && strings.Contains(e.Message, "certificate"):
		return failure(chat.CodeNotConfigured, e, "PostgreSQL refuses ("+e.Message+"): name the client's certificate and key with sslcert=FILE&sslkey=FILE in DATABASE_URL")
	case strings.HasPrefix(code, "28"), code == "3D000":
		return failure(chat.CodeNotConfigured, e, "PostgreSQL refuses ("+e.Message+"): check the user, password and database in DATABASE_URL")
	case code == "42704" && strings.Contains(e.Message, "configuration parameter"): // from the URL: no statement sets one
		return failure(chat.CodeNotConfigured, e, "PostgreSQL refuses ("+e.Message+"): remove it from DATABASE_URL")
	}
	return failure(chat.CodeInternal, e, fmt.Sprintf("PostgreSQL: %s (%s)", e.Message, code))
}

// poolerRefusal reports whether PgBouncer refused because a pool is full.
func poolerRefusal(message string) bool {
	for _, text := range []string{"query_wait_timeout", "no more connections allowed", "max_client_conn", "max_db_connections", "max_user_connections"} {
		if strings.Contains(message, text) {
			return true
		}
	}
	return false
}

func translateSQLite(e *sqlite.Error) *chat.Error {
	text := func(s string) *chat.Error { return failure(chat.CodeStorage, e, s) }
	switch e.Code() & 0xff {
	case sqliteInterrupt:
		return unavailable(e, "the request was cancelled before the database answered")
	case sqliteBusy, sqliteLocked:
		return chat.Retryable(text("the database file is locked by another process: stop that process, then try again"))
	case sqliteFull:
		return chat.Retryable(text("the disk is full, and nothing was stored: free some space, then try again"))
	case sqliteIOErr:
		return chat.Retryable(text("the database file cannot be read or written (" + e.Error() + "): check the disk, then try again"))
	case sqliteReadOnly, sqlitePerm:
		return text("the database file is read-only: make it and its directory writable, then try again")
	case sqliteCantOpen:
		return text("the database file cannot be opened: check that its directory exists and is writable")
	case sqliteCorrupt:
		return text("the database file is damaged and was not changed: restore it from a backup, or move it away to start with a new one")
	case sqliteNotADB:
		return text("the database file is not a SQLite database and was not changed: move it away, or set another path in DATABASE_URL")
	}
	return failure(chat.CodeInternal, e, "SQLite: "+e.Error())
}

func failure(code chat.Code, cause error, message string) *chat.Error {
	return &chat.Error{Code: code, Message: message, Cause: cause}
}

func unavailable(cause error, message string) *chat.Error {
	return chat.Retryable(failure(chat.CodeUnavailable, cause, message))
}
