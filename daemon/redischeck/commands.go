package redischeck

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"

	"chat"
)

// sendCommands sends each command that chat uses, and adds the refused ones to f. The
// first one sets a string with a TTL, on which most of the others operate. Redis checks
// permissions, memory and role before the type of a key, so WRONGTYPE means that the
// command is allowed. The error is one of the connection.
func (c *Checker) sendCommands(ctx context.Context, f *findings) error {
	event, err := json.Marshal(chat.TaskEvent{Type: chat.EventCheck})
	if err != nil {
		return err
	}
	key, queue := c.key, c.names.CheckQueue()
	pipe := c.rdb.Pipeline()
	do := func(args ...any) { pipe.Do(ctx, args...) }
	do("SET", key, "x", "PX", keyTTL.Milliseconds())
	for _, args := range [][]any{
		{"GET", key},
		{"TIME"},
		{"HSET", key, "f", "v"},
		{"HGET", key, "f"},
		{"RPUSH", key, "v"},
		{"RPUSHX", key, "v"},
		{"LRANGE", key, 0, 0},
		{"LLEN", key},
		{"LTRIM", key, 0, 0},
		{"PEXPIRE", key, keyTTL.Milliseconds()},
		{"RPUSHX", queue, "v"},
		{"LTRIM", queue, 0, 0},
		{"WATCH", key},
		{"UNWATCH"},
		{"MULTI"},
		{"BLPOP", key, 0.05},
		{"EXEC"},
		{"DEL", key}, // does not wait in a transaction
		{"PUBLISH", c.names.Control(), event},
	} {
		do(args...)
	}
	for _, p := range chat.Priorities() {
		do("LLEN", c.names.Queue(p))
	}
	cmds, err := pipe.Exec(ctx)
	if _, replied := errors.AsType[redis.Error](err); err != nil && !replied {
		return err
	}
	for i, cmd := range cmds {
		name := strings.ToUpper(cmd.Name())
		switch kind := kindOf(cmd.Err()); {
		case cmd.Err() == nil, errors.Is(cmd.Err(), redis.Nil), kind == "EXECABORT": // because of a command before
		case i < len(cmds)-len(chat.Priorities()) && kind == "WRONGTYPE":
		case kind == "WRONGTYPE":
			f.add(cmd.Args()[1].(string), cmd.Err()) //nolint:errcheck // the key of LLEN
		default:
			f.add(name, cmd.Err())
		}
	}
	return nil
}

// kindOf returns the first word of an error reply, "" for any other error.
func kindOf(err error) string {
	reply, ok := errors.AsType[redis.Error](err)
	if !ok || errors.Is(err, redis.Nil) {
		return ""
	}
	word, _, _ := strings.Cut(reply.Error(), " ")
	if word != strings.ToUpper(word) {
		return "ERR"
	}
	return word
}

// parseHello returns a server's mode (standalone, sentinel or cluster) and role, each ""
// if the reply does not have it.
func parseHello(hello *redis.Cmd) (mode, role string) {
	fields := map[string]string{}
	switch v := hello.Val().(type) {
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
	return fields["mode"], fields["role"]
}

func errCluster() error {
	return chat.Errorf(chat.CodeNotConfigured, "REDIS_URL is the address of a Redis Cluster node, which chat does not support: use a Redis server that is not part of a cluster")
}

func errSentinel() error {
	return chat.Errorf(chat.CodeNotConfigured, "REDIS_URL is the address of a Sentinel: use the address of the Redis server that it monitors")
}

// oneLine makes a text from Redis part of a sentence.
func oneLine(s string) string {
	s = strings.TrimRight(strings.Join(strings.Fields(s), " "), ".")
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
