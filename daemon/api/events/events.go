// Package events writes the events of a stream to a connection that it takes over from
// net/http.
package events

import (
	"context"

	"chat"
	"chat/daemon/api/surface"
	"chat/daemon/follow"
)

// flushAt is how many bytes of events are gathered before a write.
const flushAt = 32 << 10

// keptBuffer is the largest buffer that a waiting stream keeps.
const keptBuffer = 4 << 10

// writer writes the chunks of a task in the form of its encoder. Each write has its deadline
// (Conn), so that a reader who does not read costs a bounded buffer for a bounded time.
type writer struct {
	conn    *Conn
	encoder surface.Encoder
	buf     []byte // lengthRoom bytes, then events
}

// Write writes the whole stream. It returns an error if the reader or the server is gone, or
// if the chunks cannot be read or encoded.
func Write(ctx context.Context, conn *Conn, s *follow.Stream, e surface.Encoder) error {
	w := &writer{conn: conn, encoder: e, buf: make([]byte, lengthRoom, 256)}
	w.buf = e.Open(w.buf)
	if err := w.flush(false); err != nil {
		return err
	}
	for chunks, err := range s.Chunks(ctx) {
		switch {
		case err != nil:
			return err
		case len(chunks) == 0:
			w.buf = e.Idle(w.buf)
			err = w.flush(false)
		default:
			err = w.write(chunks)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// write writes and flushes chunks.
func (w *writer) write(chunks []chat.EncodedChunk) error {
	for _, c := range chunks {
		var failed error
		w.buf, failed = w.encoder.Append(w.buf, c)
		ended := c.Terminal() && failed == nil
		if len(w.buf) < flushAt && !ended && failed == nil {
			continue
		}
		if err := w.flush(ended); err != nil || ended {
			return err
		}
		if failed != nil {
			return failed
		}
	}
	return w.flush(false)
}

// flush sends what is gathered; last says that it is the end of the stream.
func (w *writer) flush(last bool) error {
	if f, ok := w.encoder.(surface.Flusher); ok {
		w.buf = f.Flush(w.buf)
	}
	if len(w.buf) == lengthRoom && !last {
		return nil
	}
	if err := w.conn.send(w.buf, last); err != nil {
		return err
	}
	if w.buf = w.buf[:lengthRoom]; cap(w.buf) > keptBuffer {
		w.buf = make([]byte, lengthRoom, 256)
	}
	return nil
}
