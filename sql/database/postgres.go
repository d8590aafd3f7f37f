package database

import (
	"context"
	stdsql "database/sql"
	"time"

	"github.com/jmoiron/sqlx"
)

// connectTimeout bounds the connection setup unless DATABASE_URL does; connectTimeoutEach that
// to each of several servers, so that a statement does not spend its time on one that hangs.
const (
	connectTimeout     = 5 * time.Second
	connectTimeoutEach = 3 * time.Second
)

func postgresDialect() dialect {
	return dialect{
		engine:        "postgres",
		now:           `CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS BIGINT)`,
		changesInWith: true,
		skipLocked:    "FOR UPDATE SKIP LOCKED",
		lock:          "FOR UPDATE",
	}
}

func openPostgres(ctx context.Context, url string, o Options) (*DB, error) {
	cfg, err := postgresConfig(url)
	if err != nil {
		return nil, err
	}
	if cfg.ConnectTimeout <= 0 {
		cfg.ConnectTimeout = connectTimeout
		if len(cfg.Multi) > 0 {
			cfg.ConnectTimeout = connectTimeoutEach
		}
	}
	if cfg.ApplicationName == "" {
		cfg.ApplicationName = "chat"
	}
	hosts := newHosts(&cfg)
	c := &connector{cfg: cfg, hosts: hosts, responseTimeout: o.ResponseTimeout, dropIdle: func() {}}
	c.warning.logger = o.Logger
	if err := c.detectPooler(ctx, o.Logger); err != nil {
		return nil, Translate(err)
	}
	pool := sqlx.NewDb(stdsql.OpenDB(c), "postgres")
	c.dropIdle = func() {
		// The idle connections have most likely failed for the same reason. Without
		// them the next caller gets a new one.
		pool.SetMaxIdleConns(0)
		pool.SetMaxIdleConns(o.MaxIdle)
	}
	pool.SetMaxOpenConns(o.MaxOpen)
	pool.SetMaxIdleConns(o.MaxIdle)
	pool.SetConnMaxLifetime(o.MaxLifetime)
	return &DB{dialect: postgresDialect(), writer: pool, reader: pool, connector: c}, nil
}
