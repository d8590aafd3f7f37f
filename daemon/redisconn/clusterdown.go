package redisconn

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
)

// reloader is a hook of the client of each server of a Cluster. A server that is separated from
// the others replies CLUSTERDOWN to everything. By then another one may have its slots, but go-redis
// sends the same server more commands until it asks for the slots again, which it does rarely.
type reloader struct{ cluster *redis.ClusterClient }

// DialHook implements redis.Hook.
func (reloader) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook.
func (r reloader) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		r.reloadAfter(ctx, err)
		return err
	}
}

// ProcessPipelineHook implements redis.Hook.
func (r reloader) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if err == nil {
			return nil
		}
		for _, cmd := range cmds {
			if r.reloadAfter(ctx, cmd.Err()) {
				break
			}
		}
		return err
	}
}

// reloadAfter asks for the slots again, in the background and not too often, if err says that a
// server does not know them. It reports whether it does.
func (r reloader) reloadAfter(ctx context.Context, err error) bool {
	if err == nil || !strings.HasPrefix(err.Error(), "CLUSTERDOWN ") {
		return false
	}
	r.cluster.ReloadState(ctx)
	return true
}
