package chunklog

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"chat"
)

// look sees to it that a first attempt does not write over something. There can be
// something if the database was restored from a backup, and gives out the number of an
// attempt for a second time: positions that readers have must not come to mean another
// text.
func (w *Writer) look(ctx context.Context) error {
	there, err := w.log.exists(ctx, w.task.ID)
	if err == nil && there {
		err = w.goOn(ctx)
	}
	w.looked = err == nil
	return err
}

// exists reports whether anything of a stream is in Redis. A list that is packed has its
// metadata for as long.
func (l *Log) exists(ctx context.Context, taskID string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	n := l.opts.Names
	var owner *redis.StringCmd
	var length *redis.IntCmd
	_, err := l.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		owner, length = p.HGet(ctx, n.Metadata(taskID), metaAttempt), p.LLen(ctx, n.Chunks(taskID))
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) && !strings.HasPrefix(err.Error(), "WRONGTYPE") {
		return false, err
	}
	return owner.Err() == nil || length.Val() > 0, nil
}

// goOn puts the entries that are in Redis before those of a first attempt, and a
// reset between the two.
func (w *Writer) goOn(ctx context.Context) error {
	raw, chunks, err := w.log.readAll(ctx, w.task.ID)
	if err != nil {
		return err
	}
	ours := w.entries
	w.entries = slices.Clip(withoutEnd(raw, chunks))
	w.published, w.intact = len(w.entries), false
	if len(w.entries) > 0 {
		err = w.index(chat.Chunk{Type: chat.ChunkReset})
	}
	for _, e := range ours {
		if err == nil {
			err = w.indexAnew(e)
		}
	}
	return err
}

// indexAnew adds an entry of this writer at the next place.
func (w *Writer) indexAnew(entry string) error {
	c, err := parseEntry(entry)
	if err != nil {
		return err
	}
	decoded, err := c.Decode()
	if err != nil {
		return err
	}
	return w.index(decoded)
}

// withoutEnd is raw, whose chunks are given, without an ending, which was never
// committed.
func withoutEnd(raw []string, chunks []chat.EncodedChunk) []string {
	if n := len(chunks); n > 0 && chunks[n-1].Terminal() {
		return raw[:n-1]
	}
	return raw
}
