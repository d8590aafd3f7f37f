package daemon

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"chat/daemon/api"
	"chat/daemon/model"
)

const (
	// maxCredentials bounds the credentials held; the oldest go first.
	maxCredentials = 10_000
	// retention is how long credentials are kept without asking SQL whether their task
	// has ended; longer than it takes to accept a task.
	retention     = time.Minute
	expireEvery   = 30 * time.Second
	expireTimeout = 10 * time.Second
)

// clientCredentials holds, by task id, the credentials that clients sent with their
// messages. They are only in memory, until the task has ended.
type clientCredentials struct {
	mu     sync.Mutex
	byTask map[string]timedCredentials
}

type timedCredentials struct {
	model.Credentials
	at time.Time
}

// PutCredentials stores the credentials of a task that is about to be accepted.
func (c *clientCredentials) PutCredentials(taskID string, own api.Credentials) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byTask == nil {
		c.byTask = map[string]timedCredentials{}
	}
	if len(c.byTask) >= maxCredentials {
		oldest, at := "", time.Now()
		for id, k := range c.byTask {
			if k.at.Before(at) {
				oldest, at = id, k.at
			}
		}
		delete(c.byTask, oldest)
	}
	c.byTask[taskID] = timedCredentials{model.Credentials(own), time.Now()}
}

// ForgetCredentials drops the credentials of a task that has ended.
func (c *clientCredentials) ForgetCredentials(taskID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byTask, taskID)
}

// credentials are those of a task, nil if there are none.
func (c *clientCredentials) credentials(taskID string) *model.Credentials {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.byTask[taskID]; ok {
		return &k.Credentials
	}
	return nil
}

// unfinished reports which tasks still wait or run; *sql.Store satisfies it.
type unfinished interface {
	Unfinished(ctx context.Context, ids []string) ([]string, error)
}

// expireUntilDone expires credentials until ctx ends.
func (c *clientCredentials) expireUntilDone(ctx context.Context, store unfinished, log *slog.Logger) {
	every := time.NewTicker(expireEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-every.C:
			if err := c.expire(ctx, store, now.Add(-retention)); err != nil && ctx.Err() == nil {
				log.Debug("credentials of clients are kept until SQL reports that their tasks have ended", "err", err)
			}
		}
	}
}

// expire drops the credentials that were stored before a time and whose tasks have ended
// or were never accepted. A task may end without notice to this process: by a sweeper, by
// a cancellation in another process, or with its conversation.
func (c *clientCredentials) expire(ctx context.Context, store unfinished, before time.Time) error {
	c.mu.Lock()
	var ids []string
	for id, k := range c.byTask {
		if k.at.Before(before) {
			ids = append(ids, id)
		}
	}
	c.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, expireTimeout)
	defer cancel()
	open, err := store.Unfinished(ctx, ids)
	if err != nil {
		return err
	}
	needed := map[string]bool{}
	for _, id := range open {
		needed[id] = true
	}
	for _, id := range ids {
		if !needed[id] {
			c.ForgetCredentials(id)
		}
	}
	return nil
}
