// Package chunklog stores the chunks of streaming answers in Redis.
//
// Each task has one list and one pub/sub channel (package keys names them). An entry of
// the list is the JSON of one chunk. The list is authoritative. A message on the channel
// only makes a reader see a new entry sooner.
//
// # Writing
//
// A Writer appends the chunks of one attempt. Add never waits: all writers of a process
// share round trips to Redis. A Writer keeps its whole log in memory, and writes the
// list again when Redis has lost it.
//
// # Reading
//
// A Tail returns the chunks of one task, each once and in order. All tails of a process
// share one subscription. A Tail reads the list when it starts, when it notices a gap,
// and when its subscription was interrupted.
//
// An entry is valid if its chunk_index is its position in the list and its attempt is
// not older than that of the entry before it. Readers ignore the first invalid entry
// and all entries after it. So entries that a worker with an old attempt appends are
// never shown.
//
// # What may be lost
//
// Any message may be lost. The whole list may be lost, too, when Redis expires, evicts or
// flushes it. A reader notices every chunk that it misses. If neither list nor writer is
// left, the caller reads the answer from SQL.
//
// A writer never waits for a reader. A reader whose inbox is full loses its messages and
// reads the list instead.
package chunklog

import (
	"context"
	"log/slog"
	"time"

	"chat/daemon/chunklog/subscription"
	"chat/daemon/keys"
	"chat/daemon/redisconn"
)

// Options are the settings of a Log; zero values mean the defaults.
type Options struct {
	// TTL is how long a stream's keys outlive its last chunk; default one hour.
	TTL time.Duration
	// Refresh is how often a writer that appends renews the TTL and the metadata;
	// default five seconds, at most a third of the TTL.
	Refresh time.Duration
	// Timeout bounds one round trip to Redis; default two seconds.
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

// settings are what the parts of a Log share.
type settings struct {
	Options
	rdb   *redisconn.Client
	names keys.Names
}

// Log reads and writes the chunk logs of all tasks through one Redis client and
// one shared subscription.
type Log struct {
	rdb          *redisconn.Client
	opts         settings
	subscription *subscription.Subscription
	batcher      *batcher
}

// New returns a Log on rdb. The caller closes rdb after Run has returned. rdb must not
// retry commands (MaxRetries -1): an append that is repeated after a lost reply would be
// applied twice.
func New(rdb *redisconn.Client, o Options) *Log {
	s := settings{Options: o.withDefaults(), rdb: rdb, names: rdb.Names()}
	return &Log{rdb: rdb, opts: s, subscription: subscription.New(rdb, s.Logger), batcher: &batcher{opts: s}}
}

// Run keeps the shared subscription until ctx ends. Without it nothing is lost, but
// tails see new chunks only when they read the list.
func (l *Log) Run(ctx context.Context) { l.subscription.Run(ctx) }

// ReadDelay returns how long to wait before more text for a Writer is read from a
// provider: 0, unless appends lag because there are too many streams. Log
// implements transport.FlowControl.
func (l *Log) ReadDelay() time.Duration { return l.batcher.readDelay() }

// Tails returns the number of open tails.
func (l *Log) Tails() int { return l.subscription.Size() }

// TTL returns how long a stream's keys outlive its last chunk.
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

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
