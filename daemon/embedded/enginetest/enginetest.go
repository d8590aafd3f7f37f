// Package enginetest is the conformance suite of Redis-compatible engines: what chat relies
// on. The embedded engine and a real Redis run the same tests.
package enginetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// testTimeout is how long a test waits before it fails.
const testTimeout = 20 * time.Second

// Run runs the suite. open returns the options of a client of an empty engine that no other
// test uses.
func Run(t *testing.T, open func(t *testing.T) *redis.Options) {
	checks := []struct {
		name string
		run  func(*testing.T, *redis.Options)
	}{
		{"a transaction replies in order and publishes what it pushed", transaction},
		{"a transaction whose watched key changed does nothing", watch},
		{"a push to a missing list with RPUSHX creates nothing", pushX},
		{"a command on the wrong type fails alone in a transaction", wrongType},
		{"LRANGE returns any bytes, from any index, past the end too", lrange},
		{"a hash returns what was set", hash},
		{"a blocking pop takes the first key that has an element", popOrder},
		{"a blocking pop waits for a push to any of its keys", popWaits},
		{"a blocking pop ends without an element after its timeout", popTimeout},
		{"each element wakes one blocking pop", popOnce},
		{"a key goes after its TTL, and a push keeps the TTL", expiry},
		{"DEL and FLUSHALL remove lists and their TTLs", flush},
		{"a confirmed subscription gets every message in order", pubsub},
		{"an unsubscribed channel is silent", unsubscribe},
		{"one connection subscribes to a thousand channels", manyChannels},
		{"a pipeline of three megabytes works", bigPipeline},
		{"a script runs atomically", script},
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

func client(t *testing.T, o *redis.Options) (context.Context, *redis.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	rdb := redis.NewClient(o)
	t.Cleanup(func() {
		cancel()
		if err := rdb.Close(); err != nil {
			t.Errorf("close the client: %v", err)
		}
	})
	return ctx, rdb
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
		t.Fatalf("%s: got %#v, want %#v", what, got, want)
	}
}

func transaction(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	sub := subscribe(t, ctx, rdb, "c")
	var length, receivers *redis.IntCmd
	var field *redis.StringCmd
	var set *redis.BoolCmd
	cmds, err := rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		field = p.HGet(ctx, "h", "absent")
		length = p.RPush(ctx, "l", "a", "b")
		receivers = p.Publish(ctx, "c", "a")
		set = p.PExpire(ctx, "l", time.Hour)
		return nil
	})
	if !errors.Is(err, redis.Nil) { // the first error of the commands
		t.Fatalf("transaction: %v, want redis.Nil of the absent field", err)
	}
	equal(t, "replies", len(cmds), 4)
	equal(t, "absent field", field.Err(), error(redis.Nil))
	equal(t, "length", length.Val(), 2)
	equal(t, "receivers", receivers.Val(), 1)
	equal(t, "TTL set", set.Val(), true)
	equal(t, "message", receive(t, ctx, sub).Payload, "a")
}

func watch(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	must(rdb.HSet(ctx, "h", "attempt", 1).Result())(t)
	err := rdb.Watch(ctx, func(tx *redis.Tx) error {
		must(rdb.HSet(ctx, "h", "attempt", 2).Result())(t)
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Del(ctx, "h")
			return nil
		})
		return err
	}, "h")
	equal(t, "error of the transaction", err, error(redis.TxFailedErr))
	equal(t, "attempt", must(rdb.HGet(ctx, "h", "attempt").Result())(t), "2")

	err = rdb.Watch(ctx, func(tx *redis.Tx) error {
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Del(ctx, "h")
			return nil
		})
		return err
	}, "h")
	equal(t, "error without a change", err, nil)
	equal(t, "keys", must(rdb.Exists(ctx, "h").Result())(t), 0)
}

func pushX(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	equal(t, "RPUSHX on nothing", must(rdb.RPushX(ctx, "l", "a").Result())(t), 0)
	equal(t, "keys", must(rdb.Exists(ctx, "l").Result())(t), 0)
	equal(t, "RPUSH", must(rdb.RPush(ctx, "l", "a").Result())(t), 1)
	equal(t, "RPUSHX", must(rdb.RPushX(ctx, "l", "b", "c").Result())(t), 3)
}

func wrongType(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	must(rdb.Set(ctx, "s", "text", 0).Result())(t)
	var bad, good *redis.IntCmd
	_, err := rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		bad = p.RPush(ctx, "s", "a")
		good = p.RPush(ctx, "l", "a")
		return nil
	})
	if err == nil || !strings.HasPrefix(bad.Err().Error(), "WRONGTYPE") {
		t.Fatalf("RPUSH to a string: %v, want WRONGTYPE", bad.Err())
	}
	equal(t, "the other push", good.Val(), 1)
}

func lrange(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	want := []string{"", "\r\n", "a\x00b", "\xff\xfe", "ünï€😀", "$5\r\n", strings.Repeat("x", 70_000)}
	must(rdb.RPush(ctx, "l", want).Result())(t)
	equal(t, "all", must(rdb.LRange(ctx, "l", 0, -1).Result())(t), want)
	equal(t, "from 5", must(rdb.LRange(ctx, "l", 5, -1).Result())(t), want[5:])
	equal(t, "2 to 3", must(rdb.LRange(ctx, "l", 2, 3).Result())(t), want[2:4])
	equal(t, "past the end", must(rdb.LRange(ctx, "l", 7, -1).Result())(t), []string{})
	equal(t, "of nothing", must(rdb.LRange(ctx, "none", 0, -1).Result())(t), []string{})
	equal(t, "length", must(rdb.LLen(ctx, "l").Result())(t), 7)
	equal(t, "length of nothing", must(rdb.LLen(ctx, "none").Result())(t), 0)
}

func hash(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	want := map[string]string{"status": "running", "attempt": "1", "finish_reason": ""}
	equal(t, "new fields", must(rdb.HSet(ctx, "h", want).Result())(t), 3)
	equal(t, "changed fields", must(rdb.HSet(ctx, "h", "attempt", 2).Result())(t), 0)
	want["attempt"] = "2"
	if got := must(rdb.HGetAll(ctx, "h").Result())(t); !maps.Equal(got, want) {
		t.Fatalf("HGETALL: got %v, want %v", got, want)
	}
	equal(t, "HGETALL of nothing", must(rdb.HGetAll(ctx, "none").Result())(t), map[string]string{})
}

func expiry(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	must(rdb.RPush(ctx, "l", "a").Result())(t)
	must(rdb.HSet(ctx, "h", "a", 1).Result())(t)
	must(rdb.RPush(ctx, "forever", "a").Result())(t)
	equal(t, "TTL without one", must(rdb.PTTL(ctx, "l").Result())(t), -1)
	equal(t, "TTL of nothing", must(rdb.PTTL(ctx, "none").Result())(t), -2)
	equal(t, "EXPIRE of nothing", must(rdb.PExpire(ctx, "none", time.Hour).Result())(t), false)
	equal(t, "EXPIRE", must(rdb.PExpire(ctx, "l", time.Hour).Result())(t), true)
	must(rdb.RPush(ctx, "l", "b").Result())(t)
	if ttl := must(rdb.PTTL(ctx, "l").Result())(t); ttl <= time.Hour-testTimeout || ttl > time.Hour {
		t.Fatalf("TTL after a push: %v, want about an hour", ttl)
	}
	must(rdb.PExpire(ctx, "l", 50*time.Millisecond).Result())(t)
	must(rdb.PExpire(ctx, "h", 50*time.Millisecond).Result())(t)
	for must(rdb.Exists(ctx, "l", "h").Result())(t) > 0 {
		if ctx.Err() != nil {
			t.Fatal("the keys are still there")
		}
	}
	equal(t, "the list is empty", must(rdb.LLen(ctx, "l").Result())(t), 0)
	equal(t, "other keys", must(rdb.Exists(ctx, "forever").Result())(t), 1)
	must(rdb.RPush(ctx, "l", "a").Result())(t)
	equal(t, "TTL of a list that came back", must(rdb.PTTL(ctx, "l").Result())(t), -1)
}

func flush(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	for _, remove := range []func() error{
		func() error { return rdb.Del(ctx, "l").Err() },
		func() error { return rdb.FlushAll(ctx).Err() },
	} {
		must(rdb.RPush(ctx, "l", "a").Result())(t)
		must(rdb.PExpire(ctx, "l", time.Hour).Result())(t)
		if err := remove(); err != nil {
			t.Fatal(err)
		}
		equal(t, "RPUSHX", must(rdb.RPushX(ctx, "l", "a").Result())(t), 0)
		must(rdb.RPush(ctx, "l", "a").Result())(t)
		equal(t, "TTL", must(rdb.PTTL(ctx, "l").Result())(t), -1)
	}
}

func bigPipeline(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	chunk := strings.Repeat("x", 1<<10)
	const n = 3 << 10
	cmds, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for range n {
			p.RPush(ctx, "l", chunk)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "replies", len(cmds), n)
	got := must(rdb.LRange(ctx, "l", 0, -1).Result())(t)
	equal(t, "entries", len(got), n)
	if slices.ContainsFunc(got, func(s string) bool { return s != chunk }) {
		t.Fatal("an entry is not what was pushed")
	}
}

func script(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	const src = `redis.call('RPUSH', KEYS[1], ARGV[1]) return redis.call('LLEN', KEYS[1])`
	s := redis.NewScript(src)
	for want := range 3 {
		equal(t, "reply", must(s.Run(ctx, rdb, []string{"l"}, "a").Int())(t), want+1)
	}
}
