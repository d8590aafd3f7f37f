package lab

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/keys"
)

// redisRows break Redis and the way to it.
func redisRows() []Row {
	row := func(name string, core bool, f func(context.Context, *World) error) Row {
		return Row{Name: "redis/" + name, On: full(), Core: core, Fault: f}
	}
	short := row("ttl-shorter-than-the-answer", false, nil)
	short.Setup = func(w *World) { w.Env = append(w.Env, "CHUNK_TTL=1s") }
	short.Load = func(l *Load) { l.Tokens, l.Pace = [2]int{3, 8}, 1300*time.Millisecond }
	loading := row("loading", false, load)
	loading.Setup = func(w *World) {
		w.RedisArgs = []string{"--enable-debug-command", "yes", "--loading-process-events-interval-bytes", "1024"}
	}
	return []Row{
		loading,
		row("restart-with-data-loss", false, func(ctx context.Context, w *World) error {
			if err := w.redisDown(ctx, w.Chance.between(0, 3*time.Second)); err != nil {
				return err
			}
			return w.backToNormal(ctx, "Redis")
		}),
		row("flushall", true, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 4, time.Second, func() error { return w.rdb.FlushAll(ctx).Err() })
		}),
		row("live-list-deleted", false, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 6, 500*time.Millisecond, func() error { return w.deleteLive(ctx) })
		}),
		row("list-of-another-type", false, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 4, 700*time.Millisecond, func() error { return w.spoilLive(ctx) })
		}),
		twice(row("list-rolled-back-while-its-worker-is-dead", false, rollBack)),
		row("queues-deleted", false, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 30, 100*time.Millisecond, func() error { return w.deleteQueues(ctx) })
		}),
		row("refused-10s", false, refuseRedis(10*time.Second)),
		alone(row("refused-120s", false, refuseRedis(120*time.Second))),
		row("black-hole-10s", false, swallowRedis(10*time.Second)),
		alone(row("black-hole-120s", false, swallowRedis(120*time.Second))),
		row("replies-lost", true, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 4, time.Second, func() error { return w.loseReplies(ctx, redisEdge) })
		}),
		row("reset-during-a-command", false, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 15, 250*time.Millisecond, func() error { return w.each(redisEdge, func(e *Edge) error { return e.Reset() }) })
		}),
		row("slow", false, func(ctx context.Context, w *World) error {
			return w.during(ctx, 5*time.Second, redisEdge, func(e *Edge) error { return e.Delay(150*time.Millisecond, 100*time.Millisecond) })
		}),
		row("frozen", false, func(ctx context.Context, w *World) error {
			if err := w.Redis.Pause(); err != nil {
				return err
			}
			return errors.Join(pause(ctx, w.Chance.between(time.Second, 6*time.Second)), w.Redis.Resume())
		}),
		row("subscribers-cut", true, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 60, 80*time.Millisecond, func() error { return w.rdb.ClientKillByFilter(ctx, "TYPE", "pubsub").Err() })
		}),
		row("messages-doubled-and-late", false, doubled),
		row("output-limit", false, func(ctx context.Context, w *World) error {
			return w.configured(ctx, "client-output-buffer-limit", "pubsub 1 1 1", "pubsub 33554432 8388608 60")
		}),
		row("out-of-memory", false, func(ctx context.Context, w *World) error { return w.configured(ctx, "maxmemory", "1", "0") }),
		row("no-auth", false, noAuth),
		row("read-only", false, func(ctx context.Context, w *World) error {
			if err := w.rdb.Do(ctx, "REPLICAOF", "127.0.0.1", "1").Err(); err != nil {
				return err
			}
			return errors.Join(pause(ctx, w.Chance.between(time.Second, 5*time.Second)), w.rdb.Do(ctx, "REPLICAOF", "NO", "ONE").Err())
		}),
		twice(row("absent-at-start", false, absent)),
		short,
	}
}

// twice is for processes that die while there is no Redis: what they have whole,
// and have not committed yet, is nowhere else.
func twice(r Row) Row { r.Allow.Repurchase, r.Allow.RepurchaseFull = true, true; return r }

func alone(r Row) Row { r.Alone = true; return r }

// redisEdge and sqlEdge pick an edge of a process.
func redisEdge(n *Node) *Edge { return n.Redis }
func sqlEdge(n *Node) *Edge   { return n.SQL }

// each does something to the same edge of all processes.
func (w *World) each(pick func(*Node) *Edge, do func(*Edge) error) error {
	var errs []error
	for _, n := range w.Nodes() {
		if e := pick(n); e != nil {
			errs = append(errs, do(e))
		}
	}
	return errors.Join(errs...)
}

// during does something to an edge of all processes and mends it after d.
func (w *World) during(ctx context.Context, d time.Duration, pick func(*Node) *Edge, do func(*Edge) error) error {
	err := w.each(pick, do)
	if err == nil {
		err = pause(ctx, d)
	}
	return errors.Join(err, w.each(pick, func(e *Edge) error { return e.Mend() }))
}

// repeat does something n times, about every d.
func (w *World) repeat(ctx context.Context, n int, d time.Duration, do func() error) error {
	for range n {
		if err := do(); err != nil {
			return err
		}
		if err := pause(ctx, w.Chance.between(d/2, d*3/2)); err != nil {
			return err
		}
	}
	return nil
}

// loseReplies lets what is asked arrive, and what is answered not, for a moment,
// and then cuts the connections.
func (w *World) loseReplies(ctx context.Context, pick func(*Node) *Edge) error {
	return w.during(ctx, w.Chance.between(50*time.Millisecond, 400*time.Millisecond), pick, func(e *Edge) error { return e.Swallow(toClient) })
}

func refuseRedis(d time.Duration) func(context.Context, *World) error {
	return func(ctx context.Context, w *World) error {
		if err := w.during(ctx, d, redisEdge, func(e *Edge) error { e.Cut(); return nil }); err != nil {
			return err
		}
		return w.backToNormal(ctx, "Redis")
	}
}

func swallowRedis(d time.Duration) func(context.Context, *World) error {
	return func(ctx context.Context, w *World) error {
		if err := w.during(ctx, d, redisEdge, func(e *Edge) error { return errors.Join(e.Swallow(toServer), e.Swallow(toClient)) }); err != nil {
			return err
		}
		return w.backToNormal(ctx, "Redis")
	}
}

func (w *World) redisDown(ctx context.Context, d time.Duration) error {
	if err := w.Redis.Kill(); err != nil {
		return err
	}
	return errors.Join(pause(ctx, d), w.Redis.Start(ctx))
}

// live are the chunk lists that are there.
func (w *World) live(ctx context.Context) ([]string, error) {
	return w.rdb.Keys(ctx, keys.Names{}.Chunks("*")).Result()
}

func (w *World) deleteLive(ctx context.Context) error {
	names, err := w.live(ctx)
	if err != nil || len(names) == 0 {
		return err
	}
	return w.rdb.Del(ctx, names[w.Chance.IntN(len(names))]).Err()
}

// spoilLive puts a string where a list was.
func (w *World) spoilLive(ctx context.Context) error {
	names, err := w.live(ctx)
	if err != nil || len(names) == 0 {
		return err
	}
	return w.rdb.Set(ctx, names[w.Chance.IntN(len(names))], "not a list", time.Minute).Err()
}

// rollBack takes the last entries from each list when no worker lives that could write
// them again, and lets the readers wait for longer than a living one would need.
func rollBack(ctx context.Context, w *World) error {
	for _, n := range w.Worker {
		if err := n.Kill(); err != nil {
			return err
		}
	}
	names, err := w.live(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := w.rdb.LTrim(ctx, name, 0, -3-w.Chance.Int64N(5)).Err(); err != nil {
			return err
		}
	}
	if err := pause(ctx, 12*time.Second); err != nil {
		return err
	}
	return w.startAll(ctx, w.Worker, 0)
}

func (w *World) deleteQueues(ctx context.Context) error {
	var names []string
	for _, p := range chat.Priorities() {
		names = append(names, keys.Names{}.Queue(p))
	}
	return w.rdb.Del(ctx, names...).Err()
}

// configured sets one of Redis's settings for a while.
func (w *World) configured(ctx context.Context, name, bad, good string) error {
	if err := w.rdb.ConfigSet(ctx, name, bad).Err(); err != nil {
		return err
	}
	return errors.Join(pause(ctx, w.Chance.between(time.Second, 5*time.Second)), w.rdb.ConfigSet(ctx, name, good).Err())
}

// doubled publishes everything a second time, later.
func doubled(ctx context.Context, w *World) error {
	sub := w.rdb.PSubscribe(ctx, keys.Names{}.Channel("*"))
	defer func() { _ = sub.Close() }()
	over := time.After(5 * time.Second)
	seen := map[string]bool{}
	for {
		select {
		case <-over:
			return nil
		case m := <-sub.Channel(redis.WithChannelSize(10_000)):
			if seen[m.Channel+m.Payload] {
				continue // our own
			}
			seen[m.Channel+m.Payload] = true
			if w.Chance.often(0.5) {
				if err := w.rdb.Publish(ctx, m.Channel, m.Payload).Err(); err != nil {
					return err
				}
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// noAuth asks for a password that nobody has, and cuts who is there.
func noAuth(ctx context.Context, w *World) error {
	if err := w.rdb.ConfigSet(ctx, "requirepass", "unknown").Err(); err != nil {
		return err
	}
	o := w.Redis.Options()
	o.Password = "unknown"
	admin := redis.NewClient(o)
	defer func() { _ = admin.Close() }()
	err := w.each(redisEdge, func(e *Edge) error { return e.Reset() })
	return errors.Join(err, pause(ctx, w.Chance.between(time.Second, 5*time.Second)), admin.ConfigSet(ctx, "requirepass", "").Err())
}

// absent starts everything while there is no Redis.
func absent(ctx context.Context, w *World) error {
	if err := w.Redis.Kill(); err != nil {
		return err
	}
	for _, n := range w.Nodes() {
		if err := n.Restart(ctx, 0); err != nil {
			return fmt.Errorf("%s does not start without Redis: %w", n.Name, err)
		}
	}
	return errors.Join(pause(ctx, w.Chance.between(time.Second, 5*time.Second)), w.Redis.Start(ctx))
}

// load lets Redis read its data again, slowly: it answers everything with LOADING
// meanwhile.
func load(ctx context.Context, w *World) error {
	keys, err := w.rdb.DBSize(ctx).Result()
	if err != nil {
		return err
	}
	each := w.Chance.between(2*time.Second, 5*time.Second) / time.Duration(max(keys, 1))
	if err := w.rdb.ConfigSet(ctx, "key-load-delay", fmt.Sprint(each.Microseconds())).Err(); err != nil {
		return err
	}
	o := *w.rdb.Options()
	o.ReadTimeout = 30 * time.Second
	patient := redis.NewClient(&o)
	defer func() { _ = patient.Close() }()
	reloaded := make(chan error, 1)
	go func() { reloaded <- patient.Do(ctx, "DEBUG", "RELOAD").Err() }()
	refused := 0
	for {
		select {
		case err := <-reloaded:
			if err == nil && refused == 0 {
				err = errors.New("nobody was told that Redis is loading")
			}
			return errors.Join(err, w.rdb.ConfigSet(ctx, "key-load-delay", "0").Err())
		case <-time.After(50 * time.Millisecond):
			if err := w.rdb.Get(ctx, "nothing").Err(); err != nil && strings.HasPrefix(err.Error(), "LOADING") {
				refused++
			}
		}
	}
}
