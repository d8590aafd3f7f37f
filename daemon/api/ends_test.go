package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"chat"
	"chat/daemon/chunklog"
	"chat/sse"
)

// The two ends of a stream, as tests play them: the attempt that writes it and the
// follower that reads it.

// attempt is one attempt at a task, made by the test.
type attempt struct {
	h     *harness
	claim chat.Claim
	w     *chunklog.Writer
	text  strings.Builder
	// unlogged says that SQL does not get the log.
	unlogged bool
}

func (h *harness) claim(acc chat.Accepted) *attempt {
	h.Helper()
	claims, err := h.store.Claim(h.Context(), "w1", 1, false)
	h.must(err)
	if len(claims) != 1 || claims[0].ID != acc.TaskID {
		h.Fatalf("claimed %+v", claims)
	}
	w, _, err := h.log.Begin(h.Context(), claims[0].Task, func() bool { return true })
	h.must(err)
	return &attempt{h: h, claim: claims[0], w: w}
}

// write appends each text as a chunk of its own.
func (a *attempt) write(texts ...string) {
	a.h.Helper()
	for _, text := range texts {
		a.text.WriteString(text)
		a.w.Add(chat.Chunk{Type: chat.ChunkContent, Content: text})
		_, err := a.w.Seal(a.h.Context(), "", false)
		a.h.must(err)
	}
}

// commit ends the task in SQL, publish in the log.
func (a *attempt) commit() chat.Task {
	a.h.Helper()
	n, err := a.w.Seal(a.h.Context(), "stop", true)
	a.h.must(err)
	packed := a.w.Pack()
	if a.unlogged {
		packed = nil
	}
	return a.finish(chat.Result{State: chat.TaskDone, FinishReason: "stop", ChunkCount: n + 1, Log: packed})
}

// finish writes a result to SQL.
func (a *attempt) finish(r chat.Result) chat.Task {
	a.h.Helper()
	r.TaskID, r.Attempt, r.Parts = a.claim.ID, a.claim.Attempt, chat.TextParts(a.text.String())
	r.Kind = a.claim.Kind
	a.h.must(a.h.store.Finish(a.h.Context(), r))
	task, err := a.h.store.Task(a.h.Context(), chat.LocalOwner, a.claim.ID)
	a.h.must(err)
	return task
}

func (a *attempt) publish(task chat.Task) {
	a.h.Helper()
	c, _ := task.TerminalChunk(task.Attempt, task.ChunkCount-1)
	a.h.must(a.w.Close(a.h.Context(), c))
}

func (a *attempt) end() { a.publish(a.commit()) }

// fail ends the task with an error.
func (a *attempt) fail(code chat.Code) {
	a.h.Helper()
	n, err := a.w.Seal(a.h.Context(), "", true)
	a.h.must(err)
	a.publish(a.finish(chat.Result{State: chat.TaskFailed, Err: chat.Errorf(code, "the provider failed"), ChunkCount: n + 1, Log: a.w.Pack()}))
}

// release returns the task to the queue, as a failed attempt does.
func (a *attempt) release() {
	a.h.Helper()
	a.h.must(a.h.store.Release(a.h.Context(), chat.Release{TaskID: a.claim.ID, Attempt: a.claim.Attempt, Counts: true, Parts: chat.TextParts(a.text.String())}))
}

// finished is a task with the given chunks and its end.
func (h *harness) finished(texts ...string) chat.Accepted {
	h.Helper()
	acc := h.submitted()
	a := h.claim(acc)
	a.write(texts...)
	a.end()
	return acc
}

// follower reads one connection to a stream.
type follower struct {
	h      *harness
	res    *http.Response
	r      *sse.Reader
	notes  chan string // comments
	cancel context.CancelFunc
}

func (h *harness) open(taskID, query string, more ...with) *follower {
	h.Helper()
	ctx, cancel := context.WithCancel(h.Context())
	res, err := h.local.Transport.RoundTrip(h.request("http://chat", "GET", "/stream/"+taskID+query, "", more...).WithContext(ctx)) //nolint:bodyclose // close does
	h.must(err)
	f := &follower{h: h, res: res, r: sse.NewReader(res.Body, 0), notes: make(chan string, 1000), cancel: cancel}
	f.r.OnComment = func(b []byte) { f.notes <- string(bytes.TrimSpace(b)) }
	h.Cleanup(f.close)
	return f
}

func (f *follower) close() {
	f.cancel()
	_ = f.res.Body.Close()
}

// next reads n chunks.
func (f *follower) next(n int) []chat.Chunk {
	f.h.Helper()
	var chunks []chat.Chunk
	for range n {
		e, err := f.r.Next()
		if err != nil {
			f.h.Fatalf("after %s: %v", formatChunks(chunks), err)
		}
		c, err := sse.DecodeChunk(e)
		f.h.must(err)
		chunks = append(chunks, c)
	}
	return chunks
}

// rest reads to the end of the connection; err is nil for a clean end.
func (f *follower) rest() ([]chat.Chunk, error) {
	f.h.Helper()
	var chunks []chat.Chunk
	for {
		e, err := f.r.Next()
		if errors.Is(err, io.EOF) {
			return chunks, nil
		}
		if err != nil {
			return chunks, err
		}
		c, err := sse.DecodeChunk(e)
		f.h.must(err)
		chunks = append(chunks, c)
	}
}

// whole reads to the clean end and judges what came.
func (f *follower) whole() []chat.Chunk {
	f.h.Helper()
	chunks, err := f.rest()
	f.h.must(err)
	for i, c := range chunks {
		if i > 0 && !chunks[i-1].Position().Less(c.Position()) || c.Terminal() != (i == len(chunks)-1) {
			f.h.Errorf("chunk %d of %s", i, formatChunks(chunks))
		}
	}
	return chunks
}

// formatChunks is chunks in one line: position, type, content.
func formatChunks(chunks []chat.Chunk) string {
	var b strings.Builder
	for i, c := range chunks {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(c.Position().String() + ":" + string(c.Type))
		if c.Type == chat.ChunkContent {
			b.WriteString("=" + c.Content)
		}
	}
	return b.String()
}
