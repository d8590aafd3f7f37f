package api

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"time"

	"chat"
	"chat/sse"
)

// flushAt is how many bytes of frames are gathered before a write.
const flushAt = 32 << 10

// unplaceable is a position that no attempt ever had: the log answers it with a
// reset and everything from the start. It stands for every cursor that makes no
// sense.
func unplaceable() chat.Position { return chat.Position{Attempt: 0, Index: 0} }

// stream serves GET /stream/{task_id}. The stream outlives the handler, on a
// connection of its own; Wait waits for it.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	f := s.following(w, r)
	if f == nil {
		return
	}
	leave := s.enter(w)
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
	conn, err := takeOver(w, r, s.opts.WriteTimeout)
	if err != nil {
		leave()
		s.opts.Logger.Warn("api: a stream cannot have its connection", "task", f.taskID, "err", err)
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
		s.follow(f)
	})
}

// enter takes one of the places for streams, and counts as a request for as long as
// that is held: the request's own place is given up with its handler. Without a
// place it answers, and returns nil.
func (s *Server) enter(w http.ResponseWriter) (leave func()) {
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

// follow writes a stream to its end. Whatever else ends it cuts the connection: the
// stream has not ended, so it must not look as if it had, and its reader comes back.
func (s *Server) follow(f *frames) {
	ctx, gone := context.WithCancel(s.draining)
	if f.ended != nil {
		defer f.ended()
	}
	defer f.conn.cut()
	defer gone()
	defer func() {
		if v := recover(); v != nil {
			s.opts.Logger.Error("api: a stream panicked", "task", f.taskID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	// A write that waits for its reader does not hold up the end of the server.
	defer context.AfterFunc(s.draining, func() { _ = f.conn.Close() })()
	if f.rec == nil {
		f.conn.watch(gone)
	} else { // what there is to be read may be read by somebody who says no more
		f.conn.watch(func() {})
	}
	if s.tell(ctx, f) == nil {
		f.conn.finish()
	}
}

// tell writes all of a stream. Its error is that the reader or the server is gone, or
// what SQL or the log have against the task, and have said in the log.
func (s *Server) tell(ctx context.Context, f *frames) error {
	if err := f.open(); err != nil {
		return err
	}
	if f.rec != nil && f.rec.own(f.after) != nil { // a position in the record itself
		return f.record(f.rec.after(f.after))
	}
	return s.pump(ctx, f)
}

// following is what a request wants to follow, or nil if it has been answered.
func (s *Server) following(w http.ResponseWriter, r *http.Request) *frames {
	p := principalOf(r)
	task, rec, err := s.look(r.Context(), s.opts.StorePatience, p.owner, r.PathValue("task_id"))
	if err != nil {
		s.logFailure(r, err)
		writeProblem(w, err)
		return nil
	}
	after := cursorOf(r)
	if after.Attempt > task.Attempt && (rec == nil || rec.own(after) == nil) {
		after = unplaceable()
	}
	if rec != nil && rec.ended(after) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return &frames{owner: p.owner, taskID: task.ID, rec: rec, after: after}
}

// look asks SQL for a task and, if that has ended, its record.
func (s *Server) look(ctx context.Context, patience time.Duration, owner, taskID string) (task chat.Task, rec *record, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if task, err = s.store.Task(ctx, owner, taskID); err == nil {
		rec, err = s.recordOf(ctx, owner, task)
	}
	return task, rec, err
}

// cursorOf is the position to resume after: Last-Event-ID, or ?after=.
func cursorOf(r *http.Request) chat.Position {
	v := r.Header.Get("Last-Event-ID")
	if v == "" {
		v = r.URL.Query().Get("after")
	}
	p, err := chat.ParsePosition(v)
	if err != nil {
		return unplaceable()
	}
	return p
}

// frames writes SSE frames: those of a task, behind a position. Each write has its
// deadline (streamConn), so that a reader who does not read costs a bounded buffer
// for a bounded time.
type frames struct {
	owner  string
	taskID string
	rec    *record // nil while the task runs
	after  chat.Position

	conn    *streamConn
	ended   func() // writes the access log, if it is on
	buf     []byte // lengthRoom bytes, then frames
	written time.Time
}

// open sends a first comment at once, so that proxies and clients know that the
// stream stands.
func (f *frames) open() error {
	f.buf = make([]byte, lengthRoom, 256)
	f.buf = sse.AppendComment(f.buf, "chat")
	f.buf = sse.AppendRetry(f.buf, time.Second+rand.N(2*time.Second))
	return f.flush(false)
}

func (f *frames) comment(text string) error {
	f.buf = sse.AppendComment(f.buf, text)
	return f.flush(false)
}

// record writes a record's chunks.
func (f *frames) record(chunks []chat.Chunk) error {
	for _, c := range chunks {
		encoded, err := c.Encode()
		if err != nil {
			return err
		}
		if ended, err := f.chunks(encoded); err != nil || ended {
			return err
		}
	}
	return nil
}

// chunks writes and flushes; ended says that the terminal chunk was among them.
func (f *frames) chunks(chunks ...chat.EncodedChunk) (ended bool, err error) {
	for _, c := range chunks {
		f.buf = sse.AppendEncoded(f.buf, c)
		ended = c.Terminal()
		if len(f.buf) >= flushAt || ended {
			if err := f.flush(ended); err != nil || ended {
				return ended, err
			}
		}
	}
	return false, f.flush(false)
}

// keptBuffer is the largest buffer that a waiting follower keeps.
const keptBuffer = 4 << 10

// flush sends what is gathered; last says that it is the end of the stream.
func (f *frames) flush(last bool) error {
	if len(f.buf) == lengthRoom {
		return nil
	}
	if err := f.conn.send(f.buf, last); err != nil {
		return err
	}
	if f.buf = f.buf[:lengthRoom]; cap(f.buf) > keptBuffer {
		f.buf = make([]byte, lengthRoom, 256)
	}
	f.written = time.Now()
	return nil
}
