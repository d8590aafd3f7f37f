package faults

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"chat/internal/lab/world"
)

// behindAPool runs everything through PgBouncer in one of its modes. Meanwhile it
// starts five more processes at the same time on an empty database: one of them
// creates the tables, and the others wait for it.
func behindAPool(mode string, size int, core bool) Row {
	return Row{
		Name: "deploy/behind-a-" + mode + "-pool", On: full(), Core: core,
		Setup: func(w *World) {
			w.Pool = []string{"pool_mode = " + mode, fmt.Sprintf("default_pool_size = %d", size)}
		},
		Fault: func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 3, time.Second, func() error { return startTogether(ctx, w) })
		},
	}
}

// startTogether starts five API processes on a database of their own.
func startTogether(ctx context.Context, w *World) (err error) {
	database := "empty_" + world.UniqueName()
	if err := w.execute(ctx, "CREATE DATABASE "+database); err != nil {
		return err
	}
	u, err := url.Parse(w.PoolURL())
	if err != nil {
		return err
	}
	u.Path = "/" + database
	nodes := make([]*world.Node, 5)
	for i := range nodes {
		if nodes[i], err = w.NewNode(ctx, fmt.Sprintf("%s-%d", database, i+1), true, false); err != nil {
			return err
		}
		n := nodes[i]
		if err := n.Launch("DATABASE_URL=" + u.String()); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, n.Kill()) }()
	}
	for _, n := range nodes {
		if err := n.WaitReady(ctx); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return nil
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
