package chunklog_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"chat/daemon/chunklog"
	"chat/daemon/chunklog/chunklogtest"
	"chat/daemon/embedded"
	"chat/daemon/redisconn"
	"chat/internal/leaks"
	"chat/internal/services"

	"github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) { leaks.Verify(m) }

func TestEmbedded(t *testing.T) {
	chunklogtest.Run(t, func(t *testing.T) chunklogtest.Engine {
		engine, err := embedded.Start(embedded.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = engine.Close() })
		return chunklogtest.Engine{Client: connect(t, engine.Options())}
	})
}

func TestRedis(t *testing.T) {
	chunklogtest.Run(t, func(t *testing.T) chunklogtest.Engine {
		server := services.StartRedis(t)
		return administered(connect(t, server.Options()), connect(t, server.Options()))
	})
}

func TestCluster(t *testing.T) {
	cluster := services.StartRedisCluster(t, 3)
	connected := func(t *testing.T, sharded bool) *redisconn.Client {
		t.Helper()
		rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs(), MaxRetries: -1, ContextTimeoutEnabled: true})
		t.Cleanup(func() { _ = rdb.Close() })
		return redisconn.OfCluster(rdb, sharded)
	}
	for name, sharded := range map[string]bool{"sharded channels": true, "channels everywhere": false} {
		t.Run(name, func(t *testing.T) {
			chunklogtest.Run(t, func(t *testing.T) chunklogtest.Engine {
				admin := connected(t, sharded)
				everywhere(t, admin, func(ctx context.Context, server *redis.Client) error { return server.FlushAll(ctx).Err() })
				return administered(connected(t, sharded), admin)
			})
		})
	}
}

// everywhere calls do with each server.
func everywhere(t *testing.T, c *redisconn.Client, do func(context.Context, *redis.Client) error) {
	t.Helper()
	if err := c.Servers(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

// administered is an engine whose connections can be cut, and whose writes can be refused,
// through another client.
func administered(client, admin *redisconn.Client) chunklogtest.Engine {
	return chunklogtest.Engine{
		Client: client,
		KillConnections: func(t *testing.T) {
			t.Helper()
			for _, kind := range []string{"pubsub", "normal"} {
				everywhere(t, admin, func(ctx context.Context, server *redis.Client) error {
					return server.ClientKillByFilter(ctx, "TYPE", kind, "SKIPME", "yes").Err()
				})
			}
		},
		RefuseWrites: func(t *testing.T, refuse bool) {
			t.Helper()
			limit := "0" // none
			if refuse {
				limit = "1"
			}
			everywhere(t, admin, func(ctx context.Context, server *redis.Client) error {
				return errors.Join(server.ConfigResetStat(ctx).Err(), server.ConfigSet(ctx, "maxmemory", limit).Err())
			})
		},
	}
}

func TestSentinel(t *testing.T) {
	watched := services.StartRedisSentinel(t)
	chunklogtest.Run(t, func(t *testing.T) chunklogtest.Engine {
		rdb := redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: services.SentinelMaster, SentinelAddrs: watched.Addrs(), MaxRetries: -1, ContextTimeoutEnabled: true,
		})
		t.Cleanup(func() { _ = rdb.Close() })
		if err := rdb.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		return chunklogtest.Engine{Client: redisconn.Of(rdb)}
	})
}

// The statistics of a screen that polls must not wait for a Redis that is silent or gone.
func TestStatisticsOfAnUnreachableRedisAreAnErrorInTime(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*services.RedisServer) error{"paused": (*services.RedisServer).Pause, "killed": (*services.RedisServer).Kill} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const timeout = 300 * time.Millisecond
			server := services.StartRedis(t)
			log := chunklog.New(connect(t, server.Options()), chunklog.Options{Timeout: timeout})
			if _, err := log.Stats(t.Context(), []string{"t1"}); err != nil {
				t.Fatal(err) // opens its connection
			}
			if err := stop(server); err != nil {
				t.Fatal(err)
			}
			for range 2 { // with the open connection, and with a new one
				began := time.Now()
				stats, err := log.Stats(t.Context(), []string{"t1"})
				if took := time.Since(began); err == nil || took > 10*timeout {
					t.Errorf("%v, %v after %s", stats, err, took)
				}
			}
		})
	}
}
