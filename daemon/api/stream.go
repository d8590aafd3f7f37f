package api

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"time"

	"chat"
	"chat/daemon/follow"
	"chat/sse"
)

// flushAt is how many bytes of frames are gathered before a write.
const flushAt = 32 << 10

// stream serves GET /stream/{task_id}. The stream outlives the handler, on a
// connection of its own; Wait waits for it.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	f := s.parseFollow(w, r)
	if f == nil {
		return
	}
	leave := s.acquireSlot(w)
	if leave == nil {
		return
	}
	h := w.Header()
	h.Set("Content-Type", sse.ContentType)
	h.Set("Cache-Control", "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead { // is told what GET would be, and follows nothing
		leave()
		return
	}
	conn, err := hijack(w, r, s.opts.WriteTimeout)
	if err != nil {
		leave()
		s.opts.Logger.Warn("api: a stream cannot have its connection", "task", f.chunks.TaskID(), "err", err)
		panic(http.ErrAbortHandler)
	}
	f.conn = conn
	if s.opts.AccessLog {
		x := exchangeOf(r)
		x.hijacks, x.status = true, http.StatusOK
		f.ended = func() {
			x.bytes = conn.sent
			s.logAccess(r, x)
		}
	}
	s.streams.Go(func() { //nolint:contextcheck // it ends with its reader, or with the server
		defer leave()
		s.run(f)
	})
}

// acquireSlot takes one of the slots for streams, and counts as a request for as long as
// that is held: the request's own slot is released with its handler. Without a free slot
// it answers, and returns nil.
func (s *Server) acquireSlot(w http.ResponseWriter) (leave func()) {
	if s.open.Add(1) > int64(s.opts.MaxStreams) {
		s.open.Add(-1)
		writeProblem(w, chat.Errorf(chat.CodeTooMany, "this instance serves its limit of %d streams", s.opts.MaxStreams))
		return nil
	}
	done, ok := s.activity.Begin()
	if !ok {
		s.open.Add(-1)
		writeProblem(w, errLeaving())
		return nil
	}
	return func() {
		done()
		s.open.Add(-1)
	}
}

// run writes a stream to its end. Whatever else ends it cuts the connection: the stream
// has not ended, so it must not look as if it had, and its reader comes back.
func (s *Server) run(f *sseStream) {
	ctx, gone := context.WithCancel(s.draining)
	if f.ended != nil {
		defer f.ended()
	}
	defer f.conn.cut()
	defer gone()
	defer func() {
		if v := recover(); v != nil {
			s.opts.Logger.Error("api: a stream panicked", "task", f.chunks.TaskID(), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	// A write that waits for its reader does not hold up the end of the server.
	defer context.AfterFunc(s.draining, func() { _ = f.conn.Close() })()
	if f.chunks.Ended() { // what there is to be read may be read by somebody who says no more
		f.conn.watch(func() {})
	} else {
		f.conn.watch(gone)
	}
	if f.serve(ctx) == nil {
		f.conn.finish()
	}
}

// parseFollow is the stream that a request asks for, or nil if it has been answered.
func (s *Server) parseFollow(w http.ResponseWriter, r *http.Request) *sseStream {
	ctx, cancel := context.WithTimeout(r.Context(), s.opts.StoreTimeout)
	defer cancel()
	chunks, err := s.follower.Open(ctx, principalOf(r).owner, r.PathValue("task_id"), cursorOf(r))
	if err != nil {
		s.logFailure(r, err)
		writeProblem(w, err)
		return nil
	}
	if chunks.Complete() {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return &sseStream{chunks: chunks}
}

// cursorOf is the position to resume after: Last-Event-ID, or ?after=.
func cursorOf(r *http.Request) chat.Position {
	v := r.Header.Get("Last-Event-ID")
	if v == "" {
		v = r.URL.Query().Get("after")
	}
	p, err := chat.ParsePosition(v)
	if err != nil {
		return follow.InvalidPosition()
	}
	return p
}

// sseStream writes the chunks of a task as SSE frames. Each write has its deadline
// (rawStream), so that a reader who does not read costs a bounded buffer for a bounded
// time.
type sseStream struct {
	chunks *follow.Stream
	conn   *rawStream
	ended  func() // writes the access log, if it is on
	buf    []byte // lengthRoom bytes, then frames
}

// serve writes all of a stream. Its error is that the reader or the server is gone, or
// that of the chunks.
func (f *sseStream) serve(ctx context.Context) error {
	if err := f.open(); err != nil {
		return err
	}
	for chunks, err := range f.chunks.Chunks(ctx) {
		if err == nil && len(chunks) == 0 {
			err = f.comment("still here")
		}
		if err == nil {
			err = f.write(chunks)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// open sends a first comment immediately, so that proxies and clients know that the
// stream is there.
func (f *sseStream) open() error {
	f.buf = make([]byte, lengthRoom, 256)
	f.buf = sse.AppendComment(f.buf, "chat")
	f.buf = sse.AppendRetry(f.buf, time.Second+rand.N(2*time.Second))
	return f.flush(false)
}

func (f *sseStream) comment(text string) error {
	f.buf = sse.AppendComment(f.buf, text)
	return f.flush(false)
}

// write writes and flushes chunks.
func (f *sseStream) write(chunks []chat.EncodedChunk) error {
	for _, c := range chunks {
		f.buf = sse.AppendEncoded(f.buf, c)
		if ended := c.Terminal(); len(f.buf) >= flushAt || ended {
			if err := f.flush(ended); err != nil || ended {
				return err
			}
		}
	}
	return f.flush(false)
}

// keptBuffer is the largest buffer that a waiting follower keeps.
const keptBuffer = 4 << 10

// flush sends what is gathered; last says that it is the end of the stream.
func (f *sseStream) flush(last bool) error {
	if len(f.buf) == lengthRoom {
		return nil
	}
	if err := f.conn.send(f.buf, last); err != nil {
		return err
	}
	if f.buf = f.buf[:lengthRoom]; cap(f.buf) > keptBuffer {
		f.buf = make([]byte, lengthRoom, 256)
	}
	return nil
}
