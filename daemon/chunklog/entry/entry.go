// Package entry parses the entries of a chunk log: a function of their bytes.
package entry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"chat"
)

// Parse parses one list entry or message. Data from Redis is not trusted: an error
// is returned for anything that is not a chunk.
func Parse(raw string) (chat.EncodedChunk, error) {
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
