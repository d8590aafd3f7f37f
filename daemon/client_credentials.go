package daemon

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"chat/daemon/model"
)

const (
	// maxCredentials bounds the credentials held; the oldest go first.
	maxCredentials = 10_000
	// retention is how long credentials are held before it is checked whether
	// their task still needs them; longer than it takes to accept one.
	retention     = time.Minute
	expireEvery   = 30 * time.Second
	expireTimeout = 10 * time.Second
)

// clientCredentials holds, by task id, the credentials that clients sent with their
// messages. They are only in memory, until the task has ended.
type clientCredentials struct {
	mu   sync.Mutex
	keys map[string]timedCredentials
}

type timedCredentials struct {
	model.Credentials
	at time.Time
}

// Remember keeps the provider for a task that is about to be accepted.
func (o *clientCredentials) Remember(taskID, key, baseURL string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.keys == nil {
		o.keys = map[string]timedCredentials{}
	}
	if len(o.keys) >= maxCredentials {
		oldest, at := "", time.Now()
		for id, k := range o.keys {
			if k.at.Before(at) {
				oldest, at = id, k.at
			}
		}
		delete(o.keys, oldest)
	}
	o.keys[taskID] = timedCredentials{model.Credentials{Key: key, BaseURL: baseURL}, time.Now()}
}

// Forget drops the provider of a task that has ended.
func (o *clientCredentials) Forget(taskID string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.keys, taskID)
}

// credentials are those of a task, nil if there are none.
func (o *clientCredentials) credentials(taskID string) *model.Credentials {
	o.mu.Lock()
	defer o.mu.Unlock()
	if k, ok := o.keys[taskID]; ok {
		return &k.Credentials
	}
	return nil
}

// unfinished says which of some tasks still wait or run; *sql.Store does.
type unfinished interface {
	Unfinished(ctx context.Context, ids []string) ([]string, error)
}

// watch tidies up until ctx ends.
func (o *clientCredentials) watch(ctx context.Context, store unfinished, log *slog.Logger) {
	every := time.NewTicker(expireEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-every.C:
			if err := o.expire(ctx, store, now.Add(-retention)); err != nil && ctx.Err() == nil {
				log.Debug("providers of clients are held on to until SQL says that their tasks have ended", "err", err)
			}
		}
	}
}

// expire forgets what was remembered before a time for tasks that have ended since,
// or were never stored. A task may end where nobody here hears of it: by a
// sweeper, by a cancel in another process, with its conversation.
func (o *clientCredentials) expire(ctx context.Context, store unfinished, before time.Time) error {
	o.mu.Lock()
	var ids []string
	for id, k := range o.keys {
		if k.at.Before(before) {
			ids = append(ids, id)
		}
	}
	o.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, expireTimeout)
	defer cancel()
	left, err := store.Unfinished(ctx, ids)
	if err != nil {
		return err
	}
	needed := map[string]bool{}
	for _, id := range left {
		needed[id] = true
	}
	for _, id := range ids {
		if !needed[id] {
			o.Forget(id)
		}
	}
	return nil
}
