package chunklog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/redis/go-redis/v9"
)

const (
	// packAt is how many entries a list must have to be worth packing.
	packAt = 24
	// maxUnpacked bounds what a packed list may become, in bytes: it comes from
	// Redis, and is as little trusted as entries are.
	maxUnpacked = 256 << 20
	// window is how far back the compressor looks, in bytes: entries are alike, and
	// a small window costs little memory.
	window = 128 << 10
)

// zstandard compresses and decompresses; both may be used by many at once.
type zstandard struct {
	in  *zstd.Encoder
	out *zstd.Decoder
}

var codec = sync.OnceValues(func() (c zstandard, err error) { //nolint:gochecknoglobals // a constant that is costly to make
	if c.in, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(2)); err != nil {
		return c, err
	}
	c.out, err = zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxUnpacked), zstd.WithDecoderConcurrency(2))
	return c, err
})

// pack replaces the list of an ended stream by one string with the same entries:
// a line each, compressed by zstd (RFC 8878). Each keeps its position. A list takes
// some twenty times the memory of its text; this takes less than the text.
func (l *Log) pack(ctx context.Context, taskID string, attempt int, entries []string) error {
	c, err := codec()
	if err != nil {
		return err
	}
	packed := c.in.EncodeAll([]byte(strings.Join(entries, "\n")), nil)
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	n := l.opts.Names
	return l.rdb.Watch(ctx, func(tx *redis.Tx) error {
		if err := checkAttempt(tx.HGet(ctx, n.Metadata(taskID), metaAttempt), attempt); err != nil {
			return err
		}
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, n.Packed(taskID), packed, l.opts.TTL)
			p.Del(ctx, n.Chunks(taskID))
			return nil
		})
		return err
	}, n.Metadata(taskID))
}

// unpack returns all entries of a stream that was packed, or none.
func (l *Log) unpack(ctx context.Context, taskID string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	packed, err := l.rdb.Get(ctx, l.opts.Names.Packed(taskID)).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil
	case err != nil:
		return nil, err
	}
	c, err := codec()
	if err != nil {
		return nil, err
	}
	text, err := c.out.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack the chunks of %s: %w", taskID, err)
	}
	return strings.Split(string(text), "\n"), nil
}
