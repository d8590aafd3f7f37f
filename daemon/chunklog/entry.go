package chunklog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/redis/go-redis/v9"

	"chat"
)

// parseEntry reads one list entry or message. What comes out of Redis is
// untrusted: anything that is not a chunk of a known shape is refused.
func parseEntry(raw string) (chat.EncodedChunk, error) {
	if c, ok := scanEntry(raw); ok {
		return c, nil
	}
	var c chat.Chunk
	if err := json.Unmarshal([]byte(raw), &c); err != nil {
		return chat.EncodedChunk{}, fmt.Errorf("chunk log entry: %w", err)
	}
	if c.Type == "" || c.Index < 0 || c.Attempt < 1 {
		return chat.EncodedChunk{}, fmt.Errorf("chunk log entry of type %q at impossible position %d-%d", c.Type, c.Attempt, c.Index)
	}
	// Types and fields that this version does not know pass through: a newer one may
	// write the log, and read it.
	var line bytes.Buffer
	if err := json.Compact(&line, []byte(strings.ToValidUTF8(raw, "\uFFFD"))); err != nil {
		return chat.EncodedChunk{}, fmt.Errorf("chunk log entry: %w", err)
	}
	return chat.EncodedChunk{Index: c.Index, Attempt: c.Attempt, Type: c.Type, JSON: line.String()}, nil
}

// valid returns the entries that count, given that the first of them stands at
// index first. Nothing counts behind a terminal chunk.
func valid(raw []string, first int) []chat.EncodedChunk {
	prev := 0 // attempt
	chunks := make([]chat.EncodedChunk, 0, len(raw))
	for i, r := range raw {
		c, err := parseEntry(r)
		if err != nil || c.Index != first+i || c.Attempt < prev {
			break
		}
		prev = c.Attempt
		chunks = append(chunks, c)
		if c.Terminal() {
			break
		}
	}
	return chunks
}

// readFrom returns the raw entries from index on, at most n of them, of a list
// that is not packed.
func (l *Log) readFrom(ctx context.Context, taskID string, index, n int) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	return l.rdb.LRange(ctx, l.opts.Names.Chunks(taskID), int64(index), int64(index+n-1)).Result()
}

// last returns the length of a list that is not packed, and its last entry, "" for none.
func (l *Log) last(ctx context.Context, taskID string) (length int, entry string, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	key := l.opts.Names.Chunks(taskID)
	var n *redis.IntCmd
	var end *redis.StringSliceCmd
	_, err = l.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		n, end = p.LLen(ctx, key), p.LRange(ctx, key, -1, -1)
		return nil
	})
	if err != nil || len(end.Val()) == 0 {
		return 0, "", err
	}
	return int(n.Val()), end.Val()[0], nil
}

// readAll returns all entries that count, as they are in the list and read.
func (l *Log) readAll(ctx context.Context, taskID string) ([]string, []chat.EncodedChunk, error) {
	raw, err := l.readFrom(ctx, taskID, 0, math.MaxInt32)
	if err == nil && len(raw) == 0 {
		raw, err = l.unpack(ctx, taskID)
	}
	if err != nil {
		return nil, nil, err
	}
	chunks := valid(raw, 0)
	return raw[:len(chunks)], chunks, nil
}

// answerIn folds the newest attempt in chunks.
func answerIn(chunks []chat.EncodedChunk) (chat.Answer, error) {
	var a chat.Answer
	for _, encoded := range chunks {
		c, err := encoded.Decode()
		if err != nil {
			return a, err
		}
		if c.Attempt != a.Attempt {
			a.Attempt, a.Parts = c.Attempt, nil
		}
		a.Parts.Apply(c)
	}
	return a, nil
}
