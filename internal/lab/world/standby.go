package world

import (
	"context"

	"chat/internal/services"
)

// Standby is a streaming standby of PostgreSQL, which can be promoted.
type Standby struct {
	// Synchronous: no commit is acknowledged before the standby has it.
	Synchronous bool
	// Hosts: the processes know both servers. Otherwise they know one address, which leads to
	// another server after a promotion.
	Hosts bool

	Server *services.PostgresServer
	// Link is the proxy on the way of the changes to the standby.
	Link *Edge
}

// startStandby starts the standby, if the row has one.
func (w *World) startStandby(ctx context.Context) (err error) {
	s := w.Standby
	if s == nil {
		return nil
	}
	if s.Link, err = w.edges.open(ctx, "standby→primary", w.Postgres.Addr()); err != nil {
		return err
	}
	if s.Server, err = w.Postgres.LaunchStandby(ctx, s.Link.Addr()); err != nil {
		return err
	}
	w.closers = append(w.closers, s.Server.Remove)
	if s.Synchronous {
		return w.Postgres.SetSynchronous(ctx)
	}
	return nil
}

// Promote makes the standby the primary, and lets the address of the primary lead to it
// unless the processes know both servers. Postgres is the new primary afterwards.
func (w *World) Promote(ctx context.Context) error {
	if err := w.Standby.Server.Promote(ctx); err != nil {
		return err
	}
	w.Postgres = w.Standby.Server
	if w.Standby.Hosts {
		return nil
	}
	for _, n := range w.Nodes() {
		n.SQL.proxy.Upstream = w.Postgres.Addr()
		if err := n.SQL.Mend(); err != nil {
			return err
		}
	}
	return nil
}
