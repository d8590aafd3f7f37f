package chunklog

import (
	"chat"
	"chat/daemon/chunklog/entry"
)

// valid parses the valid entries of raw, whose first entry has the index first. It stops
// at the first entry that is not valid, and after a terminal chunk.
func valid(raw []string, first int) []chat.EncodedChunk {
	prev := 0 // attempt
	chunks := make([]chat.EncodedChunk, 0, len(raw))
	for i, r := range raw {
		c, err := entry.Parse(r)
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
