package chunklog

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/chunklog/entry"
)

// loadPrevious puts the entries of earlier attempts first, and returns their answer.
func (w *Writer) loadPrevious(ctx context.Context) (chat.Answer, error) {
	raw, chunks, err := w.log.readAll(ctx, w.task.ID)
	if err != nil {
		return chat.Answer{}, err
	}
	a, err := w.log.answerOf(ctx, w.task.ID, chunks)
	if err != nil {
		return a, err
	}
	w.entries = withoutTerminal(raw, chunks)
	w.published = len(w.entries)
	return a, nil
}

// checkList keeps a first attempt from overwriting entries. There are entries if the
// database was restored from a backup and issues an attempt number for the second time.
// The positions that readers have must not come to mean another text.
func (w *Writer) checkList(ctx context.Context) error {
	found, err := w.log.exists(ctx, w.task.ID)
	if err == nil && found {
		err = w.prependExisting(ctx)
	}
	if err == nil {
		w.list = w.list.afterCheck(found)
	}
	return err
}

// exists reports whether Redis has anything of a stream. A packed list has metadata
// with the same TTL.
func (l *Log) exists(ctx context.Context, taskID string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	n := l.opts.names
	var attempt *redis.StringCmd
	var length *redis.IntCmd
	_, err := l.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		attempt, length = p.HGet(ctx, n.Metadata(taskID), metaAttempt), p.LLen(ctx, n.Chunks(taskID))
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) && !strings.HasPrefix(err.Error(), "WRONGTYPE") {
		return false, err
	}
	return attempt.Err() == nil || length.Val() > 0, nil
}

// prependExisting puts the entries in Redis before those of a first attempt, with a
// reset between them.
func (w *Writer) prependExisting(ctx context.Context) error {
	raw, chunks, err := w.log.readAll(ctx, w.task.ID)
	if err != nil {
		return err
	}
	ours := w.entries
	w.entries = slices.Clip(withoutTerminal(raw, chunks))
	w.published = len(w.entries)
	if len(w.entries) > 0 {
		err = w.index(chat.Chunk{Type: chat.ChunkReset})
	}
	for _, e := range ours {
		if err == nil {
			err = w.reindex(e)
		}
	}
	return err
}

// reindex appends one of this writer's entries again, with the next index.
func (w *Writer) reindex(raw string) error {
	c, err := entry.Parse(raw)
	if err != nil {
		return err
	}
	decoded, err := c.Decode()
	if err != nil {
		return err
	}
	return w.index(decoded)
}

// withoutTerminal returns raw without a terminal chunk, which no transaction committed.
// chunks are the parsed entries.
func withoutTerminal(raw []string, chunks []chat.EncodedChunk) []string {
	if n := len(chunks); n > 0 && chunks[n-1].Terminal() {
		return raw[:n-1]
	}
	return raw
}
