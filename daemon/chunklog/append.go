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

// errMismatch says that the list is not what the writer left: it must be
// written again.
var errMismatch = errors.New("chunk log: the list is not what was appended")

// step is one atomic step on a stream.
type step struct {
	taskID  string
	attempt int
	// before is the length that the list must have had; 0 creates it.
	before int
	// entries are pushed; publish are announced (usually the same).
	entries []string
	publish []string
	// meta is written and the TTLs are armed when it is not nil.
	meta []any
	made time.Time
}

// append pushes entries and announces them. The contract:
//
//	in:  expected attempt (the writer's), expected length (before)
//	out: nil if the list has exactly before + len(entries) entries now;
//	     ErrStale if a newer attempt owns the stream;
//	     errMismatch if the list had another length, or was not there;
//	     another error if it is unknown what was done.
//
// A step shares its round trip with the steps of other streams (batcher). All of it
// is one MULTI: no key may be without a TTL for a moment, and a Redis that refuses
// to keep something (READONLY, OOM) must not announce it. A MULTI cannot branch, so
// entries may have been pushed behind a wrong length. They do not count (their
// index is not their position), and the owner's next step finds the length wrong
// and writes the list again. A newer attempt writes a list of another length, so
// that the older one finds out; should the lengths agree by chance, the older
// entries do not count either, and the next step with metadata tells. RPUSHX,
// which never creates a key, keeps a list that was lost from coming back without a
// TTL. Lua could refuse instead, but costs ten times as much on the embedded engine.
func (l *Log) append(ctx context.Context, s step) error { return l.batcher.append(ctx, s) }

// appended is what Redis says of an append.
type appended struct {
	attempt *redis.StringCmd // nil without metadata
	length  *redis.IntCmd
}

// put adds the commands of an append to a pipeline.
func (s step) put(ctx context.Context, p redis.Pipeliner, o Options) (a appended) {
	n := o.Names
	if s.meta != nil || len(s.entries) == 0 {
		a.attempt = p.HGet(ctx, n.Metadata(s.taskID), metaAttempt)
	}
	switch {
	case len(s.entries) == 0:
		a.length = p.LLen(ctx, n.Chunks(s.taskID))
	case s.before == 0:
		a.length = p.RPush(ctx, n.Chunks(s.taskID), anys(s.entries)...)
	default:
		a.length = p.RPushX(ctx, n.Chunks(s.taskID), anys(s.entries)...)
	}
	s.announce(ctx, p, o)
	return a
}

// check is the outcome of a step whose commands all have been answered.
func (a appended) check(s step) error {
	if a.attempt != nil {
		unwritten := s.before == 0 && errors.Is(a.attempt.Err(), redis.Nil)
		if err := checkAttempt(a.attempt, s.attempt); err != nil && !unwritten {
			return err
		}
	}
	return checkLength(a.length, s)
}

// checkLength compares the length of the list after a step with what it must be.
func checkLength(length *redis.IntCmd, s step) error {
	if got, err := length.Result(); err != nil || got != int64(s.before+len(s.entries)) {
		return errMismatch
	}
	return nil
}

// length returns the length of the list, if attempt owns the stream.
func (l *Log) length(ctx context.Context, taskID string, attempt int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	n := l.opts.Names
	var owner *redis.StringCmd
	var length *redis.IntCmd
	_, err := l.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		owner = p.HGet(ctx, n.Metadata(taskID), metaAttempt)
		length = p.LLen(ctx, n.Chunks(taskID))
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return 0, err
	}
	if err := checkAttempt(owner, attempt); err != nil {
		return 0, err
	}
	got, err := length.Result()
	if err != nil {
		return 0, errMismatch // not a list
	}
	return int(got), nil
}

// rewrite replaces the whole stream by s.entries, unless a newer attempt owns
// it. The WATCH makes the check and the step one.
func (l *Log) rewrite(ctx context.Context, s step) error {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	n := l.opts.Names
	err := l.rdb.Watch(ctx, func(tx *redis.Tx) error {
		look := tx.Pipeline()
		watch := look.Do(ctx, "watch", n.Metadata(s.taskID)) // tx.Watch takes a round trip of its own
		owner := look.HGet(ctx, n.Metadata(s.taskID), metaAttempt)
		_, _ = look.Exec(ctx) // each command has its error
		if err := watch.Err(); err != nil {
			return err
		}
		if err := checkAttempt(owner, s.attempt); errors.Is(err, ErrStale) {
			return err
		}
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Del(ctx, n.Chunks(s.taskID), n.Metadata(s.taskID), n.Packed(s.taskID))
			if len(s.entries) > 0 {
				p.RPush(ctx, n.Chunks(s.taskID), anys(s.entries)...)
			}
			s.announce(ctx, p, l.opts)
			return nil
		})
		return err
	})
	if errors.Is(err, redis.TxFailedErr) {
		return errMismatch // the metadata changed meanwhile: look again
	}
	return err
}

// announce publishes and, when the metadata is due, arms the TTLs.
func (s step) announce(ctx context.Context, p redis.Pipeliner, o Options) {
	n := o.Names
	for _, e := range s.publish {
		p.Publish(ctx, n.Channel(s.taskID), e)
	}
	if s.meta != nil {
		p.HSet(ctx, n.Metadata(s.taskID), s.meta...)
		p.PExpire(ctx, n.Metadata(s.taskID), o.TTL)
		p.PExpire(ctx, n.Chunks(s.taskID), o.TTL)
	}
}

// checkAttempt compares the attempt in the metadata with the writer's. Missing
// metadata is a mismatch: the stream was lost or never begun.
func checkAttempt(cmd *redis.StringCmd, mine int) error {
	got, err := cmd.Result()
	if err != nil {
		if errors.Is(err, redis.Nil) {
			return errMismatch
		}
		return err
	}
	owner, err := strconv.Atoi(got)
	switch {
	case err != nil || owner < mine:
		return errMismatch
	case owner > mine:
		return ErrStale
	}
	return nil
}

// meta is the full set of fields of the metadata hash.
func (w *Writer) meta(updated time.Time) []any {
	return []any{
		metaStatus, string(w.status), metaAttempt, w.task.Attempt, metaChunkCount, len(w.entries),
		metaCreatedAt, stamp(w.created), metaUpdatedAt, stamp(updated),
		metaFinishReason, w.finish, metaModel, w.task.Model,
	}
}

func anys(ss []string) []any {
	out := make([]any, len(ss))
	for i, s := range ss {
		out[i] = s
	}
	return out
}
