package database

import (
	"context"
	stdsql "database/sql"
	"errors"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"chat"
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
		timeline:      "(" + walTimeline + ")",
	}
}

// walTimeline is the number with which the names of the files of the write-ahead log begin.
const walTimeline = `SELECT CASE WHEN pg_is_in_recovery() THEN 0
	ELSE CAST(CAST('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) AS BIT(32)) AS BIGINT) END`

// onlyTimeline is that of a database without standbys.
const onlyTimeline = "1"

// detectTimeline checks that the server reports its timeline. Some that only speak the
// protocol of PostgreSQL do not.
func (d *dialect) detectTimeline(ctx context.Context, pool *sqlx.DB, logger *slog.Logger) error {
	var timeline int64
	err := pool.GetContext(ctx, &timeline, walTimeline)
	if _, ok := errors.AsType[*pq.Error](err); ok && !chat.IsCode(Translate(err), chat.CodeUnavailable) {
		logger.Warn("PostgreSQL does not report its timeline; after a failover that loses data, numbers of attempts may repeat", "err", err)
		d.timeline, err = onlyTimeline, nil
	}
	return err
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
	if err := checkFiles(cfg); err != nil {
		return nil, err
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
	dialect := postgresDialect()
	if err := dialect.detectTimeline(ctx, pool, o.Logger); err != nil {
		_ = pool.Close() // the first error says more
		return nil, Translate(err)
	}
	return &DB{dialect: dialect, writer: pool, reader: pool, connector: c}, nil
}
