// Package wakeup wakes workers. Tasks are queued in SQL; a task's id in a Redis list is
// only a wake-up. A lost wake-up costs seconds, because a sweeper notifies again, and a
// superfluous one costs a query; neither loses or duplicates a task.
package wakeup

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/keys"
)

// maxWakeups bounds each list: more wake-ups than this wake no worker sooner.
const maxWakeups = 10_000

// Lists are the lists of wake-ups of all priorities.
type Lists struct {
	rdb     *redis.Client
	waiting *redis.Client // of Wait alone, so that ending it disturbs nothing else
	names   keys.Names
	timeout time.Duration
}

// New returns the lists on rdb. timeout bounds a round trip; 0 means two seconds.
func New(rdb *redis.Client, names keys.Names, timeout time.Duration) *Lists {
	if timeout <= 0 {
		timeout = 2 * time.Second
	}
	o := *rdb.Options()
	o.PoolSize = 1
	o.PushNotificationProcessor = nil // each client makes its own
	o.ContextTimeoutEnabled = true    // its own limit on a blocking pop is ten seconds more than asked for
	return &Lists{rdb: rdb, waiting: redis.NewClient(&o), names: names, timeout: timeout}
}

// Close closes the connection of Wait.
func (l *Lists) Close() error {
	if err := l.waiting.Close(); !errors.Is(err, redis.ErrClosed) {
		return err
	}
	return nil
}

// Notify wakes a worker for a queued task.
func (l *Lists) Notify(ctx context.Context, p chat.Priority, taskID string) error {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	key := l.names.Queue(p)
	_, err := l.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.RPush(ctx, key, taskID)
		pipe.LTrim(ctx, key, -maxWakeups, -1)
		return nil
	})
	return err
}

// NotifyIfEmpty notifies for tasks whose list is empty: their wake-ups were lost. It
// returns the number of wake-ups.
func (l *Lists) NotifyIfEmpty(ctx context.Context, tasks []chat.Task) (int, error) {
	byPriority := map[chat.Priority][]any{}
	for _, t := range tasks {
		byPriority[t.Priority] = append(byPriority[t.Priority], t.ID)
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	sent := 0
	for p, ids := range byPriority {
		key := l.names.Queue(p)
		n, err := l.rdb.LLen(ctx, key).Result()
		if err != nil {
			return sent, err
		}
		if n > 0 {
			continue
		}
		if err := l.rdb.RPush(ctx, key, ids...).Err(); err != nil {
			return sent, err
		}
		sent += len(ids)
	}
	return sent, nil
}

// Wait blocks until there is a wake-up, the most urgent first, for at most d (whole
// seconds, at least one). It returns the task's id, or "" if there was none. When ctx
// ends, no further Wait is possible: a blocking pop can only be ended by closing its
// connection.
func (l *Lists) Wait(ctx context.Context, d time.Duration) (string, error) {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() }) // what Wait returns then is the context's end
	defer stop()
	pop, cancel := context.WithTimeout(ctx, d+l.timeout)
	defer cancel()
	got, err := l.waiting.BLPop(pop, d, l.keys()...).Result()
	switch {
	case ctx.Err() != nil && err != nil:
		return "", context.Cause(ctx)
	case errors.Is(err, redis.Nil):
		return "", nil
	case err != nil:
		return "", err
	}
	return got[1], nil
}

// Drain removes up to n further wake-ups, for tasks that were claimed together with the
// one that was waited for.
func (l *Lists) Drain(ctx context.Context, p chat.Priority, n int) error {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	return l.rdb.LTrim(ctx, l.names.Queue(p), int64(n), -1).Err()
}

func (l *Lists) keys() []string {
	var all []string
	for _, p := range chat.Priorities() {
		all = append(all, l.names.Queue(p))
	}
	return all
}
