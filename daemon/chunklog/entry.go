package chunklog

import (
	"context"
	"encoding/json"
	"fmt"

	"chat"
)

// decodeEntry reads one list entry or message. What comes out of Redis is
// untrusted: anything that is not a chunk of a known shape is refused.
func decodeEntry(raw string) (chat.Chunk, error) {
	var c chat.Chunk
	if err := json.Unmarshal([]byte(raw), &c); err != nil {
		return c, fmt.Errorf("chunk log entry: %w", err)
	}
	switch c.Type {
	case chat.ChunkContent, chat.ChunkReasoning, chat.ChunkReset, chat.ChunkDone, chat.ChunkError:
	default:
		return c, fmt.Errorf("chunk log entry of unknown type %q", c.Type)
	}
	if c.Index < 0 || c.Attempt < 1 {
		return c, fmt.Errorf("chunk log entry at impossible position %d-%d", c.Attempt, c.Index)
	}
	return c, nil
}

// valid returns the entries that count, given that the first of them stands at
// index first and follows an entry of attempt prev. Nothing counts behind a
// terminal chunk.
func valid(raw []string, first, prev int) []chat.Chunk {
	chunks := make([]chat.Chunk, 0, len(raw))
	for i, r := range raw {
		c, err := decodeEntry(r)
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

// readFrom returns the raw entries from index on, at most n of them.
func (l *Log) readFrom(ctx context.Context, taskID string, index, n int) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	return l.rdb.LRange(ctx, l.opts.Names.Chunks(taskID), int64(index), int64(index+n-1)).Result()
}

// textOf concatenates the newest attempt in chunks.
func textOf(chunks []chat.Chunk) chat.Answer {
	var a chat.Answer
	var content, reasoning []byte
	for _, c := range chunks {
		if c.Attempt != a.Attempt || c.Type == chat.ChunkReset {
			a.Attempt = c.Attempt
			content, reasoning = content[:0], reasoning[:0]
		}
		switch c.Type {
		case chat.ChunkContent:
			content = append(content, c.Content...)
		case chat.ChunkReasoning:
			reasoning = append(reasoning, c.Content...)
		case chat.ChunkReset, chat.ChunkDone, chat.ChunkError:
		}
	}
	a.Content, a.Reasoning = string(content), string(reasoning)
	return a
}
