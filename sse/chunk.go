package sse

import (
	"encoding/json"
	"strconv"
	"time"

	"chat"
)

// AppendChunk appends c's frame to dst: its JSON as the data, on one line, and its
// position as the id. The event is unnamed, because one called "error" would
// collide with EventSource's own. The data come first, because some clients take an
// id to resume after as soon as they read its line: of a connection that is cut
// between the id and the data, they would never see the data.
func AppendChunk(dst []byte, c chat.Chunk) ([]byte, error) {
	encoded, err := c.Encode()
	if err != nil {
		return dst, err
	}
	return AppendEncoded(dst, encoded), nil
}

// AppendEncoded appends the frame of a chunk in its wire form.
func AppendEncoded(dst []byte, c chat.EncodedChunk) []byte {
	dst = append(dst, "data: "...)
	dst = append(dst, c.JSON...)
	dst = append(dst, "\nid: "...)
	dst = c.Position().Append(dst)
	return append(dst, '\n', '\n')
}

// AppendComment appends a comment, which keeps a connection alive. text must not
// contain a line end. No empty line follows, here and after a retry: the standard
// needs none, and some clients dispatch an event without data at each.
func AppendComment(dst []byte, text string) []byte {
	dst = append(dst, ": "...)
	dst = append(dst, text...)
	return append(dst, '\n')
}

// AppendRetry appends the reconnection time, in whole milliseconds.
func AppendRetry(dst []byte, d time.Duration) []byte {
	dst = append(dst, "retry: "...)
	dst = strconv.AppendInt(dst, d.Milliseconds(), 10)
	return append(dst, '\n')
}

// DecodeChunk reads the chunk in an event. An event of another type, or whose id
// does not match its data, is an error.
func DecodeChunk(e Event) (chat.Chunk, error) {
	var c chat.Chunk
	if e.Type != "" && e.Type != "message" {
		return c, chat.Errorf(chat.CodeInternal, "the stream has an event of type %q", e.Type)
	}
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return c, chat.Errorf(chat.CodeInternal, "the stream has a chunk that is not JSON: %w", err)
	}
	if got := c.Position().String(); got != e.ID {
		return c, chat.Errorf(chat.CodeInternal, "the stream has chunk %s under id %q", got, e.ID)
	}
	return c, nil
}
