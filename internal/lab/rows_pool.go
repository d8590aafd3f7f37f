package lab

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"chat/internal/services"
)

// behindAPool runs everything through PgBouncer, which gives out its servers by the
// transaction, and meanwhile starts five more processes at once on an empty database:
// one of them makes the tables, and the others wait for it.
func behindAPool() Row {
	return Row{
		Name: "deploy/behind-a-transaction-pool", On: full(), Core: true,
		Setup: func(w *World) { w.Pool = []string{"pool_mode = transaction", "default_pool_size = 10"} },
		Fault: func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 3, time.Second, func() error { return startTogether(ctx, w) })
		},
	}
}

// startTogether starts five API processes on a database of their own.
func startTogether(ctx context.Context, w *World) (err error) {
	database := "empty_" + name()
	if err := w.execute(ctx, "CREATE DATABASE "+database); err != nil {
		return err
	}
	u, err := url.Parse(w.pool.URL())
	if err != nil {
		return err
	}
	u.Path = "/" + database
	nodes := make([]*Node, 5)
	for i := range nodes {
		if nodes[i], err = w.node(ctx, fmt.Sprintf("%s-%d", database, i+1), true, false); err != nil {
			return err
		}
		n := nodes[i]
		if err := n.Launch("DATABASE_URL=" + u.String()); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, n.Kill()) }()
	}
	for _, n := range nodes {
		if err := n.proc.Ready(ctx, n.ready); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return nil
}

// startPool starts the pooler, if the row has one.
func (w *World) startPool(ctx context.Context) error {
	if w.Pool == nil {
		return nil
	}
	var err error
	if w.pool, err = services.LaunchPgBouncer(ctx, w.Postgres.URL(), w.Pool...); err != nil {
		return err
	}
	w.closers = append(w.closers, w.pool.Remove)
	return nil
}

// postgresURL is the database as processes find it.
func (w *World) postgresURL() string {
	if w.pool != nil {
		return w.pool.URL()
	}
	return w.Postgres.URL()
}

func (w *World) execute(ctx context.Context, statement string) (err error) {
	db, err := w.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, statement)
	return err
}
