package api

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"time"

	"chat"
	"chat/daemon/api/events"
	"chat/daemon/api/surface"
	"chat/daemon/follow"
	"chat/sse"
)

// stream serves GET /stream/{task_id}.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	if chunks := s.parseFollow(w, r); chunks != nil {
		s.send(w, r, chunks, nativeEncoder{}) //nolint:contextcheck // a stream ends with its reader, or with the server
	}
}

// send writes a stream in the form of e. The stream outlives the handler, on a connection of
// its own; Wait waits for it.
func (s *Server) send(w http.ResponseWriter, r *http.Request, chunks *follow.Stream, e surface.Encoder) {
	leave, err := s.acquire()
	if err != nil {
		writeProblem(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", sse.ContentType)
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead { // the headers of GET, without a stream
		leave()
		return
	}
	conn, err := events.Hijack(w, r, s.opts.WriteTimeout)
	if err != nil {
		leave()
		s.opts.Logger.Warn("api: cannot take over the connection of a stream", "task", chunks.TaskID(), "err", err)
		panic(http.ErrAbortHandler)
	}
	ended := func() {}
	if s.opts.AccessLog {
		x := exchangeOf(r)
		x.hijacks, x.status = true, http.StatusOK
		ended = func() {
			x.bytes = conn.Sent()
			s.logAccess(r, x)
		}
	}
	s.streams.Go(func() {
		defer leave()
		s.run(chunks, conn, e, ended)
	})
}

// acquire takes one of the slots for streams. The slot also counts as a request, because
// countRequests stops counting when the handler returns.
func (s *Server) acquire() (leave func(), err error) {
	if s.open.Add(1) > int64(s.opts.MaxStreams) {
		s.open.Add(-1)
		return nil, chat.Errorf(chat.CodeTooMany, "this instance serves its limit of %d streams", s.opts.MaxStreams)
	}
	done, ok := s.activity.Begin()
	if !ok {
		s.open.Add(-1)
		return nil, errLeaving()
	}
	return func() {
		done()
		s.open.Add(-1)
	}, nil
}

// run writes a stream to its end. If the stream ends early, run closes the connection
// without the last chunk of the body, so that the reader sees an error and reconnects.
func (s *Server) run(chunks *follow.Stream, conn *events.Conn, e surface.Encoder, ended func()) {
	ctx, gone := context.WithCancel(s.draining)
	defer ended()
	defer conn.Cut()
	defer gone()
	defer func() {
		if v := recover(); v != nil {
			s.opts.Logger.Error("api: a stream panicked", "task", chunks.TaskID(), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	// The end of the server does not wait for a write that waits for its reader.
	defer context.AfterFunc(s.draining, func() { _ = conn.Close() })()
	if chunks.Ended() { // a reader that has closed its side may still read the rest
		conn.Watch(func() {})
	} else {
		conn.Watch(gone)
	}
	if events.Write(ctx, conn, chunks, e) == nil {
		conn.Finish()
	}
}

// parseFollow returns the stream that a request asks for, or nil if it has written a response.
func (s *Server) parseFollow(w http.ResponseWriter, r *http.Request) *follow.Stream {
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
	return chunks
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

// nativeEncoder encodes chunks as events of their own JSON.
type nativeEncoder struct{}

// Open sends a first comment immediately, so that proxies and clients know that the stream
// is there.
func (nativeEncoder) Open(dst []byte) []byte {
	return sse.AppendRetry(sse.AppendComment(dst, "chat"), time.Second+rand.N(2*time.Second))
}

func (nativeEncoder) Append(dst []byte, c chat.EncodedChunk) ([]byte, error) {
	return sse.AppendEncoded(dst, c), nil
}

func (nativeEncoder) Idle(dst []byte) []byte { return sse.AppendComment(dst, "still here") }
