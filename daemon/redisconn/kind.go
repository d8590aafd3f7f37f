package redisconn

import (
	"context"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"chat"
)

// Mismatch says why a server is not what the URL names, as the rest of a sentence that begins with
// "Redis"; "" if it is. mode and role are those of its reply to HELLO.
func (c *Client) Mismatch(mode, role string) string {
	switch {
	case mode == "sentinel":
		return "is a Sentinel: write redis+sentinel://host:port,host:port/master in REDIS_URL"
	case mode == "cluster" && c.cluster == nil:
		return "is a server of a Cluster: write redis+cluster:// in REDIS_URL"
	case mode == "standalone" && c.cluster != nil:
		return "is not a Cluster: write redis:// in REDIS_URL"
	case role == "replica" && c.cluster == nil && c.address.failover == nil:
		return "is a replica, which refuses writes: write the address of its primary in REDIS_URL"
	}
	return ""
}

// Identify asks a server what it is. It returns an error if that is not what the URL names, and
// none if no server replies. Of a Cluster it finds out whether its channels are sharded, which
// needs version 7.
func (c *Client) Identify(ctx context.Context) error {
	fields := hello(c.Do(ctx, "HELLO"))
	if why := c.Mismatch(fields["mode"], ""); why != "" {
		return chat.Errorf(chat.CodeNotConfigured, "Redis %s", why)
	}
	major, _, _ := strings.Cut(fields["version"], ".")
	if n, err := strconv.Atoi(major); err == nil && c.cluster != nil {
		c.sharded = n >= 7
	}
	return nil
}

// hello returns the texts in a reply to HELLO.
func hello(cmd *redis.Cmd) map[string]string {
	fields := map[string]string{}
	switch v := cmd.Val().(type) {
	case map[any]any:
		for k, v := range v {
			name, _ := k.(string)
			fields[name], _ = v.(string)
		}
	case []any:
		for i := 0; i+1 < len(v); i += 2 {
			name, _ := v[i].(string)
			fields[name], _ = v[i+1].(string)
		}
	}
	return fields
}

// ModeAndRole returns a server's mode (standalone, sentinel or cluster) and role, each "" if the
// reply to HELLO does not have it.
func ModeAndRole(cmd *redis.Cmd) (mode, role string) {
	fields := hello(cmd)
	return fields["mode"], fields["role"]
}
