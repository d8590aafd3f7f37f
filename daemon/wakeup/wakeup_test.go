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
	"chat/daemon/wakeup"
	"chat/internal/leaks"
	"chat/internal/poll"
	"chat/internal/services"
)

func TestMain(m *testing.M) { leaks.Verify(m) }

// maxWakeups is the stated bound of each list.
const maxWakeups = 10_000

// prompt is how long something that must not wait may take on a busy machine.
const prompt = 800 * time.Millisecond

var names keys.Names

// bench is a queue with a client beside it that sees the lists.
type bench struct {
	*wakeup.Lists
	rdb *redis.Client
}

func open(t *testing.T, o *redis.Options, timeout time.Duration) *bench {
	t.Helper()
	o.MaxRetries = -1
	o.ContextTimeoutEnabled = true
	rdb := redis.NewClient(o)
	q := wakeup.New(rdb, names, timeout)
	t.Cleanup(func() {
		if err := errors.Join(q.Close(), rdb.Close()); err != nil {
			t.Error(err)
		}
	})
	return &bench{q, rdb}
}

func (b *bench) notify(t *testing.T, p chat.Priority, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := b.Notify(t.Context(), p, id); err != nil {
			t.Fatal(err)
		}
	}
}

func (b *bench) waiting(t *testing.T, p chat.Priority) []string {
	t.Helper()
	ids, err := b.rdb.LRange(t.Context(), names.Queue(p), 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

var promises = map[string]func(*testing.T, *bench){
	"the most urgent wake-up comes first, each priority in order": func(t *testing.T, b *bench) {
		b.notify(t, chat.PriorityBackground, "b1", "b2")
		b.notify(t, chat.PriorityNormal, "n1", "n2")
		b.notify(t, chat.PriorityUrgent, "u1", "u2")
		var got []string
		for range 6 {
			id, err := b.Wait(t.Context(), time.Second)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, id)
		}
		if want := []string{"u1", "u2", "n1", "n2", "b1", "b2"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	},
	"a wake-up ends a wait": func(t *testing.T, b *bench) {
		got := make(chan string, 1)
		go func() {
			id, err := b.Wait(t.Context(), 10*time.Second)
			got <- id + fmt.Sprint(err)
		}()
		b.blocked(t)
		began := time.Now()
		b.notify(t, chat.PriorityNormal, "t1")
		if got := <-got; got != "t1<nil>" || time.Since(began) > prompt {
			t.Errorf("got %s after %s", got, time.Since(began))
		}
	},
	"a wait without a wake-up ends after its time": func(t *testing.T, b *bench) {
		began := time.Now()
		id, err := b.Wait(t.Context(), time.Second)
		if took := time.Since(began); id != "" || err != nil || took < 900*time.Millisecond || took > 3*time.Second {
			t.Errorf("Wait returned %q, %v after %s", id, err, took)
		}
	},
	"the end of the context ends a wait at once, and nothing else": func(t *testing.T, b *bench) {
		why := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := b.Wait(ctx, 30*time.Second)
			ended <- err
		}()
		b.blocked(t)
		began := time.Now()
		cancel(why)
		if err := <-ended; !errors.Is(err, why) || time.Since(began) > prompt {
			t.Errorf("Wait ended with %v after %s", err, time.Since(began))
		}
		b.notify(t, chat.PriorityNormal, "t1") // over the client it shares with others
		if got := b.waiting(t, chat.PriorityNormal); !slices.Equal(got, []string{"t1"}) {
			t.Errorf("waiting: %v: a wake-up was taken by a wait that had ended", got)
		}
	},
	"a wait under an ended context does not wait": func(t *testing.T, b *bench) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		if _, err := b.Wait(ctx, 30*time.Second); !errors.Is(err, context.Canceled) || time.Since(began) > prompt {
			t.Errorf("Wait ended with %v after %s", err, time.Since(began))
		}
	},
	"draining removes the oldest wake-ups of one priority": func(t *testing.T, b *bench) {
		b.notify(t, chat.PriorityNormal, "n1", "n2", "n3")
		b.notify(t, chat.PriorityUrgent, "u1")
		for _, step := range []struct {
			n    int
			left []string
		}{{2, []string{"n3"}}, {5, nil}, {1, nil}} {
			if err := b.Drain(t.Context(), chat.PriorityNormal, step.n); err != nil {
				t.Fatal(err)
			}
			if got := b.waiting(t, chat.PriorityNormal); !slices.Equal(got, step.left) {
				t.Errorf("after %d more: %v, want %v", step.n, got, step.left)
			}
		}
		if got := b.waiting(t, chat.PriorityUrgent); len(got) != 1 {
			t.Errorf("urgent: %v", got)
		}
	},
	"only an empty list is notified": func(t *testing.T, b *bench) {
		b.notify(t, chat.PriorityNormal, "n1")
		tasks := []chat.Task{
			{ID: "n1", Priority: chat.PriorityNormal},
			{ID: "n2", Priority: chat.PriorityNormal},
			{ID: "b1", Priority: chat.PriorityBackground},
			{ID: "b2", Priority: chat.PriorityBackground},
		}
		for i, want := range []int{2, 0} {
			if n, err := b.NotifyIfEmpty(t.Context(), tasks); n != want || err != nil {
				t.Errorf("pass %d rang %d times (%v), want %d", i+1, n, err, want)
			}
		}
		if n, b := b.waiting(t, chat.PriorityNormal), b.waiting(t, chat.PriorityBackground); !slices.Equal(n, []string{"n1"}) || !slices.Equal(b, []string{"b1", "b2"}) {
			t.Errorf("normal %v, background %v", n, b)
		}
		if n, err := b.NotifyIfEmpty(t.Context(), nil); n != 0 || err != nil {
			t.Errorf("no tasks to notify for: %d, %v", n, err)
		}
	},
	"a list is bounded, and keeps its newest wake-ups": func(t *testing.T, b *bench) {
		ids := make([]any, maxWakeups)
		for i := range ids {
			ids[i] = fmt.Sprint(i)
		}
		if err := b.rdb.RPush(t.Context(), names.Queue(chat.PriorityNormal), ids...).Err(); err != nil {
			t.Fatal(err)
		}
		b.notify(t, chat.PriorityNormal, "last")
		got := b.waiting(t, chat.PriorityNormal)
		if len(got) != maxWakeups || got[0] != "1" || got[len(got)-1] != "last" {
			t.Errorf("%d wake-ups, from %s to %s", len(got), got[0], got[len(got)-1])
		}
	},
	"a closed queue says so": func(t *testing.T, b *bench) {
		for range 2 {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := b.Wait(t.Context(), time.Second); err == nil {
			t.Error("Wait on a closed queue")
		}
	},
}

// blocked waits until somebody waits in the queue. The embedded engine does not
// tell; there, whichever comes first must work.
func (b *bench) blocked(t *testing.T) {
	t.Helper()
	eventually(t, "somebody waits", func() bool {
		info, err := b.rdb.Info(t.Context(), "clients").Result()
		return err != nil || !strings.Contains(info, "blocked_clients:0")
	})
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	if !poll.Until(5*time.Second, is) {
		t.Fatalf("never: %s", what)
	}
}

func TestQueueOnTheEmbeddedEngine(t *testing.T) {
	for name, promise := range promises {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine, err := embedded.Start(embedded.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = engine.Close() })
			promise(t, open(t, engine.Options(), 0))
		})
	}
}

func TestQueueOnRedis(t *testing.T) {
	for name, promise := range promises {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			promise(t, open(t, services.Redis(t), 0))
		})
	}
}

func TestRedisThatIsGoneIsAnErrorAtOnce(t *testing.T) {
	t.Parallel()
	server := services.StartRedis(t)
	b := open(t, server.Options(), 300*time.Millisecond)
	b.notify(t, chat.PriorityNormal, "t1")
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	b.mustAllFail(t, time.Second)
	b.mustNotTell(t, time.Second)
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.mustHearAgain(t)
}

// A Redis that accepts connections and never answers must not hold up a worker,
// which looks into SQL instead.
func TestRedisThatIsSilentIsAnErrorSoon(t *testing.T) {
	t.Parallel()
	server := services.StartRedis(t)
	b := open(t, server.Options(), 300*time.Millisecond)
	b.notify(t, chat.PriorityNormal, "t1")
	if _, err := b.Wait(t.Context(), time.Second); err != nil {
		t.Fatal(err) // its connection stands
	}
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	b.mustAllFail(t, 3*time.Second)
	b.mustNotTell(t, 3*time.Second)
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	b.mustHearAgain(t)
}

func (b *bench) mustAllFail(t *testing.T, within time.Duration) {
	t.Helper()
	tasks := []chat.Task{{ID: "t1", Priority: chat.PriorityNormal}}
	for name, call := range map[string]func() error{
		"Notify":        func() error { return b.Notify(t.Context(), chat.PriorityNormal, "t1") },
		"NotifyIfEmpty": func() error { _, err := b.NotifyIfEmpty(t.Context(), tasks); return err },
		"Drain":         func() error { return b.Drain(t.Context(), chat.PriorityNormal, 1) },
		"Wait":          func() error { _, err := b.Wait(t.Context(), time.Second); return err },
	} {
		began := time.Now()
		if err := call(); err == nil || time.Since(began) > within {
			t.Errorf("%s: %v after %s", name, err, time.Since(began))
		}
	}
}

// mustHearAgain allows for the pools, which need a second to see that Redis is back.
func (b *bench) mustHearAgain(t *testing.T) {
	t.Helper()
	eventually(t, "it notifies", func() bool { return b.Notify(t.Context(), chat.PriorityUrgent, "t2") == nil })
	eventually(t, "it is got", func() bool {
		id, _ := b.Wait(t.Context(), time.Second)
		return id == "t2"
	})
}
