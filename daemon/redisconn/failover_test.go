package redisconn_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chat/daemon/redisconn"
	"chat/internal/poll"
	"chat/internal/services"
)

// After a failover commands reach the new master at once, not after the ten seconds for which
// go-redis believes what it knows.
func TestCommandsFindANewMasterOfACluster(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*services.RedisCluster, *services.RedisServer) error{
		"killed":    func(_ *services.RedisCluster, master *services.RedisServer) error { return master.Kill() },
		"frozen":    func(_ *services.RedisCluster, master *services.RedisServer) error { return master.Pause() },
		"separated": func(c *services.RedisCluster, master *services.RedisServer) error { c.Separate(master); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := services.StartRedisCluster(t, 3)
			address, err := redisconn.Parse(cluster.URL() + "?read_timeout=500ms")
			if err != nil {
				t.Fatal(err)
			}
			client := address.Open(4)
			t.Cleanup(func() { _ = client.Close() })
			push := func() error {
				_, err := client.Pipelined(t.Context(), func(p redis.Pipeliner) error {
					p.RPush(t.Context(), "key", "value")
					return nil
				})
				return err
			}
			if err := push(); err != nil {
				t.Fatal(err)
			}
			server, err := client.ServerOf(t.Context(), "key")
			if err != nil {
				t.Fatal(err)
			}
			for i, master := range cluster.Nodes[:3] {
				if master.Addr() != server.Options().Addr {
					continue
				}
				if err := fail(cluster, master); err != nil {
					t.Fatal(err)
				}
				if !poll.Until(30*time.Second, func() bool { return cluster.IsMaster(t.Context(), cluster.Nodes[3+i]) }) {
					t.Fatal("the replica was not promoted")
				}
			}
			if !poll.Until(3*time.Second, func() bool { return push() == nil }) {
				t.Errorf("commands still go to the old master after 3 s: %v", push())
			}
		})
	}
}
