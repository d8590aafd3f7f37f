package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func popOrder(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	must(rdb.RPush(ctx, "low", "3").Result())(t)
	must(rdb.RPush(ctx, "high", "1", "2").Result())(t)
	for _, want := range [][]string{{"high", "1"}, {"high", "2"}, {"low", "3"}} {
		equal(t, "BLPOP", must(rdb.BLPop(ctx, testTimeout, "high", "none", "low").Result())(t), want)
	}
}

func popWaits(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	for _, key := range []string{"low", "high", "low"} {
		popped := goPop(ctx, rdb, testTimeout)
		// The push must arrive, whether the pop starts before it or after.
		must(rdb.RPush(ctx, key, "x").Result())(t)
		got := <-popped
		if got.err != nil {
			t.Fatal(got.err)
		}
		equal(t, "BLPOP", got.val, []string{key, "x"})
	}
}

func popTimeout(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	start := time.Now()
	_, err := rdb.BLPop(ctx, time.Second, "high", "low").Result()
	if !errors.Is(err, redis.Nil) {
		t.Fatalf("BLPOP: %v, want redis.Nil", err)
	}
	if took := time.Since(start); took < 900*time.Millisecond {
		t.Fatalf("BLPOP gave up after %v of 1s", took)
	}
}

func popOnce(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	const poppers, elements = 4, 200
	var mu sync.Mutex
	var got []string
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for range poppers {
		wg.Go(func() {
			for ctx.Err() == nil {
				v, err := rdb.BLPop(ctx, time.Second, "high", "low").Result()
				if err != nil {
					continue
				}
				mu.Lock()
				if got = append(got, v[1]); len(got) == elements {
					cancel()
				}
				mu.Unlock()
			}
		})
	}
	want := make([]string, elements)
	for i := range want {
		want[i] = fmt.Sprintf("%03d", i)
		must(rdb.RPush(ctx, []string{"high", "low"}[i%2], want[i]).Result())(t)
	}
	wg.Wait()
	slices.Sort(got)
	equal(t, "elements", got, want)
}

type popped struct {
	val []string
	err error
}

func goPop(ctx context.Context, rdb *redis.Client, timeout time.Duration) <-chan popped {
	out := make(chan popped, 1)
	go func() {
		v, err := rdb.BLPop(ctx, timeout, "high", "low").Result()
		out <- popped{v, err}
	}()
	return out
}

func subscribe(t *testing.T, ctx context.Context, rdb *redis.Client, channels ...string) *redis.PubSub {
	t.Helper()
	sub := rdb.Subscribe(ctx, channels...)
	t.Cleanup(func() {
		if err := sub.Close(); err != nil {
			t.Errorf("close the subscription: %v", err)
		}
	})
	for range channels {
		confirmed(t, ctx, sub, "subscribe")
	}
	return sub
}

func confirmed(t *testing.T, ctx context.Context, sub *redis.PubSub, kind string) {
	t.Helper()
	m, err := sub.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := m.(*redis.Subscription); !ok || c.Kind != kind {
		t.Fatalf("got %#v, want the confirmation of %s", m, kind)
	}
}

func receive(t *testing.T, ctx context.Context, sub *redis.PubSub) *redis.Message {
	t.Helper()
	m, err := sub.ReceiveMessage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func pubsub(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	equal(t, "receivers before", must(rdb.Publish(ctx, "c", "early").Result())(t), 0)
	subs := []*redis.PubSub{subscribe(t, ctx, rdb, "c"), subscribe(t, ctx, rdb, "other", "c")}
	const n = 500
	for i := range n {
		equal(t, "receivers", must(rdb.Publish(ctx, "c", i).Result())(t), 2)
	}
	for _, sub := range subs {
		for i := range n {
			m := receive(t, ctx, sub)
			equal(t, "message", m.Channel+" "+m.Payload, fmt.Sprint("c ", i))
		}
	}
}

func unsubscribe(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	sub := subscribe(t, ctx, rdb, "a", "b")
	if err := sub.Unsubscribe(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	confirmed(t, ctx, sub, "unsubscribe")
	equal(t, "receivers of a", must(rdb.Publish(ctx, "a", "1").Result())(t), 0)
	equal(t, "receivers of b", must(rdb.Publish(ctx, "b", "2").Result())(t), 1)
	equal(t, "message", receive(t, ctx, sub).Payload, "2")
}

func manyChannels(t *testing.T, o *redis.Options) {
	ctx, rdb := client(t, o)
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("channel %d", i)
	}
	sub := subscribe(t, ctx, rdb, names...)
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, name := range names {
			p.Publish(ctx, name, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		m := receive(t, ctx, sub)
		equal(t, "message", m.Channel+" "+m.Payload, name+" "+name)
	}
}
