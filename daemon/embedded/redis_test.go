package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chat/daemon/embedded/enginetest"
	"chat/internal/leaks"
)

func TestMain(m *testing.M) { leaks.Verify(m) }

const testTimeout = 20 * time.Second

func start(t testing.TB, o Options) *Redis {
	t.Helper()
	r, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

func connect(t testing.TB, o *redis.Options) *redis.Client {
	t.Helper()
	c := redis.NewClient(o)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close the client: %v", err)
		}
	})
	return c
}

func TestTheEmbeddedEngineBehavesLikeRedis(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) *redis.Options {
		return start(t, Options{Tick: 10 * time.Millisecond}).Options()
	})
}

func TestASubscriberThatStopsReadingIsCutAndDelaysNoOne(t *testing.T) {
	r := start(t, Options{OutputLimit: 256 << 10})
	ctx, rdb := t.Context(), connect(t, r.Options())

	sub := rdb.Subscribe(ctx, "c")
	defer func() {
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := sub.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	message := strings.Repeat("x", 16<<10)
	limit, sent := time.Now().Add(testTimeout), 0
	for rdb.PubSubNumSub(ctx, "c").Val()["c"] > 0 {
		if time.Now().After(limit) {
			t.Fatal("the subscriber was not cut")
		}
		if err := rdb.Publish(ctx, "c", message).Err(); err != nil {
			t.Fatalf("publish to a subscriber that does not read: %v", err)
		}
		sent += len(message)
	}
	if sent < 256<<10 {
		t.Errorf("cut after %d bytes, below the limit", sent)
	}
	// The error of the subscriber's connection, after its buffer is empty.
	var err error
	for err == nil {
		_, err = sub.ReceiveMessage(ctx)
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the subscriber saw %v, want a reset connection", err)
	}
	if m := resubscribed(t, ctx, sub); m.Kind != "subscribe" {
		t.Errorf("after the cut: %v, want a new subscription", m)
	}
}

func resubscribed(t *testing.T, ctx context.Context, sub *redis.PubSub) *redis.Subscription {
	t.Helper()
	m, err := sub.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := m.(*redis.Subscription)
	if !ok {
		t.Fatalf("got %T", m)
	}
	return s
}

func TestALateReconnectAfterCloseIsAnError(t *testing.T) {
	r := start(t, Options{})
	o := r.Options()
	o.MaxRetries, o.DialerRetries = -1, 1
	rdb := connect(t, o)
	if err := rdb.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 { // connect while the engine closes
		wg.Go(func() {
			c := redis.NewClient(o)
			for c.Ping(t.Context()).Err() == nil {
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if _, err := o.Dialer(t.Context(), "", ""); !errors.Is(err, ErrClosed) {
		t.Errorf("dial after close: %v, want ErrClosed", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestCloseEndsBlockedCommandsAndSubscriptions(t *testing.T) {
	for range 50 { // miniredis has a race here, see end
		r, err := Start(Options{})
		if err != nil {
			t.Fatal(err)
		}
		o := r.Options()
		o.MaxRetries, o.DialerRetries = -1, 1
		rdb := connect(t, o)
		sub := rdb.Subscribe(t.Context(), "c")
		if _, err := sub.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
		popped := make(chan error, 1)
		go func() { popped <- rdb.BLPop(t.Context(), 0, "queue").Err() }()
		if err := rdb.RPush(t.Context(), "other", "x").Err(); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-popped; err == nil {
			t.Fatal("a blocked pop of a closed engine succeeded")
		}
		if _, err := sub.ReceiveMessage(t.Context()); err == nil {
			t.Fatal("a subscription to a closed engine received a message")
		}
		if err := sub.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEnginesShareNothing(t *testing.T) {
	ctx := t.Context()
	a, b := connect(t, start(t, Options{}).Options()), connect(t, start(t, Options{}).Options())
	if err := a.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n := b.Exists(ctx, "k").Val(); n != 0 {
		t.Error("a key of one engine is in another")
	}
}

func TestVersionsOfExpiredKeysAreSwept(t *testing.T) {
	r := start(t, Options{Tick: 10 * time.Millisecond})
	ctx, rdb := t.Context(), connect(t, r.Options())
	if err := rdb.RPush(ctx, "alive", "x").Err(); err != nil {
		t.Fatal(err)
	}
	const n = 1000
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range n {
			p.RPush(ctx, fmt.Sprint("stream:", i), "x")
			p.PExpire(ctx, fmt.Sprint("stream:", i), time.Millisecond)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	limit := time.Now().Add(testTimeout)
	for rdb.DBSize(ctx).Val() != 1 {
		if time.Now().After(limit) {
			t.Fatal("the keys did not expire")
		}
	}
	var s sweeper
	if got := s.sweep(r.engine); got != 0 {
		t.Errorf("the first sweep removed %d names; a transaction could still watch them", got)
	}
	if got := s.sweep(r.engine); got != n {
		t.Errorf("the second sweep removed %d names, want %d: has miniredis renamed its maps?", got, n)
	}
	if got := rdb.LRange(ctx, "alive", 0, -1).Val(); len(got) != 1 {
		t.Errorf("the list has %v", got)
	}
	if got := s.sweep(r.engine); got != 0 {
		t.Errorf("a third sweep removed %d names, want none", got)
	}
}

func TestDialHonoursItsContext(t *testing.T) {
	r := start(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Options().Dialer(ctx, "", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("dial: %v, want canceled", err)
	}
}

func TestARequestOfAnyLengthWaitsForRoom(t *testing.T) {
	client, engine := newPipe(1 << 10)
	want := strings.Repeat("0123456789", (requestLimit*3)/10)
	go func() {
		if n, err := io.WriteString(client, want); n != len(want) || err != nil {
			t.Errorf("write: %d bytes, %v", n, err)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}()
	got, err := io.ReadAll(engine)
	if err != nil || string(got) != want {
		t.Errorf("read %d bytes, %v; want %d", len(got), err, len(want))
	}
}
