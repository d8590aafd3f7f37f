package services

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// sentinels is how many Sentinels watch a server. Two of them decide.
const sentinels = 3

// SentinelMaster is the name by which the Sentinels know the server that they watch.
const SentinelMaster = "main"

// RedisSentinel is a Redis server with a replica, which Sentinels put in its place when it
// fails.
type RedisSentinel struct {
	Servers   []*RedisServer // the first one begins as the master
	Sentinels []*RedisServer
}

// LaunchRedisSentinel starts the servers and the Sentinels, which work in dir, and waits until
// the Sentinels know each other and the replica. args are the servers'. The caller kills them.
func LaunchRedisSentinel(ctx context.Context, dir string, f Front, args ...string) (*RedisSentinel, error) {
	s := &RedisSentinel{}
	err := s.start(ctx, dir, f, args)
	if err != nil {
		return nil, errors.Join(err, s.Kill())
	}
	return s, nil
}

func (s *RedisSentinel) start(ctx context.Context, dir string, f Front, args []string) error {
	for i := range 2 {
		// The Sentinels write into the file which server replicates which, so that a server that
		// starts again is what they made it.
		own := filepath.Join(dir, fmt.Sprintf("redis-%d", i))
		if err := os.Mkdir(own, 0o700); err != nil {
			return err
		}
		config := filepath.Join(own, "redis.conf")
		text := "save \"\"\nappendonly no\nrepl-diskless-sync-delay 0\nrdb-del-sync-files yes\n"
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			return err
		}
		one, err := launchRedis(ctx, own, config, args...)
		if err != nil {
			return err
		}
		s.Servers = append(s.Servers, one)
		if err := one.announce(ctx, "replica", f); err != nil {
			return err
		}
	}
	master := s.Servers[0]
	for _, command := range [][]any{{"REPLICAOF", "127.0.0.1", master.announced}, {"CONFIG", "REWRITE"}} {
		if _, err := s.Servers[1].Do(ctx, command...); err != nil {
			return err
		}
	}
	for i := range sentinels {
		config := filepath.Join(dir, fmt.Sprintf("sentinel-%d.conf", i))
		text := fmt.Sprintf("sentinel monitor %[1]s 127.0.0.1 %[2]d 2\nsentinel down-after-milliseconds %[1]s 1000\nsentinel failover-timeout %[1]s 3000\n",
			SentinelMaster, master.announced)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			return err
		}
		one, err := launchRedis(ctx, dir, config, "--sentinel")
		if err != nil {
			return err
		}
		s.Sentinels = append(s.Sentinels, one)
	}
	return s.Ready(ctx)
}

// Ready waits until each Sentinel could replace the master.
func (s *RedisSentinel) Ready(ctx context.Context) error {
	for _, one := range s.Sentinels {
		if err := one.proc.Ready(ctx, one.knowsAll); err != nil {
			return err
		}
	}
	return nil
}

// knowsAll reports whether a Sentinel can replace the master.
func (s *RedisServer) knowsAll(ctx context.Context) error {
	rdb := redis.NewSentinelClient(s.Options())
	state, err := rdb.Master(ctx, SentinelMaster).Result()
	replicas, also := rdb.Replicas(ctx, SentinelMaster).Result()
	if err = errors.Join(err, also, rdb.Close()); err != nil {
		return err
	}
	if state["num-other-sentinels"] != fmt.Sprint(sentinels-1) || state["flags"] != "master" ||
		len(replicas) != 1 || replicas[0]["flags"] != "slave" || replicas[0]["master-link-status"] != "ok" {
		return fmt.Errorf("a Sentinel does not know all yet: %v %v", state, replicas)
	}
	return nil
}

// Names reports whether all Sentinels name the server at addr (host:port) as the master.
func (s *RedisSentinel) Names(ctx context.Context, addr string) (bool, error) {
	for _, one := range s.Sentinels {
		rdb := redis.NewSentinelClient(one.Options())
		at, err := rdb.GetMasterAddrByName(ctx, SentinelMaster).Result()
		if err = errors.Join(err, rdb.Close()); err != nil || strings.Join(at, ":") != addr {
			return false, err
		}
	}
	return true, nil
}

// Addrs are the addresses of the Sentinels.
func (s *RedisSentinel) Addrs() []string {
	var all []string
	for _, one := range s.Sentinels {
		all = append(all, one.Addr())
	}
	return all
}

// URL is the redis+sentinel:// URL of the watched server.
func (s *RedisSentinel) URL() string {
	return "redis+sentinel://" + strings.Join(s.Addrs(), ",") + "/" + SentinelMaster
}

// Kill ends all servers and Sentinels immediately.
func (s *RedisSentinel) Kill() error {
	var err error
	for _, one := range append(s.Sentinels, s.Servers...) {
		err = errors.Join(err, one.Kill())
	}
	return err
}

// StartRedisSentinel starts a watched server for this test alone, with more command line
// arguments if needed. It ends with the test; its processes may be killed before.
func StartRedisSentinel(t testing.TB, args ...string) *RedisSentinel {
	t.Helper()
	Tool(t, "redis-server")
	s, err := LaunchRedisSentinel(t.Context(), t.TempDir(), nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Errorf("end Redis and its Sentinels: %v", err)
		}
	})
	return s
}
