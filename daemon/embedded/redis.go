// Package embedded is the Redis-compatible engine that runs inside the daemon when
// REDIS_URL is not set, so that chat needs no other program.
//
// The engine is miniredis. An ordinary go-redis client reaches it through its Dialer, over
// an in-memory connection: there is no port and no password, and no other process can read
// it. It differs from a Redis server:
//
//   - Keys expire up to one tick (1 s) late. Time counts only while the process can run:
//     keys do not expire because the wall clock jumps or the machine sleeps.
//   - A client that leaves more than Options.OutputLimit bytes unread is disconnected,
//     whatever it was reading.
//   - All data is lost when the process ends, as with a Redis without persistence. The
//     memory of keys has no limit except their TTLs.
//   - Scripts work, but cost ten times as much as MULTI. FUNCTION, CONFIG, BLMPOP, SPUBLISH
//     and CLIENT LIST do not exist.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// ErrClosed is returned when a client connects after Close.
var ErrClosed = errors.New("embedded redis: closed")

// Options are the settings of an engine. The daemon uses the zero value.
type Options struct {
	// Tick is how often keys are expired, and so how late; default 1 s.
	Tick time.Duration
	// OutputLimit is how many bytes a client may leave unread before it is disconnected;
	// default 32 MiB, as Redis allows subscribers.
	OutputLimit int
}

const (
	defaultTick        = time.Second
	defaultOutputLimit = 32 << 20
	// sweepInterval is how often the sweeper runs.
	sweepInterval = 10 * time.Minute
	// wakeInterval is how often Close wakes blocked commands until all have ended.
	wakeInterval = 10 * time.Millisecond
)

// Redis is a running engine.
type Redis struct {
	opts   Options
	engine *miniredis.Miniredis
	server *server.Server

	mu     sync.RWMutex // held for reading while a connection is made
	closed bool

	stop func()
	done chan struct{} // closed when the clock has stopped
}

// Start starts an engine. The caller closes it.
func Start(o Options) (*Redis, error) {
	if o.Tick <= 0 {
		o.Tick = defaultTick
	}
	if o.OutputLimit <= 0 {
		o.OutputLimit = defaultOutputLimit
	}
	engine := miniredis.NewMiniRedis()
	// The first Dial starts an engine without a port. Its connection is not used, because
	// it has no buffer.
	first, err := engine.Dial()
	if err != nil {
		return nil, fmt.Errorf("embedded redis: start: %w", err)
	}
	if err := first.Close(); err != nil {
		return nil, fmt.Errorf("embedded redis: start: %w", err)
	}
	stop := make(chan struct{})
	r := &Redis{
		opts: o, engine: engine, server: engine.Server(),
		stop: sync.OnceFunc(func() { close(stop) }), done: make(chan struct{}),
	}
	go r.clock(stop)
	return r, nil
}

// Options returns the options of a go-redis client of this engine. The caller may change
// them, except for the Dialer.
func (r *Redis) Options() *redis.Options {
	return &redis.Options{
		Addr:   address{}.String(),
		Dialer: r.dial,
		// Otherwise a new connection sends commands that miniredis does not have.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		ContextTimeoutEnabled:    true,
	}
}

// Client returns a new client of this engine with the default options. The caller closes
// it.
func (r *Redis) Client() *redis.Client { return redis.NewClient(r.Options()) }

// Close ends the engine and all its connections, and waits for both. It may be called more
// than once.
func (r *Redis) Close() error {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	r.mu.Unlock()
	r.stop()
	<-r.done
	if first {
		r.end()
	}
	return nil
}

// end closes the engine. miniredis wakes blocked commands only once, and a command that
// begins to wait just after that would block forever. A flush wakes it.
func (r *Redis) end() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.engine.Close()
	}()
	wake := time.NewTicker(wakeInterval)
	defer wake.Stop()
	for {
		select {
		case <-ended:
			return
		case <-wake.C:
			r.engine.FlushAll()
		}
	}
}

// dial is the Dialer of the clients. The lock keeps a late connection from a server that
// is closing.
func (r *Redis) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, ErrClosed
	}
	client, engine := newPipe(r.opts.OutputLimit)
	r.server.ServeConn(engine)
	return client, nil
}

// clock advances the time of miniredis, whose own clock is too expensive. A late tick
// advances it by all the time since the last one.
func (r *Redis) clock(stop <-chan struct{}) {
	defer close(r.done)
	tick := time.NewTicker(r.opts.Tick)
	defer tick.Stop()
	var s sweeper
	last := time.Now() // monotonic
	swept := last
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		now := time.Now()
		r.engine.FastForward(now.Sub(last))
		last = now
		if now.Sub(swept) >= sweepInterval {
			swept = now
			s.sweep(r.engine)
		}
	}
}
