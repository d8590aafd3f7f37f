package sql

import (
	"context"
	stdsql "database/sql"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// connectTimeout bounds the making of a connection if DATABASE_URL does not.
const connectTimeout = 5 * time.Second

func postgresDialect() dialect {
	pattern := func(word string) string {
		return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(word) + "%"
	}
	return dialect{
		name:         "postgres",
		now:          `CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS BIGINT)`,
		oneStatement: true,
		skipLocked:   "FOR UPDATE SKIP LOCKED",
		lock:         "FOR UPDATE",
		contains:     func(column, placeholder string) string { return column + " LIKE " + placeholder },
		pattern:      pattern, plain: pattern,
		indexed: `SELECT m.conversation_id FROM messages m JOIN conversations o ON o.id = m.conversation_id
			WHERE o.owner = $1 AND m.folded LIKE $2`,
		// By another collation than that of the index, all of which would be read.
		short: `SELECT m.conversation_id FROM messages m JOIN conversations o ON o.id = m.conversation_id
			WHERE o.owner = $1 AND m.folded COLLATE "C" LIKE $2`,
		elements: func(placeholder string) string {
			return "SELECT json_array_elements_text(CAST(" + placeholder + " AS json))"
		},
	}
}

func openPostgres(ctx context.Context, url string, o Options) (*Store, error) {
	cfg, err := postgresConfig(url)
	if err != nil {
		return nil, err
	}
	if cfg.ConnectTimeout <= 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	if cfg.ApplicationName == "" {
		cfg.ApplicationName = "chat"
	}
	made := &connector{cfg: cfg, silence: o.Silence, silent: func() {}}
	made.warning.logger = o.Logger
	if err := made.lookForPooler(ctx, o.Logger); err != nil {
		return nil, translate(err)
	}
	db := sqlx.NewDb(stdsql.OpenDB(made), "postgres")
	made.silent = func() {
		// What silenced one connection has silenced those that are idle, too:
		// without them, whoever comes next gets a new one.
		db.SetMaxIdleConns(0)
		db.SetMaxIdleConns(o.MaxIdle)
	}
	db.SetMaxOpenConns(o.MaxOpen)
	db.SetMaxIdleConns(o.MaxIdle)
	db.SetConnMaxLifetime(o.MaxLifetime)
	return &Store{dialect: postgresDialect(), writer: db, reader: db, made: made}, nil
}
