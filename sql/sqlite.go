package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"

	"chat"
)

const (
	// busyTimeout is how long a statement waits for another process, in milliseconds.
	busyTimeout = "10000"
	sqliteReads = 4
	// behind is greater than whatever begins with $2.
	behind = "$2 || char(1114111)"
)

func sqliteDialect() dialect {
	return dialect{
		name: "sqlite",
		now:  `CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER) * 1000`,
		// GLOB, since the index serves no LIKE with an ESCAPE.
		contains: func(column, placeholder string) string { return column + " GLOB " + placeholder },
		pattern: func(word string) string {
			return "*" + strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]").Replace(word) + "*"
		},
		indexed: `SELECT m.conversation_id FROM messages_search f JOIN messages m ON m.num = f.rowid WHERE $1 <> '' AND f.folded GLOB $2`,
		short: `SELECT m.conversation_id FROM messages m JOIN (SELECT DISTINCT doc FROM (
				SELECT doc FROM messages_terms WHERE $1 <> '' AND term >= $2 AND term <= ` + behind + `
				UNION ALL SELECT num FROM messages WHERE substr(folded, -2) >= $2 AND substr(folded, -2) <= ` + behind + `
				UNION ALL SELECT num FROM messages WHERE substr(folded, -1) = $2
			) LIMIT $3) AS found ON m.num = found.doc`,
		plain:    func(word string) string { return word },
		elements: func(placeholder string) string { return "SELECT value FROM json_each(" + placeholder + ")" },
	}
}

func openSQLite(ctx context.Context, path string) (*Store, error) {
	if !filepath.IsAbs(path) {
		return nil, chat.Errorf(chat.CodeInvalid, "DATABASE_URL needs an absolute path: write sqlite:///path/to/chat.db")
	}
	if err := inspect(ctx, path); err != nil {
		return nil, err
	}
	// The writer comes first: it sets the journal mode, which needs the file for itself.
	writer, err := connect(ctx, path, 1, url.Values{"_txlock": {"immediate"}},
		"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "journal_size_limit(67108864)")
	if err != nil {
		return nil, err
	}
	reader, err := connect(ctx, path, sqliteReads, url.Values{}, "query_only(1)")
	if err != nil {
		_ = writer.Close() // nothing was written
		return nil, err
	}
	return &Store{writer: writer, reader: reader, dialect: sqliteDialect()}, nil
}

// connect opens a pool of at most n connections with the given pragmas.
func connect(ctx context.Context, path string, n int, query url.Values, pragmas ...string) (*sqlx.DB, error) {
	query["_pragma"] = append([]string{"busy_timeout(" + busyTimeout + ")"}, pragmas...)
	// Written as a URI, any path is taken as it is, with ? and % and #.
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: query.Encode()}
	connector, err := sqlite.NewConnector(dsn.String())
	if err != nil {
		return nil, translate(err)
	}
	db := sqlx.NewDb(stdsql.OpenDB(withStmtCache{connector}), "sqlite")
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close() // no connection was made
		return nil, translate(err)
	}
	return db, nil
}

// inspect looks at the file before anything changes it, not even its journal
// mode: it must be new, or a database of ours that is not newer than we are. A
// new one is made for its owner's eyes only.
func inspect(ctx context.Context, path string) error {
	_, err := os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	if fresh {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err != nil {
		return failure(chat.CodeStorage, err, "the database file cannot be opened: "+err.Error())
	}
	db, err := connect(ctx, path, 1, url.Values{})
	if err != nil {
		return err
	}
	err = examine(ctx, db)
	if e := db.Close(); err == nil {
		err = translate(e)
	}
	if err == nil && fresh {
		if err := os.Chmod(path, 0o600); err != nil {
			return failure(chat.CodeStorage, err, "the database file cannot be made private: "+err.Error())
		}
	}
	return err
}

// examine tells whether a database is one that can be used and migrated.
func examine(ctx context.Context, db *sqlx.DB) error {
	var tables, versions int
	err := db.QueryRowxContext(ctx, `SELECT count(*), coalesce(sum(name = $1), 0) FROM sqlite_schema`, versionTable).
		Scan(&tables, &versions)
	switch {
	case err != nil:
		return translate(err)
	case tables == 0:
		return nil
	case versions == 0:
		return chat.Errorf(chat.CodeStorage, "the database file belongs to another program; it was left as it is: name another one in DATABASE_URL")
	}
	return refuseNewer(ctx, db)
}
