package chunklog

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// Stats describes the log of a task.
type Stats struct {
	Chunks int           // 0 if there is no list
	TTL    time.Duration // how long the list will be kept
	Model  string        // the model that the metadata names
}

// Stats returns the statistics of the logs of tasks by task id, in one round trip.
func (l *Log) Stats(ctx context.Context, taskIDs []string) (map[string]Stats, error) {
	if len(taskIDs) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	type replies struct {
		length *redis.IntCmd
		ttl    *redis.DurationCmd
		model  *redis.StringCmd
	}
	n := l.opts.names
	byTask := make(map[string]replies, len(taskIDs))
	pipe := l.rdb.Pipeline()
	for _, id := range taskIDs {
		byTask[id] = replies{pipe.LLen(ctx, n.Chunks(id)), pipe.PTTL(ctx, n.Chunks(id)), pipe.HGet(ctx, n.Metadata(id), metaModel)}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		if _, replied := errors.AsType[redis.Error](err); !replied {
			return nil, err
		} // a key may be missing, or PTTL not allowed
	}
	stats := make(map[string]Stats, len(taskIDs))
	for id, r := range byTask {
		stats[id] = Stats{Chunks: int(r.length.Val()), TTL: max(r.ttl.Val(), 0).Round(time.Millisecond), Model: r.model.Val()}
	}
	return stats, nil
}
