package services

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// slots is the number of hash slots of a Redis Cluster.
const slots = 16384

// RedisCluster is a Redis Cluster on loopback ports: masters that share the hash slots, and
// replicas of them.
type RedisCluster struct {
	// Nodes are the masters and then as many replicas, node n+len/2 that of node n, as they
	// were when the cluster began.
	Nodes []*RedisServer

	dir   string
	front Front
	args  []string // of each node
	buses buses
}

// LaunchRedisCluster starts a cluster that works in dir and waits until all of its nodes
// agree. The caller kills it.
func LaunchRedisCluster(ctx context.Context, dir string, masters int, f Front, args ...string) (*RedisCluster, error) {
	c := &RedisCluster{dir: dir, front: f, args: args}
	err := c.start(ctx, masters)
	if err != nil {
		return nil, errors.Join(err, c.Kill())
	}
	return c, nil
}

func (c *RedisCluster) start(ctx context.Context, masters int) error {
	for range 2 * masters {
		if err := c.launchNode(ctx); err != nil {
			return err
		}
	}
	for i := range masters {
		if err := c.do(ctx, i, "CLUSTER", "ADDSLOTSRANGE", i*slots/masters, (i+1)*slots/masters-1); err != nil {
			return err
		}
	}
	for i := range c.Nodes {
		if err := c.do(ctx, i, "CLUSTER", "SET-CONFIG-EPOCH", i+1); err != nil {
			return err
		}
	}
	for i := range c.Nodes[1:] {
		if err := c.meet(ctx, i+1); err != nil {
			return err
		}
	}
	for i := range masters {
		if err := c.replicate(ctx, masters+i, i); err != nil {
			return err
		}
	}
	return c.Ready(ctx)
}

// Ready waits until all nodes agree, and each replica has the data of its master.
func (c *RedisCluster) Ready(ctx context.Context) error {
	for i, n := range c.Nodes {
		if err := n.proc.Ready(ctx, func(ctx context.Context) error { return c.agrees(ctx, i) }); err != nil {
			return err
		}
	}
	return nil
}

// AddNode starts one more node, a master without slots and without a replica, and waits until
// all nodes agree.
func (c *RedisCluster) AddNode(ctx context.Context) (*RedisServer, error) {
	if err := c.launchNode(ctx); err != nil {
		return nil, err
	}
	i := len(c.Nodes) - 1
	return c.Nodes[i], errors.Join(c.meet(ctx, i), c.Ready(ctx))
}

// meet makes the first node and another one know each other, and thereby all.
func (c *RedisCluster) meet(ctx context.Context, i int) error {
	n := c.Nodes[i]
	return c.do(ctx, 0, "CLUSTER", "MEET", "127.0.0.1", n.announced, n.announcedBus)
}

// launchNode starts a node that belongs to no cluster yet.
func (c *RedisCluster) launchNode(ctx context.Context) error {
	bus, err := FreePort(ctx)
	if err != nil {
		return err
	}
	own := filepath.Join(c.dir, strconv.Itoa(bus))
	if err := os.Mkdir(own, 0o700); err != nil {
		return err
	}
	n, err := LaunchRedis(ctx, own, append([]string{
		"--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus), "--cluster-node-timeout", "2000",
		"--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0", "--rdb-del-sync-files", "yes",
	}, c.args...)...)
	if err != nil {
		return err
	}
	n.bus = bus
	c.Nodes = append(c.Nodes, n)
	if err := n.announce(ctx, "cluster", c.front); err != nil {
		return err
	}
	if n.announcedBus, err = c.buses.open(ctx, n.announced, n.bus); err != nil {
		return err
	}
	return n.configure(ctx, "cluster-announce-bus-port", n.announcedBus)
}

// Separate cuts a node off from the other nodes, but not from its clients, until Join. A replica
// keeps its connection to its master.
func (c *RedisCluster) Separate(n *RedisServer) { c.buses.separate(n.announced) }

// Join ends what Separate began.
func (c *RedisCluster) Join() { c.buses.separate(0) }

// replicate makes one node the replica of another, which it has to know first.
func (c *RedisCluster) replicate(ctx context.Context, replica, master int) error {
	id, err := c.ask(ctx, master, "CLUSTER", "MYID")
	if err != nil {
		return err
	}
	return c.Nodes[replica].proc.Ready(ctx, func(ctx context.Context) error { return c.do(ctx, replica, "CLUSTER", "REPLICATE", id) })
}

// agrees reports whether a node knows all others, and its replica or its master has its data.
func (c *RedisCluster) agrees(ctx context.Context, i int) error {
	info, err := c.ask(ctx, i, "CLUSTER", "INFO")
	if err != nil {
		return err
	}
	for _, want := range []string{"cluster_state:ok", fmt.Sprintf("cluster_known_nodes:%d", len(c.Nodes))} {
		if !strings.Contains(info, want) {
			return fmt.Errorf("node %d: no %s in %q", i, want, info)
		}
	}
	replication, err := c.ask(ctx, i, "INFO", "replication")
	if err == nil && strings.Contains(replication, "role:slave") && !strings.Contains(replication, "master_link_status:up") {
		err = fmt.Errorf("node %d: no replication in %q", i, replication)
	}
	return err
}

func (c *RedisCluster) do(ctx context.Context, i int, args ...any) error {
	_, err := c.ask(ctx, i, args...)
	return err
}

// ask sends a command to a node and returns its reply as text.
func (c *RedisCluster) ask(ctx context.Context, i int, args ...any) (string, error) {
	return c.Nodes[i].Do(ctx, args...)
}

// IsMaster reports whether a node is a master in its own view. One that does not respond is none.
func (c *RedisCluster) IsMaster(ctx context.Context, n *RedisServer) bool {
	info, err := n.Do(ctx, "INFO", "replication")
	return err == nil && strings.Contains(info, "role:master")
}

// Addrs are the addresses of all nodes, as the nodes name them.
func (c *RedisCluster) Addrs() []string {
	var all []string
	for _, n := range c.Nodes {
		all = append(all, n.announcedAddr())
	}
	return all
}

// URL is the cluster's redis+cluster:// URL.
func (c *RedisCluster) URL() string { return "redis+cluster://" + strings.Join(c.Addrs(), ",") }

// Kill ends all nodes immediately, for good.
func (c *RedisCluster) Kill() error {
	var err error
	for _, n := range c.Nodes {
		err = errors.Join(err, n.Kill())
	}
	c.buses.close()
	return err
}

// StartRedisCluster starts a cluster for this test alone, with more command line arguments if
// needed. It ends with the test; its nodes may be killed before.
func StartRedisCluster(t testing.TB, masters int, args ...string) *RedisCluster {
	t.Helper()
	Tool(t, "redis-server")
	c, err := LaunchRedisCluster(t.Context(), t.TempDir(), masters, nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Kill(); err != nil {
			t.Errorf("end the Redis Cluster: %v", err)
		}
	})
	return c
}
