package chunklog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"chat"
)

// parseEntry parses one list entry or message. Data from Redis is not trusted: an error
// is returned for anything that is not a chunk.
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
	// Unknown types and fields pass through: a newer version may write the log and read it.
	var line bytes.Buffer
	if err := json.Compact(&line, []byte(strings.ToValidUTF8(raw, "\uFFFD"))); err != nil {
		return chat.EncodedChunk{}, fmt.Errorf("chunk log entry: %w", err)
	}
	return chat.EncodedChunk{Index: c.Index, Attempt: c.Attempt, Type: c.Type, JSON: line.String()}, nil
}

// valid parses the valid entries of raw, whose first entry has the index first. It stops
// at the first entry that is not valid, and after a terminal chunk.
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
