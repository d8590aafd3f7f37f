package wakeup_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/embedded"
	"chat/daemon/keys"
	"chat/daemon/redisconn"
	"chat/daemon/wakeup"
	"chat/internal/leaks"
	"chat/internal/poll"
	"chat/internal/services"
)

func TestMain(m *testing.M) { leaks.Verify(m) }

// maxWakeups is the documented bound of each list.
const maxWakeups = 10_000

// immediate is how long a call that must not wait may take on a busy machine.
const immediate = 800 * time.Millisecond

// harness is a set of lists, and a client that sees them.
type harness struct {
	*wakeup.Lists
	rdb redis.UniversalClient
}

func (h *harness) queue(p chat.Priority) string {
	_, cluster := h.rdb.(*redis.ClusterClient)
	return keys.Names{Tagged: cluster}.Queue(p)
}

func open(t *testing.T, o *redis.Options, timeout time.Duration) *harness {
	t.Helper()
	o.MaxRetries = -1
	o.ContextTimeoutEnabled = true
	rdb := redis.NewClient(o)
	return openOn(t, redisconn.Of(rdb), rdb, timeout)
}

func openOn(t *testing.T, c *redisconn.Client, rdb redis.UniversalClient, timeout time.Duration) *harness {
	t.Helper()
	q := wakeup.New(c, timeout)
	t.Cleanup(func() {
		if err := errors.Join(q.Close(), rdb.Close()); err != nil {
			t.Error(err)
		}
	})
	return &harness{q, rdb}
}

func (h *harness) notify(t *testing.T, p chat.Priority, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := h.Notify(t.Context(), p, id); err != nil {
			t.Fatal(err)
		}
	}
}

func (h *harness) waiting(t *testing.T, p chat.Priority) []string {
	t.Helper()
	ids, err := h.rdb.LRange(t.Context(), h.queue(p), 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

var checks = map[string]func(*testing.T, *harness){
	"the most urgent wake-up comes first, each priority in order": func(t *testing.T, h *harness) {
		h.notify(t, chat.PriorityBackground, "b1", "b2")
		h.notify(t, chat.PriorityNormal, "n1", "n2")
		h.notify(t, chat.PriorityUrgent, "u1", "u2")
		var got []string
		for range 6 {
			id, err := h.Wait(t.Context(), time.Second)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, id)
		}
		if want := []string{"u1", "u2", "n1", "n2", "b1", "b2"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	},
	"a wake-up ends a wait": func(t *testing.T, h *harness) {
		got := make(chan string, 1)
		go func() {
			id, err := h.Wait(t.Context(), 10*time.Second)
			got <- id + fmt.Sprint(err)
		}()
		h.blocked(t)
		began := time.Now()
		h.notify(t, chat.PriorityNormal, "t1")
		if got := <-got; got != "t1<nil>" || time.Since(began) > immediate {
			t.Errorf("got %s after %s", got, time.Since(began))
		}
	},
	"a wait without a wake-up ends after its time": func(t *testing.T, h *harness) {
		began := time.Now()
		id, err := h.Wait(t.Context(), time.Second)
		if took := time.Since(began); id != "" || err != nil || took < 900*time.Millisecond || took > 3*time.Second {
			t.Errorf("Wait returned %q, %v after %s", id, err, took)
		}
	},
	"the end of the context ends a wait immediately, and nothing else": func(t *testing.T, h *harness) {
		why := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := h.Wait(ctx, 30*time.Second)
			ended <- err
		}()
		h.blocked(t)
		began := time.Now()
		cancel(why)
		if err := <-ended; !errors.Is(err, why) || time.Since(began) > immediate {
			t.Errorf("Wait ended with %v after %s", err, time.Since(began))
		}
		h.notify(t, chat.PriorityNormal, "t1") // through the shared client
		if got := h.waiting(t, chat.PriorityNormal); !slices.Equal(got, []string{"t1"}) {
			t.Errorf("waiting: %v: a wait that had ended received a wake-up", got)
		}
	},
	"a wait under an ended context does not wait": func(t *testing.T, h *harness) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		if _, err := h.Wait(ctx, 30*time.Second); !errors.Is(err, context.Canceled) || time.Since(began) > immediate {
			t.Errorf("Wait ended with %v after %s", err, time.Since(began))
		}
	},
	"draining removes the oldest wake-ups of one priority": func(t *testing.T, h *harness) {
		h.notify(t, chat.PriorityNormal, "n1", "n2", "n3")
		h.notify(t, chat.PriorityUrgent, "u1")
		for _, step := range []struct {
			n    int
			left []string
		}{{2, []string{"n3"}}, {5, nil}, {1, nil}} {
			if err := h.Discard(t.Context(), chat.PriorityNormal, step.n); err != nil {
				t.Fatal(err)
			}
			if got := h.waiting(t, chat.PriorityNormal); !slices.Equal(got, step.left) {
				t.Errorf("after %d more: %v, want %v", step.n, got, step.left)
			}
		}
		if got := h.waiting(t, chat.PriorityUrgent); len(got) != 1 {
			t.Errorf("urgent: %v", got)
		}
	},
	"only an empty list is notified": func(t *testing.T, h *harness) {
		h.notify(t, chat.PriorityNormal, "n1")
		tasks := []chat.Task{
			{ID: "n1", Priority: chat.PriorityNormal},
			{ID: "n2", Priority: chat.PriorityNormal},
			{ID: "b1", Priority: chat.PriorityBackground},
			{ID: "b2", Priority: chat.PriorityBackground},
		}
		for i, want := range []int{2, 0} {
			if n, err := h.NotifyIfEmpty(t.Context(), tasks); n != want || err != nil {
				t.Errorf("pass %d sent %d wake-ups (%v), want %d", i+1, n, err, want)
			}
		}
		if n, b := h.waiting(t, chat.PriorityNormal), h.waiting(t, chat.PriorityBackground); !slices.Equal(n, []string{"n1"}) || !slices.Equal(b, []string{"b1", "b2"}) {
			t.Errorf("normal %v, background %v", n, b)
		}
		if n, err := h.NotifyIfEmpty(t.Context(), nil); n != 0 || err != nil {
			t.Errorf("no tasks to notify for: %d, %v", n, err)
		}
	},
	"a list is bounded, and keeps its newest wake-ups": func(t *testing.T, h *harness) {
		ids := make([]any, maxWakeups)
		for i := range ids {
			ids[i] = fmt.Sprint(i)
		}
		if err := h.rdb.RPush(t.Context(), h.queue(chat.PriorityNormal), ids...).Err(); err != nil {
			t.Fatal(err)
		}
		h.notify(t, chat.PriorityNormal, "last")
		got := h.waiting(t, chat.PriorityNormal)
		if len(got) != maxWakeups || got[0] != "1" || got[len(got)-1] != "last" {
			t.Errorf("%d wake-ups, from %s to %s", len(got), got[0], got[len(got)-1])
		}
	},
	"a wait on closed lists is an error": func(t *testing.T, h *harness) {
		for range 2 {
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := h.Wait(t.Context(), time.Second); err == nil {
			t.Error("Wait on closed lists returned no error")
		}
	},
}

// blocked waits until a client blocks. The embedded engine does not report that; the test
// must pass there in either order.
func (h *harness) blocked(t *testing.T) {
	t.Helper()
	eventually(t, "a client blocks", func() bool {
		info, err := h.rdb.Info(t.Context(), "clients").Result()
		return err != nil || !strings.Contains(info, "blocked_clients:0")
	})
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	if !poll.Until(5*time.Second, cond) {
		t.Fatalf("timed out: %s", what)
	}
}

func TestEmbedded(t *testing.T) {
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine, err := embedded.Start(embedded.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = engine.Close() })
			check(t, open(t, engine.Options(), 0))
		})
	}
}

func TestRedis(t *testing.T) {
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, open(t, services.Redis(t), 0))
		})
	}
}

func TestCluster(t *testing.T) {
	cluster := services.StartRedisCluster(t, 3)
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs(), MaxRetries: -1, ContextTimeoutEnabled: true})
			if err := rdb.ForEachMaster(t.Context(), func(ctx context.Context, server *redis.Client) error { return server.FlushAll(ctx).Err() }); err != nil {
				t.Fatal(err)
			}
			check(t, openOn(t, redisconn.OfCluster(rdb, true), rdb, 0))
		})
	}
}

func TestAKilledRedisIsAnError(t *testing.T) {
	t.Parallel()
	server := services.StartRedis(t)
	h := open(t, server.Options(), 300*time.Millisecond)
	h.notify(t, chat.PriorityNormal, "t1")
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	h.allFail(t, time.Second)
	h.statisticsFail(t, time.Second)
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.worksAgain(t)
}

// A Redis that accepts connections and never replies must not delay a worker, which
// queries SQL instead.
func TestASilentRedisIsAnErrorInTime(t *testing.T) {
	t.Parallel()
	server := services.StartRedis(t)
	h := open(t, server.Options(), 300*time.Millisecond)
	h.notify(t, chat.PriorityNormal, "t1")
	if _, err := h.Wait(t.Context(), time.Second); err != nil {
		t.Fatal(err) // opens its connection
	}
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	h.allFail(t, 3*time.Second)
	h.statisticsFail(t, 3*time.Second)
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	h.worksAgain(t)
}

func (h *harness) allFail(t *testing.T, within time.Duration) {
	t.Helper()
	tasks := []chat.Task{{ID: "t1", Priority: chat.PriorityNormal}}
	for name, call := range map[string]func() error{
		"Notify":        func() error { return h.Notify(t.Context(), chat.PriorityNormal, "t1") },
		"NotifyIfEmpty": func() error { _, err := h.NotifyIfEmpty(t.Context(), tasks); return err },
		"Discard":       func() error { return h.Discard(t.Context(), chat.PriorityNormal, 1) },
		"Wait":          func() error { _, err := h.Wait(t.Context(), time.Second); return err },
	} {
		began := time.Now()
		if err := call(); err == nil || time.Since(began) > within {
			t.Errorf("%s: %v after %s", name, err, time.Since(began))
		}
	}
}

// worksAgain waits until the connection pools have noticed that Redis is back, which takes a second.
func (h *harness) worksAgain(t *testing.T) {
	t.Helper()
	eventually(t, "Notify succeeds", func() bool { return h.Notify(t.Context(), chat.PriorityUrgent, "t2") == nil })
	eventually(t, "Wait returns the wake-up", func() bool {
		id, _ := h.Wait(t.Context(), time.Second)
		return id == "t2"
	})
}
