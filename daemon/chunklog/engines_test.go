package chunklog_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"chat/daemon/redisconn"
)

// connect returns a client of one server for a log.
func connect(t *testing.T, o *redis.Options) *redisconn.Client {
	t.Helper()
	return redisconn.Of(client(t, o))
}

// client returns a client with the options that the daemon sets.
func client(t *testing.T, o *redis.Options) *redis.Client {
	t.Helper()
	o.MaxRetries = -1
	o.ContextTimeoutEnabled = true
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}
