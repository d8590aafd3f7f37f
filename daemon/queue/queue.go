// Package queue wakes workers. A task is queued in SQL; its id in a Redis list is
// only the bell. A bell that was lost costs seconds, since a sweeper rings again,
// and one too many costs a look into SQL; neither loses or doubles a task.
package queue

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/keys"
)

// maxBells bounds each list: more bells than this wake nobody sooner.
const maxBells = 10_000

// Queue rings and waits on the lists of all priorities.
type Queue struct {
	rdb     *redis.Client
	waiting *redis.Client // of Wait alone, so that ending it disturbs nothing else
	names   keys.Names
	timeout time.Duration
}

// New returns a Queue on rdb. timeout bounds a round trip; 0 means two seconds.
func New(rdb *redis.Client, names keys.Names, timeout time.Duration) *Queue {
	if timeout <= 0 {
		timeout = 2 * time.Second
	}
	o := *rdb.Options()
	o.PoolSize = 1
	o.PushNotificationProcessor = nil // each client makes its own
	o.ContextTimeoutEnabled = true    // its own limit on a blocking pop is ten seconds more than asked for
	return &Queue{rdb: rdb, waiting: redis.NewClient(&o), names: names, timeout: timeout}
}

// Close closes the connection of Wait.
func (q *Queue) Close() error {
	if err := q.waiting.Close(); !errors.Is(err, redis.ErrClosed) {
		return err
	}
	return nil
}

// Ring wakes a worker for a queued task.
func (q *Queue) Ring(ctx context.Context, p chat.Priority, taskID string) error {
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	key := q.names.Queue(p)
	_, err := q.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.RPush(ctx, key, taskID)
		pipe.LTrim(ctx, key, -maxBells, -1)
		return nil
	})
	return err
}

// RingIfSilent rings for tasks whose list has no bell waiting: those whose bell
// was lost. It returns how often it rang.
func (q *Queue) RingIfSilent(ctx context.Context, tasks []chat.Task) (int, error) {
	byPriority := map[chat.Priority][]any{}
	for _, t := range tasks {
		byPriority[t.Priority] = append(byPriority[t.Priority], t.ID)
	}
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	rung := 0
	for p, ids := range byPriority {
		key := q.names.Queue(p)
		n, err := q.rdb.LLen(ctx, key).Result()
		if err != nil {
			return rung, err
		}
		if n > 0 {
			continue
		}
		if err := q.rdb.RPush(ctx, key, ids...).Err(); err != nil {
			return rung, err
		}
		rung += len(ids)
	}
	return rung, nil
}

// Wait blocks until a bell rings, most urgent first, for at most d (whole
// seconds, at least one). It returns the task's id, or "" if none rang. The end
// of ctx ends all waiting for good: a blocking pop can be ended only by closing
// its connection.
func (q *Queue) Wait(ctx context.Context, d time.Duration) (string, error) {
	stop := context.AfterFunc(ctx, func() { _ = q.Close() }) // what Wait returns then is the context's end
	defer stop()
	pop, cancel := context.WithTimeout(ctx, d+q.timeout)
	defer cancel()
	got, err := q.waiting.BLPop(pop, d, q.lists()...).Result()
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

// Silence takes up to n further bells, for tasks that were claimed along with
// the one that rang.
func (q *Queue) Silence(ctx context.Context, p chat.Priority, n int) error {
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	return q.rdb.LTrim(ctx, q.names.Queue(p), int64(n), -1).Err()
}

func (q *Queue) lists() []string {
	var keys []string
	for _, p := range chat.Priorities() {
		keys = append(keys, q.names.Queue(p))
	}
	return keys
}
