package api_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"chat"
	"chat/daemon/api"
)

// countingStore counts how often it is asked for a task.
type countingStore struct {
	api.Store
	asked *atomic.Int64
}

func (s countingStore) Task(ctx context.Context, owner, id string) (chat.Task, error) {
	s.asked.Add(1)
	return s.Store.Task(ctx, owner, id)
}

func TestManyStreamsShareStatePolls(t *testing.T) {
	t.Parallel()
	const followers = 40
	var asked atomic.Int64
	h := newHarnessWithStore(t, api.Options{Recheck: 100 * time.Millisecond, Heartbeat: time.Minute}, func(s api.Store) api.Store { return countingStore{s, &asked} })
	acc := h.submitted()
	for range followers {
		h.open(acc.TaskID, "")
	}
	asked.Store(0)
	h.eventually("it is asked again and again", func() bool { return asked.Load() > 10 })
	began, n := time.Now(), asked.Load()
	h.eventually("a second passes", func() bool { return time.Since(began) > time.Second })
	// Each follower asks every 100 ms; together they may do so in each quarter of it.
	if rate := float64(asked.Load()-n) / time.Since(began).Seconds(); rate > 60 {
		t.Errorf("%d followers ask %.0f times a second", followers, rate)
	}
}
