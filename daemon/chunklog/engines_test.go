package chunklog_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

// client returns a client with the options that the daemon sets.
func client(t *testing.T, o *redis.Options) *redis.Client {
	t.Helper()
	o.MaxRetries = -1
	o.ContextTimeoutEnabled = true
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}
