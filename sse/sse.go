// Package sse reads and writes server-sent events as the WHATWG HTML standard
// defines them (section 9.2, "Server-sent events"), and is the only place where
// a chat.Chunk becomes a frame or a frame becomes a chat.Chunk.
//
// The model providers and the client of the daemon use the same Reader. It follows the
// standard for bare CR, CRLF, a byte order mark, comments, data over several lines, and
// fields that are split over several reads.
package sse

// ContentType is the media type of an event stream.
const ContentType = "text/event-stream"

// Event is one dispatched event. The zero Type means "message".
type Event struct {
	// ID is the last event id in force when the event was dispatched: an event
	// without an id line has the id of the one before it.
	ID   string
	Type string
	// Data is valid until the next call to Next.
	Data []byte
}
