// Package embedded is the Redis-compatible engine that runs inside the daemon
// when no REDIS_URL is set, so that chat needs no other program.
//
// The engine is miniredis. It is reached through the Dialer of an ordinary
// go-redis client over an in-memory connection: there is no port and no
// password, and nobody else on the machine can read it. What is different from a
// Redis server:
//
//   - Keys expire up to one tick (1 s) late. Only time that the process could
//     run in counts: neither a jump of the wall clock nor hours asleep expire
//     anything.
//   - A client that leaves more than Options.OutputLimit bytes unread is
//     disconnected, whatever it was reading.
//   - Everything is gone when the process ends, as after a restart of a Redis
//     without persistence. There is no limit on the memory that keys use; their
//     TTLs are what bounds it.
//   - Scripts work, but cost ten times what MULTI does. FUNCTION, CONFIG, BLMPOP,
//     SPUBLISH and CLIENT LIST do not exist.
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

// ErrClosed is the answer to a connection attempt after Close.
var ErrClosed = errors.New("embedded redis: closed")

// Options are the settings of an engine; the zero value is the right one for
// the daemon.
type Options struct {
	// Tick is how often keys are expired, and so how late they may go. 0 is 1 s.
	Tick time.Duration
	// OutputLimit is how many bytes a client may leave unread before it is
	// disconnected. 0 is 32 MiB, Redis' own limit for subscribers.
	OutputLimit int
}

const (
	defaultTick        = time.Second
	defaultOutputLimit = 32 << 20
	// sweepEvery is the pause between two sweeps of what expired keys leave.
	sweepEvery = 10 * time.Minute
	// nudgeEvery is how often Close wakes blocked commands until all have ended.
	nudgeEvery = 10 * time.Millisecond
)

// Redis is a running engine.
type Redis struct {
	opts   Options
	engine *miniredis.Miniredis
	server *server.Server

	mu     sync.RWMutex // held for reading while a connection is handed over
	closed bool

	stop func()
	done chan struct{} // closed when the clock has stopped
}

// Start starts an engine. It lives until Close.
func Start(o Options) (*Redis, error) {
	if o.Tick <= 0 {
		o.Tick = defaultTick
	}
	if o.OutputLimit <= 0 {
		o.OutputLimit = defaultOutputLimit
	}
	engine := miniredis.NewMiniRedis()
	// The first Dial of an engine that was not started is the one way to start
	// it without a port. Its connection is of no use: it has no buffer.
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

// Options are the options of a go-redis client of this engine. The caller may
// change them before use, but not the Dialer.
func (r *Redis) Options() *redis.Options {
	return &redis.Options{
		Addr:   address{}.String(),
		Dialer: r.dial,
		// Without these a new connection asks for what miniredis does not know.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		ContextTimeoutEnabled:    true,
	}
}

// Client is a new client of this engine with the default options. The caller
// closes it.
func (r *Redis) Client() *redis.Client { return redis.NewClient(r.Options()) }

// Close ends the engine and every connection to it, and waits for both. Later
// connection attempts fail with ErrClosed. It may be called more than once.
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

// end closes the engine. Its own wake-up of blocked commands can come just
// before they begin to wait and is not repeated; a flush wakes them for certain.
func (r *Redis) end() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.engine.Close()
	}()
	nudge := time.NewTicker(nudgeEvery)
	defer nudge.Stop()
	for {
		select {
		case <-ended:
			return
		case <-nudge.C:
			r.engine.FlushAll()
		}
	}
}

// dial is the Dialer of the clients. The lock keeps a late reconnect from
// reaching a server that is closing.
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

// clock makes time pass: miniredis has none of its own that is cheap enough. A
// late tick passes all the time since the one before.
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
		if now.Sub(swept) >= sweepEvery {
			swept = now
			s.sweep(r.engine)
		}
	}
}
