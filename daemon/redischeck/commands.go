package redischeck

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"chat"
)

// sendCommands sends a server each command that chat uses, and adds the refused ones to f. The
// first one sets a string with a TTL, on which most of the others operate. Redis checks
// permissions, memory and role before the type of a key, so WRONGTYPE means that the
// command is allowed. The error is one of the connection.
func (c *Checker) sendCommands(ctx context.Context, server *redis.Client, f *findings) error {
	key, err := c.rdb.NameOn(ctx, server, func(i int) string { return c.names.Check(c.instance + "-" + strconv.Itoa(i)) })
	if err != nil || key == "" {
		return err
	}
	hasQueues, err := c.rdb.IsOn(ctx, server, c.names.CheckQueue())
	if err != nil {
		return err
	}
	pipe := server.Pipeline()
	do := func(args ...any) { pipe.Do(ctx, args...) }
	for _, args := range commandsOn(key) {
		do(args...)
	}
	if c.rdb.IsSharded() {
		do("SPUBLISH", key, "")
	}
	own := pipe.Len() // commands whose type of key does not matter
	if hasQueues {
		event, err := json.Marshal(chat.TaskEvent{Type: chat.EventCheck})
		if err != nil {
			return err
		}
		do("RPUSHX", c.names.CheckQueue(), "v")
		do("LTRIM", c.names.CheckQueue(), 0, 0)
		do("PUBLISH", c.names.Control(), event)
		own = pipe.Len()
		for _, p := range chat.Priorities() {
			do("LLEN", c.names.Queue(p))
		}
	}
	cmds, err := pipe.Exec(ctx)
	if _, replied := errors.AsType[redis.Error](err); err != nil && !replied {
		return err
	}
	for i, cmd := range cmds {
		f.addReply(cmd, i < own)
	}
	return nil
}

// commandsOn returns the commands that operate on one key.
func commandsOn(key string) [][]any {
	return [][]any{
		{"SET", key, "x", "PX", keyTTL.Milliseconds()},
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
		{"WATCH", key},
		{"UNWATCH"},
		{"MULTI"},
		{"BLPOP", key, 0.05},
		{"EXEC"},
		{"DEL", key}, // does not wait in a transaction
	}
}

// addReply adds a command if it was refused. ofAnyType says that a key of another type is no
// refusal.
func (f *findings) addReply(cmd redis.Cmder, ofAnyType bool) {
	name := strings.ToUpper(cmd.Name())
	switch kind := kindOf(cmd.Err()); {
	case cmd.Err() == nil, errors.Is(cmd.Err(), redis.Nil), kind == "EXECABORT": // because of a command before
	case ofAnyType && kind == "WRONGTYPE":
	case kind == "WRONGTYPE":
		f.add(cmd.Args()[1].(string), cmd.Err()) //nolint:errcheck // the key of LLEN
	default:
		f.add(name, cmd.Err())
	}
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

// oneLine makes a text from Redis part of a sentence.
func oneLine(s string) string {
	s = strings.TrimRight(strings.Join(strings.Fields(s), " "), ".")
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
