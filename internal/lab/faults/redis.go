package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/keys"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

// redisRows break Redis and the connection to it.
func redisRows() []Row {
	return slices.Concat(redisDataRows(), redisNetworkRows(), redisServerRows())
}

func redisRow(name string, core bool, f func(context.Context, *World) error) Row {
	return Row{Name: "redis/" + name, On: full(), Core: core, Fault: f}
}

// redisDataRows lose what Redis holds.
func redisDataRows() []Row {
	loading := redisRow("loading", false, reload)
	loading.Setup = func(w *World) {
		w.RedisArgs = []string{"--enable-debug-command", "yes", "--loading-process-events-interval-bytes", "1024", "--rdbcompression", "no"}
	}
	flushes := redisRow("flushall", true, func(ctx context.Context, w *World) error {
		return w.repeat(ctx, 4, time.Second, func() error { return w.flush(ctx) })
	})
	flushes.Load = formats
	return []Row{
		loading,
		flushes,
		redisRow("restart-with-data-loss", false, func(ctx context.Context, w *World) error {
			if err := w.redisDown(ctx, w.Chance.Between(0, 3*time.Second)); err != nil {
				return err
			}
			return w.backToNormal(ctx, "Redis")
		}),
		redisRow("restart-with-old-data", false, oldData),
		redisRow("live-list-deleted", false, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 6, 500*time.Millisecond, func() error { return w.deleteLive(ctx) })
		}),
		redisRow("list-of-another-type", false, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 4, 700*time.Millisecond, func() error { return w.spoilLive(ctx) })
		}),
		twice(redisRow("list-rolled-back-while-its-worker-is-dead", false, rollBack)),
		redisRow("queues-deleted", false, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 30, 100*time.Millisecond, func() error { return w.deleteQueues(ctx) })
		}),
	}
}

// redisNetworkRows break the connection to Redis.
func redisNetworkRows() []Row {
	return []Row{
		redisRow("refused-10s", false, refuseRedis(10*time.Second)),
		except(alone(redisRow("refused-120s", false, refuseRedis(120*time.Second))), afterTenSeconds),
		redisRow("black-hole-10s", false, swallowRedis(10*time.Second)),
		except(alone(redisRow("black-hole-120s", false, swallowRedis(120*time.Second))), afterTenSeconds),
		redisRow("replies-lost", true, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 4, time.Second, func() error { return w.loseReplies(ctx, redisEdges) })
		}),
		redisRow("reset-during-a-command", false, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 15, 250*time.Millisecond, func() error { return w.each(redisEdges, func(e *world.Edge) error { return e.Reset() }) })
		}),
		redisRow("slow", false, func(ctx context.Context, w *World) error {
			return w.during(ctx, 5*time.Second, redisEdges, func(e *world.Edge) error { return e.Delay(150*time.Millisecond, 100*time.Millisecond) })
		}),
		redisRow("frozen", false, func(ctx context.Context, w *World) error {
			if err := w.Redis.Pause(); err != nil {
				return err
			}
			return errors.Join(world.Pause(ctx, w.Chance.Between(time.Second, 6*time.Second)), w.Redis.Resume())
		}),
	}
}

// redisServerRows make Redis refuse commands, or behave differently.
func redisServerRows() []Row {
	short := redisRow("ttl-shorter-than-the-answer", false, nil)
	short.Setup = func(w *World) { w.Env = append(w.Env, "CHUNK_TTL=1s") }
	short.Load = func(l *load.Load) { l.Tokens, l.Pace = [2]int{3, 8}, 1300*time.Millisecond }
	return []Row{
		redisRow("subscribers-cut", true, func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 60, 80*time.Millisecond, func() error {
				return w.Redis.Each(func(s *world.RedisServer) error { return s.Admin.ClientKillByFilter(ctx, "TYPE", "pubsub").Err() })
			})
		}),
		exceptOn(world.Cluster, redisRow("messages-doubled-and-late", false, doubled), "PSUBSCRIBE gets no messages of sharded channels"),
		redisRow("output-limit", false, func(ctx context.Context, w *World) error {
			return w.configured(ctx, "client-output-buffer-limit", "pubsub 1 1 1", "pubsub 33554432 8388608 60")
		}),
		redisRow("out-of-memory", false, func(ctx context.Context, w *World) error { return w.configured(ctx, "maxmemory", "1", "0") }),
		redisRow("no-auth", false, noAuth),
		exceptOn(world.Cluster, redisRow("read-only", false, readOnly), "its servers refuse REPLICAOF; redis/masters-replaced-by-hand@cluster makes masters replicas"),
		twice(redisRow("absent-at-start", false, absent)),
		short,
	}
}

// twice is for processes that die while there is no Redis: a complete answer that
// they have not committed yet exists nowhere else.
func twice(r Row) Row { r.Allow.Repurchase, r.Allow.RepurchaseFull = true, true; return r }

func alone(r Row) Row { r.Alone = true; return r }

// afterTenSeconds is why faults of two minutes run on one server only.
const afterTenSeconds = "after ten seconds answers come from SQL, whatever Redis consists of"

// edges are some of the edges of a world.
type edges func(*World) []*world.Edge

// redisEdges are those in front of the Redis servers, and sqlEdges those to SQL.
func redisEdges(w *World) []*world.Edge { return w.Redis.Edges() }

func sqlEdges(w *World) []*world.Edge {
	return ofNodes(w, func(n *world.Node) *world.Edge { return n.SQL })
}

// ofNodes picks an edge of each process that has it.
func ofNodes(w *World, pick func(*world.Node) *world.Edge) []*world.Edge {
	var all []*world.Edge
	for _, n := range w.Nodes() {
		if e := pick(n); e != nil {
			all = append(all, e)
		}
	}
	return all
}

// each applies a function to edges.
func (w *World) each(pick edges, do func(*world.Edge) error) error {
	var errs []error
	for _, e := range pick(w) {
		errs = append(errs, do(e))
	}
	return errors.Join(errs...)
}

// during changes edges and restores them after d.
func (w *World) during(ctx context.Context, d time.Duration, pick edges, do func(*world.Edge) error) error {
	err := w.each(pick, do)
	if err == nil {
		err = world.Pause(ctx, d)
	}
	return errors.Join(err, w.each(pick, func(e *world.Edge) error { return e.Mend() }))
}

// repeat calls a function n times, about every d.
func (w *World) repeat(ctx context.Context, n int, d time.Duration, do func() error) error {
	for range n {
		if err := do(); err != nil {
			return err
		}
		if err := world.Pause(ctx, w.Chance.Between(d/2, d*3/2)); err != nil {
			return err
		}
	}
	return nil
}

// loseReplies drops replies but not requests for a moment, and then cuts the
// connections.
func (w *World) loseReplies(ctx context.Context, pick edges) error {
	return w.during(ctx, w.Chance.Between(50*time.Millisecond, 400*time.Millisecond), pick, func(e *world.Edge) error { return e.Swallow(world.ToClient) })
}

func refuseRedis(d time.Duration) func(context.Context, *World) error {
	return func(ctx context.Context, w *World) error {
		if err := w.during(ctx, d, redisEdges, func(e *world.Edge) error { e.Cut(); return nil }); err != nil {
			return err
		}
		return w.backToNormal(ctx, "Redis")
	}
}

func swallowRedis(d time.Duration) func(context.Context, *World) error {
	return func(ctx context.Context, w *World) error {
		if err := w.during(ctx, d, redisEdges, func(e *world.Edge) error { return errors.Join(e.Swallow(world.ToServer), e.Swallow(world.ToClient)) }); err != nil {
			return err
		}
		return w.backToNormal(ctx, "Redis")
	}
}

func (w *World) redisDown(ctx context.Context, d time.Duration) error {
	if err := w.Redis.Kill(); err != nil {
		return err
	}
	return errors.Join(world.Pause(ctx, d), w.Redis.Start(ctx))
}

// flush deletes everything.
func (w *World) flush(ctx context.Context) error {
	masters, err := w.Redis.Masters(ctx)
	for _, m := range masters {
		err = errors.Join(err, m.Admin.FlushAll(ctx).Err())
	}
	return err
}

// names names keys and channels.
func (w *World) names() keys.Names { return keys.Names{Tagged: w.RedisKind == world.Cluster} }

// oldData starts all servers again with what they had some time before: the lists lack their ends.
func oldData(ctx context.Context, w *World) error {
	if err := w.Redis.Each(func(s *world.RedisServer) error { return s.Admin.Save(ctx).Err() }); err != nil {
		return err
	}
	if err := world.Pause(ctx, w.Chance.Between(300*time.Millisecond, 2*time.Second)); err != nil {
		return err
	}
	if err := w.redisDown(ctx, w.Chance.Between(0, time.Second)); err != nil {
		return err
	}
	return w.backToNormal(ctx, "Redis")
}

// live returns the existing chunk lists.
func (w *World) live(ctx context.Context) ([]string, error) {
	return w.Redis.Keys(ctx, w.names().Chunks("*"))
}

func (w *World) deleteLive(ctx context.Context) error {
	names, err := w.live(ctx)
	if err != nil || len(names) == 0 {
		return err
	}
	return w.Redis.Client.Del(ctx, names[w.Chance.IntN(len(names))]).Err()
}

// spoilLive puts a string where a list was.
func (w *World) spoilLive(ctx context.Context) error {
	names, err := w.live(ctx)
	if err != nil || len(names) == 0 {
		return err
	}
	return w.Redis.Client.Set(ctx, names[w.Chance.IntN(len(names))], "not a list", time.Minute).Err()
}

// rollBack removes the last entries from each list when no worker lives that could
// rewrite them, and lets the readers wait for longer than a living one would need.
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
		if err := w.Redis.Client.LTrim(ctx, name, 0, -3-w.Chance.Int64N(5)).Err(); err != nil {
			return err
		}
	}
	if err := world.Pause(ctx, 12*time.Second); err != nil {
		return err
	}
	return w.startAll(ctx, w.Worker, 0)
}

func (w *World) deleteQueues(ctx context.Context) error {
	var names []string
	for _, p := range chat.Priorities() {
		names = append(names, w.names().Queue(p))
	}
	return w.Redis.Client.Del(ctx, names...).Err()
}

// configured sets one of Redis's settings for a while.
func (w *World) configured(ctx context.Context, name, bad, good string) error {
	set := func(value string) error {
		return w.Redis.Each(func(s *world.RedisServer) error { return s.Admin.ConfigSet(ctx, name, value).Err() })
	}
	if err := set(bad); err != nil {
		return err
	}
	return errors.Join(world.Pause(ctx, w.Chance.Between(time.Second, 5*time.Second)), set(good))
}

// readOnly makes the master the replica of a server that does not exist.
func readOnly(ctx context.Context, w *World) error {
	master, err := w.masterWithLists(ctx)
	if err != nil {
		return err
	}
	if err := master.Admin.Do(ctx, "REPLICAOF", "127.0.0.1", "1").Err(); err != nil {
		return err
	}
	return errors.Join(world.Pause(ctx, w.Chance.Between(time.Second, 5*time.Second)), master.Admin.Do(ctx, "REPLICAOF", "NO", "ONE").Err())
}

// doubled publishes everything a second time, later.
func doubled(ctx context.Context, w *World) error {
	sub := w.Redis.Client.PSubscribe(ctx, w.names().Channel("*"))
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
			if w.Chance.Often(0.5) {
				if err := w.Redis.Client.Publish(ctx, m.Channel, m.Payload).Err(); err != nil {
					return err
				}
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// noAuth requires an unknown password, and closes all connections.
func noAuth(ctx context.Context, w *World) error {
	if err := w.Redis.Each(func(s *world.RedisServer) error { return s.Admin.ConfigSet(ctx, "requirepass", "unknown").Err() }); err != nil {
		return err
	}
	err := w.each(redisEdges, func(e *world.Edge) error { return e.Reset() })
	err = errors.Join(err, world.Pause(ctx, w.Chance.Between(time.Second, 5*time.Second)))
	return errors.Join(err, w.Redis.Each(func(s *world.RedisServer) error {
		o := *s.Admin.Options()
		o.Password = "unknown"
		admin := redis.NewClient(&o)
		return errors.Join(admin.ConfigSet(ctx, "requirepass", "").Err(), admin.Close())
	}))
}

// absent starts everything without a Redis.
func absent(ctx context.Context, w *World) error {
	if err := w.Redis.Kill(); err != nil {
		return err
	}
	for _, n := range w.Nodes() {
		if err := n.Restart(ctx, 0); err != nil {
			return fmt.Errorf("%s does not start without Redis: %w", n.Name, err)
		}
	}
	return errors.Join(world.Pause(ctx, w.Chance.Between(time.Second, 5*time.Second)), w.Redis.Start(ctx))
}
