package services

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"chat/internal/poll"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func dial(t *testing.T, o *redis.Options) *redis.Client {
	t.Helper()
	o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled = -1, 1, true
	c := redis.NewClient(o)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestEachTestHasItsOwnRedis(t *testing.T) {
	ctx := t.Context()
	a, b := dial(t, Redis(t)), dial(t, Redis(t))
	if err := a.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Exists(ctx, "k").Result(); n != 0 || err != nil {
		t.Errorf("the other server has %d of the key, %v", n, err)
	}
}

func TestKilledRedisRestartsEmptyAtTheSameAddress(t *testing.T) {
	ctx, s := t.Context(), StartRedis(t)
	c := dial(t, s.Options())
	if err := c.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Kill(), s.Kill()); err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(ctx).Err(); err == nil {
		t.Fatal("a killed server answers")
	}
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	again := dial(t, s.Options())
	if n, err := again.Exists(ctx, "k").Result(); n != 0 || err != nil {
		t.Errorf("after the restart: %d keys, %v", n, err)
	}
}

func TestPausedRedisAnswersLater(t *testing.T) {
	s := StartRedis(t)
	c := dial(t, s.Options())
	if err := errors.Join(c.Ping(t.Context()).Err(), s.Pause()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Ping(ctx).Err(); err == nil {
		t.Error("a paused server answers")
	}
	if err := errors.Join(s.Resume(), c.Ping(t.Context()).Err()); err != nil {
		t.Error(err)
	}
}

func TestRedisTakesMoreArguments(t *testing.T) {
	s := StartRedis(t, "--maxmemory", "1mb", "--requirepass", "secret")
	o := s.Options()
	o.Password = "secret"
	got, err := dial(t, o).ConfigGet(t.Context(), "maxmemory").Result()
	if err != nil || got["maxmemory"] != "1048576" {
		t.Errorf("maxmemory: %v, %v", got, err)
	}
}

func TestPostgresGivesEachTestADatabaseAndDropsIt(t *testing.T) {
	var url string
	t.Run("inner", func(t *testing.T) {
		url = Postgres(t)
		if other := Postgres(t); other == url {
			t.Error("two databases have the same name")
		}
		db := open(t, url)
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE t (x text)"); err != nil {
			t.Error(err)
		}
	})
	if err := open(t, url).PingContext(t.Context()); err == nil {
		t.Error("the database is still there after the test")
	}
}

func TestKilledPostgresRestartsWithCommittedData(t *testing.T) {
	ctx, s := t.Context(), StartPostgres(t)
	db := open(t, s.URL())
	if _, err := db.ExecContext(ctx, "CREATE TABLE t AS SELECT 42 AS x"); err != nil {
		t.Fatal(err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := db.PingContext(ctx); err == nil {
		t.Fatal("a killed server answers")
	}
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	var x int
	if err := db.QueryRowContext(ctx, "SELECT x FROM t").Scan(&x); err != nil || x != 42 {
		t.Errorf("after the restart: %d, %v", x, err)
	}
}

func TestServerThatCannotStartReportsReason(t *testing.T) {
	_, err := LaunchRedis(t.Context(), t.TempDir(), "--no-such-setting", "1")
	if err == nil {
		t.Fatal("it started")
	}
	t.Log(err)
}

func TestTheNpmPackagesAreInstalled(t *testing.T) {
	if _, err := os.Stat(filepath.Join(NodeModules(t), "eventsource", "package.json")); err != nil {
		t.Error(err)
	}
}

func open(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestAClusterHasMastersAndReplicas(t *testing.T) {
	c := StartRedisCluster(t, 3)
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs()})
	t.Cleanup(func() { _ = rdb.Close() })
	for i := range 100 {
		if err := rdb.Set(t.Context(), fmt.Sprint("key", i), i, time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	masters, keys := 0, int64(0)
	err := rdb.ForEachMaster(t.Context(), func(ctx context.Context, n *redis.Client) error {
		size, err := n.DBSize(ctx).Result()
		mu.Lock()
		defer mu.Unlock()
		masters, keys = masters+1, keys+size
		return err
	})
	if err != nil || masters != 3 || keys != 100 {
		t.Errorf("%d masters with %d keys: %v", masters, keys, err)
	}
}

func TestSentinelsReplaceAKilledMaster(t *testing.T) {
	s := StartRedisSentinel(t)
	rdb := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: SentinelMaster, SentinelAddrs: s.Addrs(), MaxRetries: -1})
	t.Cleanup(func() { _ = rdb.Close() })
	if err := rdb.Set(t.Context(), "key", "value", time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	if err := rdb.Do(t.Context(), "WAIT", 1, 5000).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Servers[0].Kill(); err != nil {
		t.Fatal(err)
	}
	if !poll.Until(30*time.Second, func() bool { return rdb.Set(t.Context(), "another", "value", time.Minute).Err() == nil }) {
		t.Fatal("no other server takes writes")
	}
	if got := rdb.Get(t.Context(), "key").Val(); got != "value" {
		t.Errorf("the replica has %q", got)
	}
}
