package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
	"chat/daemon/ratelimit"
	"chat/daemon/worker"
	"chat/internal/poll"
	"chat/internal/services"
)

// limiter adapts the rate limits to the registry.
type limiter struct{ *ratelimit.Limiter }

func (l limiter) Acquire(ctx context.Context, bucket string, p chat.Priority, waited bool) (model.Permit, time.Duration) {
	t, wait := l.Limiter.Acquire(ctx, bucket, p, waited)
	if t == nil {
		return nil, wait
	}
	return t, 0
}

// limitedWorker starts a worker with limits of its own, as in another process.
func (h *harness) limitedWorker(id string, provider *modeltest.Limited, concurrency int) {
	h.Helper()
	l := ratelimit.New(h.rdb, id, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(h.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run(ctx)
	}()
	h.Cleanup(func() {
		stop()
		<-done
	})
	registry := providers.New(providers.Config{
		BaseURL: provider.URL, Key: modeltest.Key, DefaultModel: "limited", Limiter: limiter{l},
		Named: []providers.Named{{Name: "other", BaseURL: h.provider.URL, Key: modeltest.Key}},
	})
	h.Cleanup(registry.Close)
	h.work(workerOptions{id: id, model: &models{registry: registry}, opts: worker.Options{Concurrency: concurrency}})
}

// Two workers send 200 tasks to a provider that allows ten requests in a window and four at the
// same time: nearly none is refused, those of the background come last, and a task of another
// provider does not wait for them.
func TestWorkersShareTheLimitsOfAProvider(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]func(*testing.T) *redis.Options{
		"embedded": func(*testing.T) *redis.Options { return nil },
		"redis":    func(t *testing.T) *redis.Options { return services.Redis(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{redis: options(t)})
			p := modeltest.NewLimited(t, &modeltest.Limited{Requests: 10, Window: 500 * time.Millisecond, Parallel: 4, Hold: 50 * time.Millisecond})
			const background, interactive = 150, 50
			var tasks []chat.Accepted
			for i := range background + interactive {
				tasks = append(tasks, h.submit(fmt.Sprintf("%s %d", map[bool]string{true: "background", false: "interactive"}[i < background], i), func(s *chat.Submission) {
					if i < background {
						s.Priority = chat.PriorityBackground
					}
				}))
			}
			h.limitedWorker("w1", p, 3)
			h.limitedWorker("w2", p, 3)
			patiently := func(what string, is func() bool) {
				t.Helper()
				if !poll.Until(3*time.Minute, is) {
					t.Fatalf("never: %s", what)
				}
			}
			patiently("20 requests were accepted", func() bool { return len(p.Seen().Prompts) >= 20 })
			other := h.submit("lie: chunks=1", func(s *chat.Submission) { s.Model = "other/lying" })
			h.ended(other)
			if n := len(p.Seen().Prompts); n > 100 {
				t.Errorf("a task of another provider waited for %d requests", n-20)
			}
			attempts := 0
			for _, acc := range tasks {
				patiently("a task has ended", func() bool { return h.task(acc).State.Terminal() })
				task := h.task(acc)
				if task.State != chat.TaskDone {
					t.Fatalf("a task is %s: %v", task.State, task.Error)
				}
				attempts += task.Attempt
			}
			seen := p.Seen()
			before, last := 0, 0
			for i, prompt := range seen.Prompts {
				if strings.HasPrefix(prompt, "interactive") {
					last = i
				}
			}
			for _, prompt := range seen.Prompts[:last] {
				if strings.HasPrefix(prompt, "background") {
					before++
				}
			}
			t.Logf("%d refused, %d claims, %d of the background before the last other one", seen.Refused, attempts, before)
			if total := len(tasks) + seen.Refused; seen.Refused*20 > total {
				t.Errorf("%d of %d requests were refused", seen.Refused, total)
			}
			if before > 30 {
				t.Errorf("%d requests of the background went before the last other one", before)
			}
			if seen.Running != 4 {
				t.Errorf("%d requests were in flight, want 4", seen.Running)
			}
			h.limitKeysExpire()
		})
	}
}

// limitKeysExpire checks that what is known of limits is not kept for ever.
func (h *harness) limitKeysExpire() {
	h.Helper()
	found, err := h.rdb.Keys(h.Context(), "limit:*").Result()
	h.must(err)
	if len(found) != 1 {
		h.Errorf("the buckets are %v, want one", found)
	}
	for _, key := range found {
		if ttl := h.rdb.TTL(h.Context(), key).Val(); ttl <= 0 || ttl > time.Hour {
			h.Errorf("%s expires in %s", key, ttl)
		}
		if value := h.rdb.Get(h.Context(), key).Val(); strings.Contains(value+key, modeltest.Key) {
			h.Errorf("%s contains the key of the provider: %s", key, value)
		}
	}
}

// A task waits for a limit that is known, without a slot and without an attempt that counts; one
// with another model does not wait.
func TestATaskWaitsForAKnownLimit(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	p := modeltest.NewLimited(t, &modeltest.Limited{Requests: 1, Window: time.Hour, Parallel: 4})
	h.limitedWorker("w1", p, 4)
	h.ended(h.submit("the first"))
	waiting := h.submit("waits")
	h.eventually("the task waits", func() bool { return h.task(waiting).Waiting != nil })
	task := h.task(waiting)
	if host := strings.TrimSuffix(strings.TrimPrefix(p.URL, "http://"), "/v1"); task.Waiting.For != "the rate limit of "+host || time.Until(task.Waiting.Until) < 50*time.Minute {
		t.Errorf("it waits for %+v", task.Waiting)
	}
	if m := h.answer(waiting); m.Waiting == nil || task.State != chat.TaskQueued || task.StartedAt != nil || len(h.chunks(waiting)) > 0 {
		t.Errorf("the task is %s, its message waits for %+v, and its log has %d chunks", task.State, m.Waiting, len(h.chunks(waiting)))
	}
	task, m := h.ended(h.submit("lie: chunks=1", func(s *chat.Submission) { s.Failover = &chat.Failover{Models: []string{"other/lying"}} }))
	if task.State != chat.TaskDone || m.Model != "other/lying" || len(task.Notices) != 1 || !strings.Contains(task.Notices[0], "did not answer (its rate limit, for ") {
		t.Errorf("%s by %s: %q", task.State, m.Model, task.Notices)
	}
	if seen := p.Seen(); seen.Refused > 0 || len(seen.Prompts) != 1 {
		t.Errorf("the provider saw %+v", seen)
	}
	if task, won, err := h.store.Cancel(t.Context(), owner, waiting.TaskID); err != nil || !won || task.State != chat.TaskCancelled {
		t.Errorf("the waiting task cannot be cancelled: %+v, %v", task, err)
	}
}
