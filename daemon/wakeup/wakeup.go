// Package wakeup wakes workers. Tasks are queued in SQL; a task's id in a Redis list is
// only a wake-up. A lost wake-up delays a task by seconds, until a sweeper notifies again.
// A superfluous one costs a query. Neither loses or duplicates a task.
package wakeup

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/keys"
	"chat/daemon/redisconn"
)

// maxWakeups bounds each list. More wake-ups do not wake a worker sooner.
const maxWakeups = 10_000

// Lists are the lists of wake-ups of all priorities.
type Lists struct {
	rdb     *redisconn.Client
	waiting *redisconn.Client // used by Wait only, which closes it to end a blocking pop
	names   keys.Names
	timeout time.Duration
}

// New returns the lists on rdb. timeout bounds a round trip; 0 means two seconds.
func New(rdb *redisconn.Client, timeout time.Duration) *Lists {
	if timeout <= 0 {
		timeout = 2 * time.Second
	}
	return &Lists{rdb: rdb, waiting: rdb.Another(1), names: rdb.Names(), timeout: timeout}
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

// NotifyIfEmpty sends wake-ups for tasks whose list is empty, because theirs were lost. It
// returns the number of wake-ups sent.
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

// Wait blocks until there is a wake-up, for at most d (whole seconds, at least one). It
// returns the task's id, of the highest priority first, or "" if there was none. After ctx
// has ended, further calls fail: only closing its connection ends a blocking pop.
func (l *Lists) Wait(ctx context.Context, d time.Duration) (string, error) {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() }) // Wait returns the cause of ctx instead
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

// Discard removes up to n wake-ups, for tasks that were claimed together with the one that
// Wait returned.
func (l *Lists) Discard(ctx context.Context, p chat.Priority, n int) error {
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
