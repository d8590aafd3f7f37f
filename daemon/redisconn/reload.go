package redisconn

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
)

// reloader is a hook of the client of each server of a Cluster. It asks for the slots again when a
// server has failed, as another one may have its slots by then: go-redis does so every ten seconds
// only, and when a server redirects a command.
type reloader struct{ cluster *redis.ClusterClient }

// DialHook implements redis.Hook.
func (r reloader) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := next(ctx, network, addr)
		r.reloadAfter(ctx, err)
		return c, err
	}
}

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

// reloadAfter asks for the slots again, in the background and at most five times a second, if err
// says that a server is not the one to ask. It reports whether it does.
func (r reloader) reloadAfter(ctx context.Context, err error) bool {
	if !hasFailed(err) {
		return false
	}
	r.cluster.ReloadState(ctx)
	return true
}

// hasFailed reports whether err is that of a connection, or the reply of a server that does not have
// the slot, or that is separated from the others.
func hasFailed(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if reply, ok := errors.AsType[redis.Error](err); ok {
		word, _, _ := strings.Cut(reply.Error(), " ")
		return word == "CLUSTERDOWN" || word == "MOVED"
	}
	return true
}
