package database

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/lib/pq"
)

// DATABASE_URL may name several servers, of which one is the primary. lib/pq tries them in
// order and checks their role (target_session_attrs). What it lacks is here: a default, and
// that a connection tries the server first that the last one found. A primary that hangs
// would otherwise cost every new connection its timeout.

// hosts is the list of servers in a configuration.
type hosts struct {
	all    []pq.ConfigMultihost
	sticky bool         // the role that is asked for has one server
	found  atomic.Int64 // index of the server of the last connection
}

// newHosts returns the servers of cfg, and sets the role that cfg does not ask for: with
// several servers the one that accepts changes.
func newHosts(cfg *pq.Config) *hosts {
	h := &hosts{all: append([]pq.ConfigMultihost{{Host: cfg.Host, Hostaddr: cfg.Hostaddr, Port: cfg.Port}}, cfg.Multi...)}
	if cfg.TargetSessionAttrs == "" && len(h.all) > 1 {
		cfg.TargetSessionAttrs = pq.TargetSessionAttrsReadWrite
	}
	role := cfg.TargetSessionAttrs
	h.sticky = cfg.LoadBalanceHosts != pq.LoadBalanceHostsRandom && (role == pq.TargetSessionAttrsReadWrite || role == pq.TargetSessionAttrsPrimary)
	return h
}

// order puts the server first that was found last.
func (h *hosts) order(cfg *pq.Config) {
	if !h.sticky || len(h.all) < 2 {
		return
	}
	n := int(h.found.Load())
	ordered := append(append([]pq.ConfigMultihost{}, h.all[n:]...), h.all[:n]...)
	cfg.Host, cfg.Hostaddr, cfg.Port = ordered[0].Host, ordered[0].Hostaddr, ordered[0].Port
	cfg.Multi = ordered[1:]
}

// setFound records the address of a connection. Several names of one address are one server.
func (h *hosts) setFound(dialed string) {
	for i, one := range h.all {
		if address(one) == dialed {
			h.found.Store(int64(i))
			return
		}
	}
}

// address is where lib/pq dials for a server.
func address(h pq.ConfigMultihost) string {
	port := strconv.Itoa(int(h.Port))
	switch {
	case h.Hostaddr.IsValid():
		return net.JoinHostPort(h.Hostaddr.String(), port)
	case filepath.IsAbs(h.Host) || strings.HasPrefix(h.Host, "@"):
		return filepath.Join(h.Host, ".s.PGSQL."+port)
	}
	return net.JoinHostPort(h.Host, port)
}

// roleError reports that no server in DATABASE_URL has the role that it asks for.
type roleError struct{ cause error }

func (e *roleError) Error() string { return strings.ReplaceAll(e.cause.Error(), "\n", "; ") }
func (e *roleError) Unwrap() error { return e.cause }

// markRole wraps an error of lib/pq about the roles of servers, which has no type.
func markRole(err error) error {
	for _, text := range []string{"session is read-only", "session is not read-only", "server is in hot standby mode", "server is not in hot standby mode"} {
		if strings.Contains(err.Error(), text) {
			return &roleError{err}
		}
	}
	return err
}
