package wakeup

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
)

// Statistics asks Redis how it stands, in one round trip. An engine that has no
// INFO on memory, as the embedded one, tells only of lists and keys.
func (l *Lists) Statistics(ctx context.Context) (chat.RedisStats, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	lengths := map[chat.Priority]*redis.IntCmd{}
	pipe := l.rdb.Pipeline()
	size := pipe.DBSize(ctx)
	for _, p := range chat.Priorities() {
		lengths[p] = pipe.LLen(ctx, l.names.Queue(p))
	}
	memory, keyspace := pipe.Info(ctx, "memory"), pipe.Info(ctx, "keyspace")
	if _, err := pipe.Exec(ctx); err != nil && !refused(err) {
		return chat.RedisStats{}, err
	}
	st := chat.RedisStats{QueueLengths: map[chat.Priority]int{}, Keys: -1, KeysWithoutTTL: -1}
	if size.Err() == nil {
		st.Keys = int(size.Val())
	}
	for p, n := range lengths {
		st.QueueLengths[p] = int(n.Val())
	}
	if memory.Err() == nil {
		st.UsedBytes, st.LimitBytes = field(memory.Val(), "used_memory"), field(memory.Val(), "maxmemory")
	}
	if keyspace.Err() == nil {
		st.Keys, st.KeysWithoutTTL = keysIn(keyspace.Val(), l.rdb.Options().DB)
	}
	return st, nil
}

// LogStatistics looks at the chunk logs of tasks, in one round trip. A log that
// is not there has no chunks.
func (l *Lists) LogStatistics(ctx context.Context, taskIDs []string) (map[string]chat.LogStats, error) {
	if len(taskIDs) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	lengths, ttls, names := make([]*redis.IntCmd, len(taskIDs)), make([]*redis.DurationCmd, len(taskIDs)), make([]*redis.StringCmd, len(taskIDs))
	pipe := l.rdb.Pipeline()
	for i, id := range taskIDs {
		lengths[i], ttls[i] = pipe.LLen(ctx, l.names.Chunks(id)), pipe.PTTL(ctx, l.names.Chunks(id))
		names[i] = pipe.HGet(ctx, l.names.Metadata(id), "model")
	}
	if _, err := pipe.Exec(ctx); err != nil && !refused(err) {
		return nil, err
	}
	found := make(map[string]chat.LogStats, len(taskIDs))
	for i, id := range taskIDs {
		found[id] = chat.LogStats{Chunks: int(lengths[i].Val()), TTL: max(ttls[i].Val(), 0).Round(time.Millisecond), Model: names[i].Val()}
	}
	return found, nil
}

// refused reports whether err is what Redis said to one command of several, and
// not a trouble on the way to it.
func refused(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// field is a number of an answer to INFO, 0 if it is not there.
func field(info, name string) int64 {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64) // 0 if it is none
			return n
		}
	}
	return 0
}

// keysIn reads a line such as db0:keys=12,expires=9,avg_ttl=0. There is none for
// an empty database.
func keysIn(info string, db int) (keys, withoutTTL int) {
	for line := range strings.Lines(info) {
		values, ok := strings.CutPrefix(strings.TrimSpace(line), "db"+strconv.Itoa(db)+":")
		if !ok {
			continue
		}
		expiring := 0
		for pair := range strings.SplitSeq(values, ",") {
			name, value, _ := strings.Cut(pair, "=")
			n, _ := strconv.Atoi(value) // 0 if it is none
			switch name {
			case "keys":
				keys = n
			case "expires":
				expiring = n
			}
		}
		return keys, keys - expiring
	}
	return 0, 0
}
