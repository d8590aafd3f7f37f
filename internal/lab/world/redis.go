package world

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chat/internal/services"
)

// RedisKind is what the Redis of a world consists of.
type RedisKind string

// The kinds of Redis that REDIS_URL can name.
const (
	OneServer RedisKind = ""         // no replica
	Cluster   RedisKind = "cluster"  // three masters with one replica each
	Sentinel  RedisKind = "sentinel" // a master and its replica, which three Sentinels watch
)

// masters is how many a Cluster has.
const masters = 3

// Redis is all Redis servers of a world.
type Redis struct {
	Servers []*RedisServer // that hold data: masters and replicas
	// Client reaches the master of a key without a proxy.
	Client redis.UniversalClient

	cluster  *services.RedisCluster  // nil if Redis is none
	sentinel *services.RedisSentinel // nil if no Sentinel watches the server

	edges *edges
	mu    sync.Mutex
	real  map[string]string // the address of a server by that of its proxy
	found map[string]*Edge  // by the address of a server
}

// RedisServer is one Redis server of a world.
type RedisServer struct {
	*services.RedisServer
	// Edge is on the way to it, of chatd and of other servers.
	Edge *Edge
	// Admin reaches it without the proxy.
	Admin *redis.Client
}

// startRedis starts the Redis of a world.
func (w *World) startRedis(ctx context.Context) (err error) {
	r := &Redis{edges: w.edges, real: map[string]string{}, found: map[string]*Edge{}}
	w.Redis = r
	w.closers = append(w.closers, r.close)
	servers := []*services.RedisServer{}
	switch w.RedisKind {
	case Cluster:
		if r.cluster, err = services.LaunchRedisCluster(ctx, w.Dir, masters, r.front, w.RedisArgs...); err != nil {
			return err
		}
		servers = r.cluster.Nodes
		r.Client = redis.NewClusterClient(&redis.ClusterOptions{Addrs: r.cluster.Addrs(), Dialer: r.dial, ContextTimeoutEnabled: true})
	case Sentinel:
		if r.sentinel, err = services.LaunchRedisSentinel(ctx, w.Dir, r.front, w.RedisArgs...); err != nil {
			return err
		}
		servers = r.sentinel.Servers
		r.Client = redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: services.SentinelMaster, SentinelAddrs: r.sentinel.Addrs(), Dialer: r.dial, ContextTimeoutEnabled: true,
		})
	case OneServer:
		one, err := services.LaunchRedis(ctx, w.Dir, w.RedisArgs...)
		if err != nil {
			return err
		}
		servers = append(servers, one)
		if _, err := r.front(ctx, one.Addr()); err != nil {
			return errors.Join(err, one.Kill())
		}
		r.Client = redis.NewClient(admin(one))
	}
	for _, one := range servers {
		r.add(one)
	}
	return nil
}

func (r *Redis) add(one *services.RedisServer) *RedisServer {
	s := &RedisServer{RedisServer: one, Edge: r.found[one.Addr()], Admin: redis.NewClient(admin(one))}
	r.Servers = append(r.Servers, s)
	return s
}

// admin are the options of a client that tries again when a connection breaks: a Sentinel closes
// all connections to a server that it promotes.
func admin(one *services.RedisServer) *redis.Options {
	o := one.Options()
	o.ContextTimeoutEnabled = true
	return o
}

// front opens a proxy in front of a server.
func (r *Redis) front(ctx context.Context, addr string) (string, error) {
	e, err := r.edges.open(ctx, "→redis "+addr, addr)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.real[e.Addr()], r.found[addr] = addr, e
	return e.Addr(), nil
}

// dial connects to a server and not to the proxy whose address the server has named.
func (r *Redis) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	r.mu.Lock()
	if a, ok := r.real[addr]; ok {
		addr = a
	}
	r.mu.Unlock()
	d := net.Dialer{Timeout: 2 * time.Second}
	return d.DialContext(ctx, network, addr)
}

// redisURL is the REDIS_URL of a process, which gets a proxy of its own to each Sentinel.
func (w *World) redisURL(ctx context.Context, n *Node) (string, error) {
	switch r := w.Redis; {
	case r.cluster != nil:
		return r.cluster.URL(), nil
	case r.sentinel != nil:
		var hosts []string
		for _, addr := range r.sentinel.Addrs() {
			e, err := w.edges.open(ctx, n.Name+"→sentinel", addr)
			if err != nil {
				return "", err
			}
			n.Sentinels, hosts = append(n.Sentinels, e), append(hosts, e.Addr())
		}
		return "redis+sentinel://" + strings.Join(hosts, ",") + "/" + services.SentinelMaster, nil
	default:
		return "redis://" + r.Servers[0].Edge.Addr() + "/0", nil
	}
}

// Edges are the proxies in front of all servers.
func (r *Redis) Edges() []*Edge {
	var all []*Edge
	for _, s := range r.Servers {
		all = append(all, s.Edge)
	}
	return all
}

// Each calls do with each server.
func (r *Redis) Each(do func(*RedisServer) error) error {
	var errs []error
	for _, s := range r.Servers {
		errs = append(errs, do(s))
	}
	return errors.Join(errs...)
}

// Kill ends all servers. Their data is lost.
func (r *Redis) Kill() error { return r.Each(func(s *RedisServer) error { return s.Kill() }) }

// Start starts all servers and waits until they know their parts.
func (r *Redis) Start(ctx context.Context) error {
	return errors.Join(r.Each(func(s *RedisServer) error { return s.Start(ctx) }), r.Ready(ctx))
}

// Ready waits until all servers know their parts, and each replica has its master's data.
func (r *Redis) Ready(ctx context.Context) error {
	switch {
	case r.cluster != nil:
		return r.cluster.Ready(ctx)
	case r.sentinel != nil:
		return r.sentinel.Ready(ctx)
	}
	return nil
}

// Pause freezes all servers, and Resume lets them continue.
func (r *Redis) Pause() error { return r.Each(func(s *RedisServer) error { return s.Pause() }) }

// Resume lets all servers continue.
func (r *Redis) Resume() error { return r.Each(func(s *RedisServer) error { return s.Resume() }) }

// Sentinels are the Sentinels, if the world has some.
func (r *Redis) Sentinels() []*services.RedisServer {
	if r.sentinel == nil {
		return nil
	}
	return r.sentinel.Sentinels
}

// ReplaceMaster lets a Sentinel promote the replica although the master is well.
func (r *Redis) ReplaceMaster(ctx context.Context) error {
	_, err := r.sentinel.Sentinels[0].Do(ctx, "SENTINEL", "FAILOVER", services.SentinelMaster)
	return err
}

// AddNode adds a master without slots to a Cluster.
func (r *Redis) AddNode(ctx context.Context) (*RedisServer, error) {
	one, err := r.cluster.AddNode(ctx)
	if err != nil {
		return nil, err
	}
	return r.add(one), nil
}

// Masters are the servers that are masters in their own view.
func (r *Redis) Masters(ctx context.Context) ([]*RedisServer, error) {
	var all []*RedisServer
	err := r.Each(func(s *RedisServer) error {
		is, err := s.IsMaster(ctx)
		if is {
			all = append(all, s)
		}
		return err
	})
	return all, err
}

// IsMaster reports whether a server is a master in its own view.
func (s *RedisServer) IsMaster(ctx context.Context) (bool, error) {
	role, err := s.Admin.Do(ctx, "ROLE").Slice()
	return err == nil && role[0] == "master", err
}

// IsNamed reports whether all Sentinels, if there are some, name a server as the master.
func (r *Redis) IsNamed(ctx context.Context, s *RedisServer) (bool, error) {
	if r.sentinel == nil {
		return true, nil
	}
	return r.sentinel.Names(ctx, s.Edge.Addr())
}

// ReplicaOf is the replica of a master.
func (r *Redis) ReplicaOf(ctx context.Context, master *RedisServer) (*RedisServer, error) {
	for _, s := range r.Servers {
		role, err := s.Admin.Do(ctx, "ROLE").Slice()
		if err != nil {
			return nil, err
		}
		if role[0] == "slave" && fmt.Sprintf("%v:%v", role[1], role[2]) == master.Edge.Addr() {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%s has no replica", master.Addr())
}

// Separate cuts a node of a Cluster off from the other nodes, but not from its clients, until Join.
func (r *Redis) Separate(s *RedisServer) { r.cluster.Separate(s.RedisServer) }

// Join ends what Separate began.
func (r *Redis) Join() { r.cluster.Join() }

func (r *Redis) close() error {
	var errs []error
	if r.Client != nil {
		errs = append(errs, r.Client.Close())
	}
	for _, s := range r.Servers {
		errs = append(errs, s.Admin.Close())
	}
	switch {
	case r.cluster != nil:
		errs = append(errs, r.cluster.Kill())
	case r.sentinel != nil:
		errs = append(errs, r.sentinel.Kill())
	default:
		errs = append(errs, r.Kill())
	}
	return errors.Join(errs...)
}

// RedisKey is one key of Redis and what is left of its life.
type RedisKey struct {
	Name string
	TTL  time.Duration // negative: it lives for ever
}

// ReadRedis lists all keys. The embedded engine cannot be reached from outside.
func (w *World) ReadRedis(ctx context.Context) ([]RedisKey, error) {
	if w.Redis == nil {
		return nil, nil
	}
	names, err := w.Redis.Keys(ctx, "*")
	if err != nil {
		return nil, err
	}
	var out []RedisKey
	for _, name := range names {
		ttl, err := w.Redis.Client.PTTL(ctx, name).Result()
		if err != nil {
			return nil, err
		}
		if ttl != -2 { // gone meanwhile
			out = append(out, RedisKey{name, ttl})
		}
	}
	return out, nil
}

// Keys lists the keys of all masters that match a pattern.
func (r *Redis) Keys(ctx context.Context, pattern string) ([]string, error) {
	masters, err := r.Masters(ctx)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, s := range masters {
		some, err := s.Admin.Keys(ctx, pattern).Result()
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}
