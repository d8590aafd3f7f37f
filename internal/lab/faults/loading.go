package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"chat/internal/lab/world"
)

// reload lets a master read its data again, slowly: it answers everything with LOADING
// meanwhile.
func reload(ctx context.Context, w *World) error {
	rdb, keys, err := w.masterWithKeys(ctx, 12)
	if err != nil {
		return err
	}
	each := w.Chance.Between(2*time.Second, 5*time.Second) / time.Duration(keys)
	if err := rdb.ConfigSet(ctx, "key-load-delay", fmt.Sprint(each.Microseconds())).Err(); err != nil {
		return err
	}
	o := *rdb.Options()
	o.MaxRetries, o.ReadTimeout = -1, 30*time.Second
	patient := redis.NewClient(&o)
	defer func() { _ = patient.Close() }()
	reloaded := make(chan error, 1)
	go func() { reloaded <- patient.Do(ctx, "DEBUG", "RELOAD").Err() }()
	refused := 0
	for {
		select {
		case err := <-reloaded:
			if err == nil && refused == 0 {
				err = errors.New("no client got the LOADING error of Redis")
			}
			return errors.Join(err, rdb.ConfigSet(ctx, "key-load-delay", "0").Err())
		case <-time.After(50 * time.Millisecond):
			if err := rdb.DBSize(ctx).Err(); err != nil && strings.HasPrefix(err.Error(), "LOADING") {
				refused++
			}
		}
	}
}

// masterWithKeys waits until a master has so many keys: one that loads its data looks after its
// clients between two of them.
func (w *World) masterWithKeys(ctx context.Context, enough int64) (*redis.Client, int64, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 20*time.Second, errors.New("no master gets enough keys"))
	defer cancel()
	for {
		masters, err := w.Redis.Masters(ctx)
		if err != nil {
			return nil, 0, err
		}
		for _, m := range masters {
			if n, err := m.Admin.DBSize(ctx).Result(); err != nil || n >= enough {
				return m.Admin, n, err
			}
		}
		if err := world.Pause(ctx, 50*time.Millisecond); err != nil {
			return nil, 0, err
		}
	}
}
