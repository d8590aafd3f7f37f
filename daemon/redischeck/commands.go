package redischeck

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"

	"chat"
)

// commands sends each command that chat uses, and adds to f what is refused. All of them
// but the first work on a string of our own, with a TTL. That is no list and no hash,
// which Redis says only after it has looked at rights, memory and role: so WRONGTYPE is
// the answer that is hoped for. The error is one of the way to Redis.
func (c *Checker) commands(ctx context.Context, f *findings) error {
	key, queue := c.key, c.names.CheckQueue()
	pipe := c.rdb.Pipeline()
	do := func(args ...any) { pipe.Do(ctx, args...) }
	do("SET", key, "x", "PX", keyTTL.Milliseconds())
	for _, args := range [][]any{
		{"GET", key},
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
		{"DEL", key}, // in a transaction it waits for nothing
		{"PUBLISH", c.names.Control(), `{"type":"check"}`},
	} {
		do(args...)
	}
	for _, p := range chat.Priorities() {
		do("LLEN", c.names.Queue(p))
	}
	cmds, err := pipe.Exec(ctx)
	var said redis.Error
	if err != nil && !errors.As(err, &said) {
		return err
	}
	for i, cmd := range cmds {
		name := strings.ToUpper(cmd.Name())
		switch kind := kindOf(cmd.Err()); {
		case cmd.Err() == nil, errors.Is(cmd.Err(), redis.Nil), kind == "EXECABORT": // for a reason that was given
		case i < len(cmds)-len(chat.Priorities()) && kind == "WRONGTYPE":
		case kind == "WRONGTYPE":
			f.add(cmd.Args()[1].(string), cmd.Err()) //nolint:errcheck // a key, see above
		default:
			f.add(name, cmd.Err())
		}
	}
	return nil
}

// kindOf is the word that an answer of Redis begins with, "" for any other error.
func kindOf(err error) string {
	var said redis.Error
	if !errors.As(err, &said) || errors.Is(err, redis.Nil) {
		return ""
	}
	word, _, _ := strings.Cut(said.Error(), " ")
	if word != strings.ToUpper(word) {
		return "ERR"
	}
	return word
}

// serverOf is what a server says of itself: its mode (standalone, sentinel or cluster)
// and its role, "" if it does not say.
func serverOf(hello *redis.Cmd) (mode, role string) {
	told := map[string]string{}
	switch v := hello.Val().(type) {
	case map[any]any:
		for k, v := range v {
			name, _ := k.(string)
			told[name], _ = v.(string)
		}
	case []any:
		for i := 0; i+1 < len(v); i += 2 {
			name, _ := v[i].(string)
			told[name], _ = v[i+1].(string)
		}
	}
	return told["mode"], told["role"]
}

func errCluster() error {
	return chat.Errorf(chat.CodeNotConfigured, "REDIS_URL is the address of a node of a Redis Cluster, which chat does not work with: give it a Redis server that is in no cluster")
}

func errSentinel() error {
	return chat.Errorf(chat.CodeNotConfigured, "REDIS_URL is the address of a Sentinel, not of a Redis server: give it the address of the server that the Sentinel watches")
}

// oneLine is a text of Redis' as part of a sentence.
func oneLine(s string) string {
	s = strings.TrimRight(strings.Join(strings.Fields(s), " "), ".")
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
