package ratelimit

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/embedded"
	"chat/daemon/keys"
	"chat/daemon/model"
	"chat/internal/leaks"
	"chat/internal/services"
)

func TestMain(m *testing.M) { leaks.Verify(m) }

// counter counts the commands of a client.
type counter struct{ n atomic.Int64 }

func (*counter) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmd)
	}
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.n.Add(int64(len(cmds)))
		return next(ctx, cmds)
	}
}

// engines runs a test with the embedded engine and with a real Redis.
func engines(t *testing.T, test func(t *testing.T, o *redis.Options)) {
	t.Run("embedded", func(t *testing.T) {
		e, err := embedded.Start(embedded.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
		test(t, e.Options())
	})
	t.Run("redis", func(t *testing.T) { test(t, services.Redis(t)) })
}

func newLimiter(t *testing.T, o *redis.Options, worker string) (*Limiter, *counter) {
	t.Helper()
	options := *o
	options.MaxRetries, options.ContextTimeoutEnabled = -1, true
	options.PushNotificationProcessor = nil
	rdb := redis.NewClient(&options)
	t.Cleanup(func() { _ = rdb.Close() })
	c := &counter{}
	rdb.AddHook(c)
	return New(rdb, worker, slog.New(slog.DiscardHandler)), c
}

// acquire gets a turn, or fails the test.
func acquire(t *testing.T, l *Limiter) *Turn {
	t.Helper()
	turn, wait := l.Acquire(t.Context(), "b", chat.PriorityNormal, false)
	if turn == nil {
		t.Fatalf("a request has to wait for %s", wait)
	}
	return turn
}

// write writes what was observed, as Run does.
func (l *Limiter) write(t *testing.T) {
	t.Helper()
	for _, m := range l.all() {
		if err := l.flush(t.Context(), m, true); err != nil {
			t.Fatal(err)
		}
	}
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func exhaustedHeader() http.Header {
	return header("x-ratelimit-limit-requests", "10", "x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "1m0s")
}

func TestAProviderWithoutLimitsCostsOneRead(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o *redis.Options) {
		l, c := newLimiter(t, o, "w1")
		for range 100 {
			turn := acquire(t, l)
			turn.Responded(header("Content-Type", "text/event-stream"), model.Accepted, 0)
			turn.End(nil)
		}
		if n := c.n.Load(); n > 5 { // with the greeting of the connection
			t.Errorf("100 requests cost %d commands", n)
		}
		before := c.n.Load()
		for range 100 {
			acquire(t, l).End(nil)
		}
		l.write(t)
		if n := c.n.Load() - before; n != 1 {
			t.Errorf("100 more requests cost %d commands, want one", n)
		}
	})
}

func TestAnotherWorkerKnowsWhatOneLearnt(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o *redis.Options) {
		first, _ := newLimiter(t, o, "w1")
		second, _ := newLimiter(t, o, "w2")
		early, _ := newLimiter(t, o, "w3")
		acquire(t, early).End(nil) // before there was anything to know
		turn := acquire(t, first)
		turn.Responded(exhaustedHeader(), model.Accepted, 0)
		first.write(t)
		for _, l := range []*Limiter{first, second} {
			if turn, wait := l.Acquire(t.Context(), "b", chat.PriorityNormal, false); turn != nil || wait < 50*time.Second || wait > 70*time.Second {
				t.Errorf("%s may send, or has to wait for %s", l.worker, wait)
			}
		}
		early.write(t) // looks again
		if turn, _ := early.Acquire(t.Context(), "b", chat.PriorityNormal, false); turn != nil {
			t.Error("a worker that knew the bucket before does not know its limits")
		}
		if turn, _ := second.Acquire(t.Context(), "another", chat.PriorityNormal, false); turn == nil {
			t.Error("another bucket has the same limits")
		}
		turn.End(&chat.Usage{TotalTokens: 10})
		first.write(t)
		raw, err := first.rdb.Get(t.Context(), keys.Names{}.Limit("b")).Bytes()
		var b bucket
		if err != nil || json.Unmarshal(raw, &b) != nil || b.running() != 0 || b.Hold == 0 {
			t.Errorf("the bucket is %s, %v", raw, err)
		}
		if d := first.rdb.PTTL(t.Context(), keys.Names{}.Limit("b")).Val(); d <= 0 || d > ttl {
			t.Errorf("the bucket expires in %s", d)
		}
	})
}

func TestARefusalWithADelayStopsTheBucket(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o *redis.Options) {
		l, _ := newLimiter(t, o, "w1")
		turn := acquire(t, l)
		turn.Responded(header("Retry-After", "30"), model.Limited, 30*time.Second)
		turn.End(nil)
		l.write(t)
		if turn, wait := l.Acquire(t.Context(), "b", chat.PriorityUrgent, false); turn != nil || wait < 25*time.Second {
			t.Errorf("a request may be sent, or has to wait for %s", wait)
		}
	})
}

func TestRequestsGoWithoutRedis(t *testing.T) {
	t.Parallel()
	server := services.StartRedis(t)
	l, _ := newLimiter(t, server.Options(), "w1")
	turn := acquire(t, l)
	turn.Responded(exhaustedHeader(), model.Accepted, 0)
	l.write(t)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	acquire(t, l).End(nil)
	began := time.Now()
	for range 1000 {
		acquire(t, l).End(nil)
	}
	if d := time.Since(began); d > timeout {
		t.Errorf("1000 requests without Redis took %s", d)
	}
	turn.End(nil)
}

// Of a provider of which nothing is known, two requests are tried; each that is accepted allows
// another one.
func TestTheFirstContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Limiter{dirty: make(chan struct{}, 1), logger: slog.New(slog.DiscardHandler)}
		m := &meter{name: "b"}
		var turns []*Turn
		for range 2 {
			m.meet(t.Context())
			m.start()
			turns = append(turns, &Turn{limiter: l, meter: m, began: time.Now()})
		}
		var gone atomic.Int64
		for range 4 {
			go func() {
				m.meet(t.Context())
				m.start()
				gone.Add(1)
			}()
		}
		want := func(n int64, when string) {
			t.Helper()
			if synctest.Wait(); gone.Load() != n {
				t.Errorf("%s, %d went, want %d", when, gone.Load(), n)
			}
		}
		want(0, "before a response")
		turns[0].Responded(header(), model.Failed, 0)
		want(1, "after a failure, which makes room for one")
		turns[1].Responded(header(), model.Accepted, 0)
		want(3, "after one was accepted, which allows one more")
		time.Sleep(contactTimeout)
		want(4, "after the longest wait")
	})
}

// A worker that has died does not hold its requests for ever.
func TestADeadWorkerDoesNotCount(t *testing.T) {
	t.Parallel()
	b := &bucket{Parallel: parallel{Max: 2, Trial: second, At: 1 << 60}}
	now := 1000 * instant(second)
	b.report("dead", presence{Running: 2}, now)
	if due := b.admit(ask{worker: "w", now: now, rank: 1}); due == 0 {
		t.Error("a third request goes")
	}
	if due := b.admit(ask{worker: "w", now: now + instant(presenceTTL) + 1, rank: 1, waited: true}); due != 0 {
		t.Error("the requests of a dead worker count")
	}
}
