// Package redischeck says whether Redis does what chat needs of it. PING alone does not
// tell: Redis may answer it and refuse writes, a command, a channel, or everything.
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
)

// What State returns when nothing is wrong, and when Redis does not answer at all. Any
// other state is a short sentence that goes on after "Redis".
const (
	OK   = "ok"
	Down = "down"
)

const (
	fresh    = time.Second     // how long a state is given out again
	every    = 5 * time.Second // between two looks that nobody asked for
	patience = time.Second     // of one look
	keyTTL   = 10 * time.Second
)

// Checker looks after one Redis.
type Checker struct {
	rdb    *redis.Client
	names  keys.Names
	key    string
	echo   func(context.Context) error // a message of ours comes back to us
	logger *slog.Logger

	turn chan struct{} // held by whoever looks

	mu    sync.Mutex
	at    time.Time
	state string
}

// New returns a Checker. instance tells its key in Redis from others'; echo reports
// whether a message that is published comes back by the subscription.
func New(rdb *redis.Client, instance string, echo func(context.Context) error, logger *slog.Logger) *Checker {
	n := keys.Names{}
	return &Checker{
		rdb: rdb, names: n, key: n.Check(instance), echo: echo, logger: logger,
		turn: make(chan struct{}, 1), state: OK,
	}
}

// Run looks at Redis from time to time until ctx ends, so that the log tells of what is
// refused, and of its end.
func (c *Checker) Run(ctx context.Context) {
	tick := time.NewTicker(every)
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

// State is OK, Down or a short sentence. It is at most a second old.
func (c *Checker) State(ctx context.Context) string {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return Down
	}
	defer func() { <-c.turn }()
	c.mu.Lock()
	state, at := c.state, c.at
	c.mu.Unlock()
	if time.Since(at) < fresh {
		return state
	}
	looking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	state = c.look(looking)
	if context.Cause(ctx) == context.Canceled { //nolint:errorlint // whoever asked has gone, which says nothing of Redis
		return state
	}
	c.record(state)
	return state
}

// record keeps a state, and logs it if it is another one.
func (c *Checker) record(state string) {
	c.mu.Lock()
	was := c.state
	c.state, c.at = state, time.Now()
	c.mu.Unlock()
	switch {
	case state == was:
	case state == OK:
		c.logger.Info("Redis does all that is needed again")
	case state == Down:
		c.logger.Warn("Redis does not answer; answers go on, and are saved", "address", c.rdb.Options().Addr)
	default:
		c.logger.Warn("Redis cannot do all that is needed; answers go on, and are saved", "state", state, "address", c.rdb.Options().Addr,
			"keys", c.names.Patterns(), "channels", c.names.Channels())
	}
}

// look asks Redis for all that is needed.
func (c *Checker) look(ctx context.Context) string {
	f := &findings{}
	hello := c.rdb.Do(ctx, "HELLO")
	mode, role := serverOf(hello)
	switch {
	case mode == "cluster":
		return "is a node of a Redis Cluster, which chat does not work with: give REDIS_URL a server that is in no cluster"
	case mode == "sentinel":
		return "is a Sentinel, not a Redis server: give REDIS_URL the address of the server that it watches"
	case role == "replica":
		return "is a replica, which refuses writes: give REDIS_URL the address of its primary"
	case c.commands(ctx, f) != nil:
		return Down
	}
	if err := c.echo(ctx); err != nil {
		f.add("subscriptions", err)
	}
	return f.sentence()
}

// Refuse returns an error if Redis answers and is of a kind that cannot be used.
func Refuse(ctx context.Context, rdb *redis.Client) error {
	switch mode, _ := serverOf(rdb.Do(ctx, "HELLO")); mode {
	case "cluster":
		return errCluster()
	case "sentinel":
		return errSentinel()
	}
	return nil
}

// findings are what Redis has refused.
type findings struct {
	order []string            // kinds
	said  map[string]string   // by kind, the first answer
	what  map[string][]string // by kind
}

// add takes note of a command that was refused.
func (f *findings) add(what string, err error) {
	kind := kindOf(err)
	if f.said == nil {
		f.said, f.what = map[string]string{}, map[string][]string{}
	}
	if _, ok := f.said[kind]; !ok {
		f.order = append(f.order, kind)
		f.said[kind] = oneLine(err.Error())
	}
	if !slices.Contains(f.what[kind], what) {
		f.what[kind] = append(f.what[kind], what)
	}
}

func (f *findings) sentence() string {
	if len(f.order) == 0 {
		return OK
	}
	parts := make([]string, 0, len(f.order))
	for _, kind := range f.order {
		if kind == "" && len(f.order) > 1 {
			continue // because of what else is refused
		}
		said, what := f.said[kind], strings.Join(f.what[kind], ", ")
		switch kind {
		case "NOAUTH", "WRONGPASS":
			parts = append(parts, "refuses the login: "+said)
		case "LOADING":
			parts = append(parts, "is loading its data: "+said)
		case "READONLY", "OOM", "MISCONF", "NOREPLICAS":
			parts = append(parts, "refuses writes: "+said)
		case "WRONGTYPE":
			parts = append(parts, fmt.Sprintf("has something else at %s: %s", what, said))
		case "MOVED", "ASK", "CLUSTERDOWN", "CROSSSLOT":
			parts = append(parts, "is a node of a Redis Cluster, which chat does not work with: "+said)
		case "":
			parts = append(parts, "does not deliver messages: "+said)
		default:
			parts = append(parts, fmt.Sprintf("refuses %s: %s", what, said))
		}
	}
	return strings.Join(parts, "; ")
}
