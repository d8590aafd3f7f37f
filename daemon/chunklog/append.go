package chunklog

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrStale is returned to a writer whose task has a newer attempt.
var ErrStale = errors.New("chunk log: a newer attempt writes this stream")

// errMismatch means that the list has another length than expected, so the writer must
// write it again.
var errMismatch = errors.New("chunk log: the list is not what was appended")

// step is one atomic change of a stream: an append or a rewrite.
type step struct {
	taskID  string
	attempt int
	// before is the expected length of the list; 0 creates it.
	before int
	// entries are appended, publish are published; usually they are the same.
	entries []string
	publish []string
	// meta, unless nil, is written to the metadata, and the TTLs are renewed.
	meta  []any
	began time.Time
}

// append appends the entries of a step and publishes them. It returns
//
//   - nil if the list now has exactly before + len(entries) entries,
//   - ErrStale if a newer attempt owns the stream,
//   - errMismatch if the list had another length or did not exist,
//   - any other error if it is unknown whether the step was applied.
//
// The batcher sends it in one MULTI with steps of other streams. So no key lacks a TTL
// at any moment, and entries that Redis refuses to store (READONLY, OOM) are not
// published.
//
// A MULTI cannot branch: entries are appended even if the length is wrong. They are not
// valid then, because their index is not their position, and the newest writer's next step finds
// the wrong length and writes the list again. An older attempt notices the same way that
// a newer one has written the list. If the lengths happen to be equal, the older entries
// are still not valid, and the next step with metadata returns ErrStale.
//
// RPUSHX never creates a key, so a lost list does not come back without a TTL. A Lua
// script could refuse the append, but costs ten times as much on the embedded engine.
func (l *Log) append(ctx context.Context, s step) error { return l.batcher.append(ctx, s) }

// appendReply holds the replies to the commands of an append.
type appendReply struct {
	attempt *redis.StringCmd // nil without metadata
	length  *redis.IntCmd
}

// queue adds the commands of an append to a pipeline.
func (s step) queue(ctx context.Context, p redis.Pipeliner, o settings) (r appendReply) {
	n := o.names
	if s.meta != nil || len(s.entries) == 0 {
		r.attempt = p.HGet(ctx, n.Metadata(s.taskID), metaAttempt)
	}
	switch {
	case len(s.entries) == 0:
		r.length = p.LLen(ctx, n.Chunks(s.taskID))
	case s.before == 0:
		r.length = p.RPush(ctx, n.Chunks(s.taskID), anys(s.entries)...)
	default:
		r.length = p.RPushX(ctx, n.Chunks(s.taskID), anys(s.entries)...)
	}
	s.publishTo(ctx, p, o)
	return r
}

// outcome returns the result of a step after all its commands have succeeded.
func (r appendReply) outcome(s step) error {
	if r.attempt != nil {
		unwritten := s.before == 0 && errors.Is(r.attempt.Err(), redis.Nil)
		if err := checkAttempt(r.attempt, s.attempt); err != nil && !unwritten {
			return err
		}
	}
	return checkLength(r.length, s)
}

// checkLength compares the length of the list after a step with the expected length.
func checkLength(length *redis.IntCmd, s step) error {
	if got, err := length.Result(); err != nil || got != int64(s.before+len(s.entries)) {
		return errMismatch
	}
	return nil
}

// length returns the length of the list. The error is ErrStale or errMismatch if attempt
// does not own the stream.
func (l *Log) length(ctx context.Context, taskID string, attempt int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	n := l.opts.names
	var newest *redis.StringCmd
	var length *redis.IntCmd
	_, err := l.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		newest = p.HGet(ctx, n.Metadata(taskID), metaAttempt)
		length = p.LLen(ctx, n.Chunks(taskID))
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return 0, err
	}
	if err := checkAttempt(newest, attempt); err != nil {
		return 0, err
	}
	got, err := length.Result()
	if err != nil {
		return 0, errMismatch // not a list
	}
	return int(got), nil
}

// rewrite replaces the whole stream by s.entries, unless a newer attempt owns it. WATCH
// makes the check and the step atomic.
func (l *Log) rewrite(ctx context.Context, s step) error {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	n := l.opts.names
	err := l.rdb.Atomically(ctx, n.Metadata(s.taskID), func(tx *redis.Tx) error {
		check := tx.Pipeline()
		watch := check.Do(ctx, "watch", n.Metadata(s.taskID)) // tx.Watch would need another round trip
		newest := check.HGet(ctx, n.Metadata(s.taskID), metaAttempt)
		_, _ = check.Exec(ctx) // each command has its own error
		if err := watch.Err(); err != nil {
			return err
		}
		if err := checkAttempt(newest, s.attempt); errors.Is(err, ErrStale) {
			return err
		}
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Del(ctx, n.Chunks(s.taskID), n.Metadata(s.taskID), n.Packed(s.taskID))
			if len(s.entries) > 0 {
				p.RPush(ctx, n.Chunks(s.taskID), anys(s.entries)...)
			}
			s.publishTo(ctx, p, l.opts)
			return nil
		})
		return err
	})
	if errors.Is(err, redis.TxFailedErr) {
		return errMismatch // the metadata changed meanwhile; the next try reads it
	}
	return err
}

// publishTo adds the commands that publish entries and, when that is due, write the
// metadata and renew the TTLs.
func (s step) publishTo(ctx context.Context, p redis.Pipeliner, o settings) {
	n := o.names
	for _, e := range s.publish {
		o.rdb.PublishTo(ctx, p, n.Channel(s.taskID), e)
	}
	if s.meta != nil {
		p.HSet(ctx, n.Metadata(s.taskID), s.meta...)
		p.PExpire(ctx, n.Metadata(s.taskID), o.TTL)
		p.PExpire(ctx, n.Chunks(s.taskID), o.TTL)
	}
}

// checkAttempt compares the attempt in the metadata with the writer's. Missing metadata
// is a mismatch: the stream was lost or never created.
func checkAttempt(cmd *redis.StringCmd, attempt int) error {
	got, err := cmd.Result()
	if err != nil {
		if errors.Is(err, redis.Nil) {
			return errMismatch
		}
		return err
	}
	newest, err := strconv.Atoi(got)
	switch {
	case err != nil || newest < attempt:
		return errMismatch
	case newest > attempt:
		return ErrStale
	}
	return nil
}

// meta returns all fields of the metadata hash.
func (w *Writer) meta(updated time.Time) []any {
	return []any{
		metaStatus, string(w.status), metaAttempt, w.task.Attempt, metaChunkCount, len(w.entries),
		metaCreatedAt, timestamp(w.created), metaUpdatedAt, timestamp(updated),
		metaFinishReason, w.finish, metaModel, w.model.Load(),
	}
}

func anys(ss []string) []any {
	out := make([]any, len(ss))
	for i, s := range ss {
		out[i] = s
	}
	return out
}
