package api

import (
	"context"
	"math/rand/v2"
	"net/http"
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

// stream serves GET /stream/{task_id}. It is what a follower spends its time in, so
// neither it nor pump has a large frame: with its buffers, the stack is what an idle
// follower costs.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	f := s.following(w, r)
	if f == nil {
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.draining, cancel)() //nolint:contextcheck // the server's life ends streams too
	err := f.open()
	switch {
	case r.Method == http.MethodHead: // is told what GET would be, and follows nothing
		return // a reader that is gone needs no answer
	case err != nil:
	case f.rec != nil && f.rec.own(f.after) != nil: // a position in the record itself
		err = f.record(f.rec.after(f.after))
	default:
		err = s.pump(ctx, f)
	}
	if err != nil {
		// Whatever the reason: the stream has not ended, so it must not look as
		// if it had. The reader comes back.
		panic(http.ErrAbortHandler)
	}
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
	if s.log.Followers() >= s.opts.MaxStreams {
		writeProblem(w, chat.Errorf(chat.CodeTooMany, "this instance serves its limit of %d streams", s.opts.MaxStreams))
		return nil
	}
	return &frames{w: w, rc: http.NewResponseController(w), owner: p.owner, taskID: task.ID, rec: rec, after: after}
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

// frames writes SSE frames: those of a task, behind a position. Each write has its deadline (pacedWriter), so that a
// reader who does not read costs a bounded buffer for a bounded time.
type frames struct {
	owner  string
	taskID string
	rec    *record // nil while the task runs
	after  chat.Position

	w       http.ResponseWriter
	rc      *http.ResponseController
	buf     []byte
	written time.Time
}

// open sends the headers and a first comment at once, so that proxies and
// clients know that the stream stands.
func (f *frames) open() error {
	h := f.w.Header()
	h.Set("Content-Type", sse.ContentType)
	h.Set("Cache-Control", "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no")
	f.buf = sse.AppendComment(f.buf, "chat")
	f.buf = sse.AppendRetry(f.buf, time.Second+rand.N(2*time.Second))
	return f.flush()
}

func (f *frames) comment(text string) error {
	f.buf = sse.AppendComment(f.buf, text)
	return f.flush()
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
			if err := f.flush(); err != nil || ended {
				return ended, err
			}
		}
	}
	return false, f.flush()
}

func (f *frames) flush() error {
	if len(f.buf) == 0 {
		return nil
	}
	if _, err := f.w.Write(f.buf); err != nil { //nolint:gosec // events, which no browser takes for a page (nosniff)
		return err
	}
	f.buf, f.written = f.buf[:0], time.Now()
	return f.rc.Flush()
}
