// Package redisconn connects to Redis, whether it is one server, a server that Sentinels
// watch, or a Cluster. Its Client hides what differs: the names of keys, transactions of
// several streams, and subscriptions.
package redisconn

import (
	"context"

	"github.com/redis/go-redis/v9"

	"chat/daemon/keys"
)

// Client is a connection to Redis. Its commands reach the server that has their key.
type Client struct {
	redis.UniversalClient
	server  *redis.Client        // nil if Redis is a Cluster
	cluster *redis.ClusterClient // nil if it is not
	sharded bool                 // the Cluster has sharded channels

	address Address
}

// Of returns a Client of one server, to which rdb is connected.
func Of(rdb *redis.Client) *Client {
	c := &Client{UniversalClient: rdb, server: rdb}
	if rdb != nil {
		c.address = ServerAt(rdb.Options())
	}
	return c
}

// OfCluster returns a Client of a Cluster, through rdb, which has not been used yet. sharded says
// that its channels are sharded, which every server of version 7 can do.
func OfCluster(rdb *redis.ClusterClient, sharded bool) *Client {
	rdb.OnNewNode(func(server *redis.Client) { server.AddHook(reloader{rdb}) })
	return &Client{UniversalClient: rdb, cluster: rdb, sharded: sharded, address: Address{cluster: rdb.Options()}}
}

// IsCluster reports whether Redis is a Cluster.
func (c *Client) IsCluster() bool { return c.cluster != nil }

// Names names the keys and channels. In a Cluster the keys of one stream, and the queues, have
// one hash slot each.
func (c *Client) Names() keys.Names { return keys.Names{Tagged: c.IsCluster()} }

// PublishTo adds to p the command that publishes a message on the channel of a stream.
func (c *Client) PublishTo(ctx context.Context, p redis.Pipeliner, channel, message string) {
	if c.sharded {
		p.SPublish(ctx, channel, message)
		return
	}
	p.Publish(ctx, channel, message)
}

// IsSharded reports whether the channels of streams are sharded: each is on the server that has
// its slot.
func (c *Client) IsSharded() bool { return c.sharded }

// ServerOf returns the server of a Cluster that has a key or a sharded channel.
func (c *Client) ServerOf(ctx context.Context, key string) (*redis.Client, error) {
	return c.cluster.MasterForKey(ctx, key)
}

// IsOn reports whether a server has a key.
func (c *Client) IsOn(ctx context.Context, server *redis.Client, key string) (bool, error) {
	if c.cluster == nil {
		return true, nil
	}
	at, err := c.ServerOf(ctx, key)
	return at == server, err
}

// NameOn returns the first name of a key that a server has, of those that name returns for 0, 1
// and so on; "" if the server has no slots.
func (c *Client) NameOn(ctx context.Context, server *redis.Client, name func(i int) string) (string, error) {
	const tries = 4096 // of a Cluster with a thousand servers, each has a key among them
	for i := range tries {
		key := name(i)
		if here, err := c.IsOn(ctx, server, key); err != nil || here {
			return key, err
		}
	}
	return "", nil
}

// ReloadSlots asks the Cluster again which server has which slots.
func (c *Client) ReloadSlots(ctx context.Context) { c.cluster.ReloadState(ctx) }

// Atomically calls do with a connection to the server that has a key. What do does between WATCH
// and EXEC on that connection is atomic. The error is do's, or why there is no connection.
func (c *Client) Atomically(ctx context.Context, key string, do func(*redis.Tx) error) error {
	if c.cluster == nil {
		return c.server.Watch(ctx, do)
	}
	server, err := c.cluster.MasterForKey(ctx, key)
	if err != nil {
		return err
	}
	return server.Watch(ctx, do) // if it is redirected, the next try reaches the right server
}

// Servers calls do with each server that takes writes, with several at the same time.
func (c *Client) Servers(ctx context.Context, do func(context.Context, *redis.Client) error) error {
	if c.cluster != nil {
		return c.cluster.ForEachMaster(ctx, do)
	}
	return do(ctx, c.server)
}
