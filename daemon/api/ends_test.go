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
	l     *lab
	claim chat.Claim
	w     *chunklog.Writer
	text  strings.Builder
}

func (l *lab) claim(acc chat.Accepted) *attempt {
	l.Helper()
	claims, err := l.store.Claim(l.Context(), "w1", 1, false)
	l.must(err)
	if len(claims) != 1 || claims[0].ID != acc.TaskID {
		l.Fatalf("claimed %+v", claims)
	}
	w, _, err := l.log.Begin(l.Context(), claims[0].Task, func() bool { return true })
	l.must(err)
	return &attempt{l: l, claim: claims[0], w: w}
}

// write appends each text as a chunk of its own.
func (a *attempt) write(texts ...string) {
	a.l.Helper()
	for _, text := range texts {
		a.text.WriteString(text)
		a.w.Add(chat.Chunk{Type: chat.ChunkContent, Content: text})
		_, err := a.w.Seal(a.l.Context(), "", false)
		a.l.must(err)
	}
}

// commit ends the task in SQL, publish in the log.
func (a *attempt) commit() chat.Task {
	a.l.Helper()
	n, err := a.w.Seal(a.l.Context(), "stop", true)
	a.l.must(err)
	a.l.must(a.l.store.Finish(a.l.Context(), chat.Result{
		TaskID: a.claim.ID, Attempt: a.claim.Attempt, State: chat.TaskDone, Parts: chat.TextParts(a.text.String()),
		FinishReason: "stop", ChunkCount: n + 1,
	}))
	task, err := a.l.store.Task(a.l.Context(), chat.LocalOwner, a.claim.ID)
	a.l.must(err)
	return task
}

func (a *attempt) publish(task chat.Task) {
	a.l.Helper()
	c, _ := task.TerminalChunk(task.Attempt, task.ChunkCount-1)
	a.l.must(a.w.Close(a.l.Context(), c))
}

func (a *attempt) end() { a.publish(a.commit()) }

// handback returns the task to the queue, as a failed attempt does.
func (a *attempt) handback() {
	a.l.Helper()
	a.l.must(a.l.store.Requeue(a.l.Context(), chat.Release{TaskID: a.claim.ID, Attempt: a.claim.Attempt, Counts: true, Parts: chat.TextParts(a.text.String())}))
}

// finished is a task with the given chunks and its end.
func (l *lab) finished(texts ...string) chat.Accepted {
	l.Helper()
	acc := l.submitted()
	a := l.claim(acc)
	a.write(texts...)
	a.end()
	return acc
}

// follower reads one connection to a stream.
type follower struct {
	l      *lab
	res    *http.Response
	r      *sse.Reader
	notes  chan string // comments
	cancel context.CancelFunc
}

func (l *lab) open(taskID, query string, more ...with) *follower {
	l.Helper()
	ctx, cancel := context.WithCancel(l.Context())
	res, err := l.local.Transport.RoundTrip(l.request("http://chat", "GET", "/stream/"+taskID+query, "", more...).WithContext(ctx)) //nolint:bodyclose // close does
	l.must(err)
	f := &follower{l: l, res: res, r: sse.NewReader(res.Body, 0), notes: make(chan string, 1000), cancel: cancel}
	f.r.OnComment = func(b []byte) { f.notes <- string(bytes.TrimSpace(b)) }
	l.Cleanup(f.close)
	return f
}

func (f *follower) close() {
	f.cancel()
	_ = f.res.Body.Close()
}

// next reads n chunks.
func (f *follower) next(n int) []chat.Chunk {
	f.l.Helper()
	var chunks []chat.Chunk
	for range n {
		e, err := f.r.Next()
		if err != nil {
			f.l.Fatalf("after %s: %v", told(chunks), err)
		}
		c, err := sse.DecodeChunk(e)
		f.l.must(err)
		chunks = append(chunks, c)
	}
	return chunks
}

// rest reads to the end of the connection; err is nil for a clean end.
func (f *follower) rest() ([]chat.Chunk, error) {
	f.l.Helper()
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
		f.l.must(err)
		chunks = append(chunks, c)
	}
}

// whole reads to the clean end and judges what came.
func (f *follower) whole() []chat.Chunk {
	f.l.Helper()
	chunks, err := f.rest()
	f.l.must(err)
	for i, c := range chunks {
		if i > 0 && !chunks[i-1].Position().Less(c.Position()) || c.Terminal() != (i == len(chunks)-1) {
			f.l.Errorf("chunk %d of %s", i, told(chunks))
		}
	}
	return chunks
}

// told is chunks in one line: position, type, content.
func told(chunks []chat.Chunk) string {
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
