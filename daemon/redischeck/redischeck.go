// Package redischeck checks whether Redis does everything that chat needs. PING is not
// enough: Redis may reply to it and refuse writes, a command, a channel, or everything.
package redischeck

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chat/daemon/keys"
	"chat/daemon/redisconn"
)

// The states of Redis: OK, Down if it does not respond, or the rest of a short sentence
// that begins with "Redis".
const (
	OK   = "ok"
	Down = "down"
)

const (
	maxAge   = time.Second     // of a state that is returned again
	interval = 5 * time.Second // between two checks of Run
	timeout  = time.Second     // of one check
	keyTTL   = 10 * time.Second
)

// Checker checks one Redis.
type Checker struct {
	rdb      *redisconn.Client
	names    keys.Names
	instance string
	echo     func(context.Context) error
	logger   *slog.Logger

	checking chan struct{} // has an element during a check

	mu        sync.Mutex
	checkedAt time.Time
	state     string
}

// New returns a Checker. instance makes its key unique. echo returns an error unless the
// process receives the messages that it publishes.
func New(rdb *redisconn.Client, instance string, echo func(context.Context) error, logger *slog.Logger) *Checker {
	return &Checker{
		rdb: rdb, names: rdb.Names(), instance: instance, echo: echo, logger: logger,
		checking: make(chan struct{}, 1), state: OK,
	}
}

// Run checks Redis every few seconds until ctx ends, so that changes are logged.
func (c *Checker) Run(ctx context.Context) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		c.State(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// State returns OK, Down or a short sentence. It is at most a second old.
func (c *Checker) State(ctx context.Context) string {
	select {
	case c.checking <- struct{}{}:
	case <-ctx.Done():
		return Down
	}
	defer func() { <-c.checking }()
	state, at := c.last()
	if time.Since(at) < maxAge {
		return state
	}
	checkCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	state = c.check(checkCtx)
	if context.Cause(ctx) == context.Canceled { //nolint:errorlint // the caller has gone, which says nothing about Redis
		return state
	}
	c.record(state)
	return state
}

func (c *Checker) last() (state string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state, c.checkedAt
}

// record stores a state, and logs it if it has changed.
func (c *Checker) record(state string) {
	previous := c.replace(state)
	switch {
	case state == previous:
	case state == OK:
		c.logger.Info("Redis works again")
	case state == Down:
		c.logger.Warn("Redis does not respond; answers continue and are saved", "address", strings.Join(c.rdb.Hosts(), ","))
	default:
		c.logger.Warn("Redis refuses what chat needs; answers continue and are saved", "state", state, "address", strings.Join(c.rdb.Hosts(), ","),
			"keys", c.names.Patterns(), "channels", c.names.Channels())
	}
}

// replace stores a state and returns the one before.
func (c *Checker) replace(state string) (previous string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	previous = c.state
	c.state, c.checkedAt = state, time.Now()
	return previous
}

// check tries everything that chat needs, on each server that takes writes.
func (c *Checker) check(ctx context.Context) string {
	var mu sync.Mutex
	f := &findings{}
	wrong := ""
	err := c.rdb.Servers(ctx, func(ctx context.Context, server *redis.Client) error {
		mode, role := redisconn.ModeAndRole(server.Do(ctx, "HELLO"))
		own := &findings{}
		err := c.sendCommands(ctx, server, own)
		mu.Lock()
		defer mu.Unlock()
		if why := c.rdb.Mismatch(mode, role); why != "" {
			wrong = why
			return nil
		}
		f.merge(own)
		return err
	})
	switch {
	case wrong != "":
		return wrong
	case err != nil:
		return Down
	}
	if err := c.echo(ctx); err != nil {
		f.add("subscriptions", err)
	}
	return f.sentence(c.rdb.IsCluster())
}

// findings are refused commands, by kind of error.
type findings struct {
	kinds   []string            // in the order in which they occurred
	reply   map[string]string   // the first one of each kind
	refused map[string][]string // commands of each kind
}

// add adds a refused command.
func (f *findings) add(command string, err error) {
	f.addKind(kindOf(err), command, oneLine(err.Error()))
}

func (f *findings) addKind(kind, command, reply string) {
	if f.reply == nil {
		f.reply, f.refused = map[string]string{}, map[string][]string{}
	}
	if _, ok := f.reply[kind]; !ok {
		f.kinds = append(f.kinds, kind)
		f.reply[kind] = reply
	}
	if !slices.Contains(f.refused[kind], command) {
		f.refused[kind] = append(f.refused[kind], command)
	}
}

// merge adds the refused commands of another server.
func (f *findings) merge(other *findings) {
	for _, kind := range other.kinds {
		for _, command := range other.refused[kind] {
			f.addKind(kind, command, other.reply[kind])
		}
	}
}

func (f *findings) sentence(cluster bool) string {
	if len(f.kinds) == 0 {
		return OK
	}
	parts := make([]string, 0, len(f.kinds))
	for _, kind := range f.kinds {
		if kind == "" && len(f.kinds) > 1 {
			continue // a consequence of the other kinds
		}
		reply, refused := f.reply[kind], strings.Join(f.refused[kind], ", ")
		switch kind {
		case "NOAUTH", "WRONGPASS":
			parts = append(parts, "refuses the login: "+reply)
		case "LOADING":
			parts = append(parts, "is loading its data: "+reply)
		case "READONLY", "OOM", "MISCONF", "NOREPLICAS":
			parts = append(parts, "refuses writes: "+reply)
		case "WRONGTYPE":
			parts = append(parts, fmt.Sprintf("has a key of another type at %s: %s", refused, reply))
		case "CLUSTERDOWN":
			parts = append(parts, "is a Cluster without a server for each slot: "+reply)
		case "MOVED", "ASK", "CROSSSLOT":
			if cluster {
				parts = append(parts, "moves slots: "+reply)
			} else {
				parts = append(parts, "is a server of a Cluster: write redis+cluster:// in REDIS_URL")
			}
		case "":
			parts = append(parts, "does not deliver messages: "+reply)
		default:
			parts = append(parts, fmt.Sprintf("refuses %s: %s", refused, reply))
		}
	}
	return strings.Join(parts, "; ")
}
