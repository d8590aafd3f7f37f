package world

import (
	"context"
	"time"
)

// RedisKey is one key of Redis and what is left of its life.
type RedisKey struct {
	Name string
	TTL  time.Duration // negative: it lives for ever
}

// ReadRedis lists all keys. The embedded engine cannot be reached from outside.
func (w *World) ReadRedis(ctx context.Context) ([]RedisKey, error) {
	if w.RedisClient == nil {
		return nil, nil
	}
	var out []RedisKey
	found := w.RedisClient.Scan(ctx, 0, "*", 1000).Iterator()
	for found.Next(ctx) {
		ttl, err := w.RedisClient.PTTL(ctx, found.Val()).Result()
		if err != nil {
			return nil, err
		}
		if ttl != -2 { // gone meanwhile
			out = append(out, RedisKey{found.Val(), ttl})
		}
	}
	return out, found.Err()
}
