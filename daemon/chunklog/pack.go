package chunklog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/redis/go-redis/v9"

	"chat"
)

const (
	// packAt is how many entries a list must have to be worth packing.
	packAt = 24
	// maxUnpacked bounds the size of an unpacked list in bytes, because data from Redis
	// is not trusted.
	maxUnpacked = 256 << 20
	// maxTerminal is the size of a terminal chunk that needs no copy.
	maxTerminal = 2 << 10
	// window is the compressor's window in bytes. Entries are alike, so a small window,
	// which costs little memory, is enough.
	window = 128 << 10
)

// compression compresses and decompresses, and is safe for concurrent use.
type compression struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

var codec = sync.OnceValues(func() (c compression, err error) { //nolint:gochecknoglobals // a constant that is costly to make
	if c.enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(2)); err != nil {
		return c, err
	}
	c.dec, err = zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxUnpacked), zstd.WithDecoderConcurrency(2))
	return c, err
})

// encode returns entries, one a line, compressed with zstd (RFC 8878). A list in Redis takes
// some twenty times the memory of its text; the result takes less than the text.
func encode(entries []string) ([]byte, error) {
	c, err := codec()
	if err != nil {
		return nil, err
	}
	return c.enc.EncodeAll([]byte(strings.Join(entries, "\n")), nil), nil
}

// withEntry returns encoded with one more entry. Concatenated frames of zstd are the
// concatenation of their contents.
func withEntry(encoded []byte, entry string) ([]byte, error) {
	c, err := codec()
	if err != nil {
		return nil, err
	}
	return c.enc.EncodeAll([]byte("\n"+entry), slices.Clip(encoded)), nil
}

// decode is the inverse of encode.
func decode(encoded []byte) ([]string, error) {
	c, err := codec()
	if err != nil {
		return nil, err
	}
	// The first frame has nearly everything. Room for the second one avoids a copy.
	var room []byte
	var head zstd.Header
	if head.Decode(encoded) == nil && head.HasFCS && head.FrameContentSize < maxUnpacked {
		room = make([]byte, 0, head.FrameContentSize+maxTerminal)
	}
	text, err := c.dec.DecodeAll(encoded, room)
	if err != nil {
		return nil, err
	}
	return strings.Split(string(text), "\n"), nil
}

// Decode returns the chunks of a log that Writer.Pack has returned.
func Decode(packed []byte) ([]chat.EncodedChunk, error) {
	raw, err := decode(packed)
	if err != nil {
		return nil, fmt.Errorf("decode a packed chunk log: %w", err)
	}
	return valid(raw, 0), nil
}

// pack replaces the list of an ended stream by one string with the same entries.
func (l *Log) pack(ctx context.Context, taskID string, attempt int, packed []byte) error {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	n := l.opts.names
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

// unpack returns all entries of a packed stream, or none.
func (l *Log) unpack(ctx context.Context, taskID string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	packed, err := l.rdb.Get(ctx, l.opts.names.Packed(taskID)).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil
	case err != nil:
		return nil, err
	}
	entries, err := decode(packed)
	if err != nil {
		return nil, fmt.Errorf("unpack the chunks of %s: %w", taskID, err)
	}
	return entries, nil
}
