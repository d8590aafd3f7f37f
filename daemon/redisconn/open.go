package redisconn

import (
	"cmp"
	"context"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Open returns a Client of the Redis at an address, with at most pool connections to each server.
// It connects when it is used. The caller closes it.
func (a Address) Open(pool int) *Client {
	c := &Client{address: a}
	switch {
	case a.failover != nil:
		o := *a.failover
		o.OnConnect, o.ClientName = naming(o.ClientName)
		o.MaxRetries, o.ContextTimeoutEnabled, o.DialTimeout, o.PoolSize = noRetries, true, dialTimeout, pool
		c.server = redis.NewFailoverClient(&o)
	case a.cluster != nil:
		o := *a.cluster
		o.OnConnect, o.ClientName = naming(o.ClientName)
		o.MaxRetries, o.ContextTimeoutEnabled, o.DialTimeout, o.PoolSize = noRetries, true, dialTimeout, pool
		o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled} // Redis Enterprise's
		c = OfCluster(redis.NewClusterClient(&o), true)
		c.address = a
		return c
	default:
		o := *a.server
		if o.Dialer == nil { // the embedded engine's connections have no names
			o.OnConnect, o.ClientName = naming(o.ClientName)
		}
		o.PushNotificationProcessor = nil // each client creates its own
		o.MaxRetries, o.ContextTimeoutEnabled, o.DialTimeout, o.PoolSize = noRetries, true, dialTimeout, pool
		o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled} // Redis Enterprise's
		c.server = redis.NewClient(&o)
	}
	c.UniversalClient = c.server
	return c
}

const (
	noRetries   = -1 // an append that is repeated after a lost reply would be applied twice
	dialTimeout = 2 * time.Second
)

// naming gives connections a name where the user may do that. The option ClientName would make
// it a condition.
func naming(name string) (func(context.Context, *redis.Conn) error, string) {
	name = cmp.Or(name, "chatd")
	return func(ctx context.Context, c *redis.Conn) error {
		_ = c.ClientSetName(ctx, name).Err() // a user without that right goes without a name
		return nil
	}, ""
}

// Another returns a Client of the same Redis with connections of its own, for commands that block.
// The caller closes it.
func (c *Client) Another(pool int) *Client {
	another := c.address.Open(pool)
	another.sharded = c.sharded
	return another
}

// Hosts names where Redis is, for messages.
func (c *Client) Hosts() []string {
	switch a := c.address; {
	case a.failover != nil:
		return a.failover.SentinelAddrs
	case a.cluster != nil:
		return a.cluster.Addrs
	case a.server != nil:
		return []string{a.server.Addr}
	}
	return nil
}
