package lab

import (
	"context"
	"errors"
	"time"
)

// redisRows break Redis and the way to it.
func redisRows() []Row {
	return []Row{
		{Name: "redis/restart-with-data-loss", On: full(), Core: true, Fault: func(ctx context.Context, w *World) error {
			if err := w.Redis.Kill(); err != nil {
				return err
			}
			return errors.Join(pause(ctx, w.Chance.between(0, 3*time.Second)), w.Redis.Start(ctx))
		}},
		{Name: "redis/flushall", On: full(), Core: true, Fault: func(ctx context.Context, w *World) error {
			for range 3 {
				if err := w.rdb.FlushAll(ctx).Err(); err != nil {
					return err
				}
				if err := pause(ctx, w.Chance.between(100*time.Millisecond, 1500*time.Millisecond)); err != nil {
					return err
				}
			}
			return nil
		}},
	}
}
