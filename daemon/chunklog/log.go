// Package chunklog is the log of chunks that a streaming answer is written to
// and read from: one Redis list per task, which is the truth of a live stream,
// and one pub/sub channel, which is only the nudge that makes it fast.
//
// What may be lost: any pub/sub message, and the whole list (expired, evicted,
// flushed). What must not: a chunk that a reader has not seen, silently. A
// reader that notices a gap reads the list; a writer that notices a loss writes
// the list again from its memory; and whoever finds neither looks at SQL, which
// is the record. The slow pay for themselves: a reader whose buffer is full
// loses its messages and reads the list, and a writer never waits for a reader.
//
// An entry counts only if its chunk_index is its position in the list and its
// attempt is not older than that of the entry before it. Readers ignore
// everything from the first entry on that does not count, so what a worker with
// an old attempt may append is never shown.
package chunklog

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"chat/daemon/keys"
)

// Options are the settings of a Log; zero values mean the defaults.
type Options struct {
	Names keys.Names
	// TTL is how long a stream's keys outlive its last chunk; an hour by default.
	TTL time.Duration
	// Refresh is how often a writer that appends re-arms the TTL and the metadata;
	// five seconds by default, a third of the TTL at most.
	Refresh time.Duration
	// Timeout bounds one round trip to Redis; two seconds by default.
	Timeout time.Duration
	Logger  *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.TTL <= 0 {
		o.TTL = time.Hour
	}
	if o.Refresh <= 0 {
		o.Refresh = 5 * time.Second
	}
	o.Refresh = min(o.Refresh, o.TTL/3)
	if o.Timeout <= 0 {
		o.Timeout = 2 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Log reads and writes the chunk logs of all tasks through one Redis client and
// one shared subscription.
type Log struct {
	rdb     *redis.Client
	opts    Options
	hub     *hub
	batcher *batcher
}

// New returns a Log on rdb, which stays the caller's to close, after Run ended.
// rdb must not retry by itself (MaxRetries -1): an append that is repeated after
// a lost reply would be applied twice.
func New(rdb *redis.Client, o Options) *Log {
	o = o.withDefaults()
	return &Log{rdb: rdb, opts: o, hub: newHub(rdb, o), batcher: &batcher{rdb: rdb, opts: o}}
}

// Run keeps the shared subscription until ctx ends. Without it nothing is lost,
// but followers see new chunks only when they read the list.
func (l *Log) Run(ctx context.Context) { l.hub.run(ctx) }

// Pause is how long whoever has text for a Writer had better wait before he gets
// more of it: nothing, unless more streams are written than there is time for.
func (l *Log) Pause() time.Duration { return l.batcher.pause() }

// Followers is the number of tails that are open now.
func (l *Log) Followers() int { return l.hub.size() }

// TTL is how long a stream's keys outlive its last chunk.
func (l *Log) TTL() time.Duration { return l.opts.TTL }

// The fields of the metadata hash.
const (
	metaStatus       = "status"
	metaAttempt      = "attempt"
	metaChunkCount   = "chunk_count"
	metaCreatedAt    = "created_at"
	metaUpdatedAt    = "updated_at"
	metaFinishReason = "finish_reason"
	metaModel        = "model"
)

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
