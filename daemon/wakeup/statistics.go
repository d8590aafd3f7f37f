package wakeup

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/internal/report"
)

// Statistics returns the lengths of the lists and the size of the whole database, in one
// round trip; in a Cluster the sum of its servers' databases. Of an engine without INFO, such as
// the embedded one, it returns the number of keys and not its memory.
func (l *Lists) Statistics(ctx context.Context) (report.MemoryStats, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	var mu sync.Mutex
	all := report.MemoryStats{QueueLengths: map[chat.Priority]int{}}
	err := l.rdb.Servers(ctx, func(ctx context.Context, server *redis.Client) error {
		hasQueues, err := l.rdb.IsOn(ctx, server, l.names.CheckQueue())
		if err != nil {
			return err
		}
		st, err := l.statisticsOf(ctx, server, hasQueues)
		mu.Lock()
		defer mu.Unlock()
		add(&all, st)
		return err
	})
	if err != nil {
		return report.MemoryStats{}, err
	}
	return all, nil
}

// add adds the statistics of one more server. A number that one server does not tell is not
// known at all.
func add(all *report.MemoryStats, st report.MemoryStats) {
	for p, n := range st.QueueLengths {
		all.QueueLengths[p] += n
	}
	sum := func(a, b int) int {
		if a < 0 || b < 0 {
			return -1
		}
		return a + b
	}
	all.Keys, all.KeysWithoutTTL = sum(all.Keys, st.Keys), sum(all.KeysWithoutTTL, st.KeysWithoutTTL)
	all.UsedBytes += st.UsedBytes
	all.LimitBytes += st.LimitBytes
}

// statisticsOf returns the statistics of one server, with the lengths of the lists if it has
// them.
func (l *Lists) statisticsOf(ctx context.Context, server *redis.Client, hasQueues bool) (report.MemoryStats, error) {
	lengths := map[chat.Priority]*redis.IntCmd{}
	pipe := server.Pipeline()
	size := pipe.DBSize(ctx)
	if hasQueues {
		for _, p := range chat.Priorities() {
			lengths[p] = pipe.LLen(ctx, l.names.Queue(p))
		}
	}
	memory, keyspace := pipe.Info(ctx, "memory"), pipe.Info(ctx, "keyspace")
	if _, err := pipe.Exec(ctx); err != nil {
		if _, replied := errors.AsType[redis.Error](err); !replied {
			return report.MemoryStats{}, err
		} // a command that is not allowed, or unknown to the engine
	}
	st := report.MemoryStats{QueueLengths: map[chat.Priority]int{}, Keys: -1, KeysWithoutTTL: -1}
	if size.Err() == nil {
		st.Keys = int(size.Val())
	}
	for p, n := range lengths {
		st.QueueLengths[p] = int(n.Val())
	}
	if memory.Err() == nil {
		st.UsedBytes, st.LimitBytes = infoNumber(memory.Val(), "used_memory"), infoNumber(memory.Val(), "maxmemory")
	}
	if keyspace.Err() == nil {
		st.Keys, st.KeysWithoutTTL = parseKeyspace(keyspace.Val(), server.Options().DB)
	}
	return st, nil
}

// infoNumber returns a number in a reply to INFO, 0 if it is missing.
func infoNumber(info, name string) int64 {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64) // 0 if it is not a number
			return n
		}
	}
	return 0
}

// parseKeyspace parses a line such as db0:keys=12,expires=9,avg_ttl=0. An empty database
// has no line.
func parseKeyspace(info string, db int) (keys, withoutTTL int) {
	for line := range strings.Lines(info) {
		values, ok := strings.CutPrefix(strings.TrimSpace(line), "db"+strconv.Itoa(db)+":")
		if !ok {
			continue
		}
		expiring := 0
		for pair := range strings.SplitSeq(values, ",") {
			name, value, _ := strings.Cut(pair, "=")
			n, _ := strconv.Atoi(value) // 0 if it is not a number
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
