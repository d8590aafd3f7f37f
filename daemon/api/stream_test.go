package api_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/api"
	"chat/daemon/chunklog/chunklogtest"
	"chat/sse"
)

func TestAStreamOpensImmediately(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.submitted() // no one works on it
	began := time.Now()
	f := h.open(acc.TaskID, "")
	header := f.res.Header
	if f.res.StatusCode != http.StatusOK || header.Get("Content-Type") != "text/event-stream" || header.Get("Cache-Control") != "no-store, no-transform" || header.Get("X-Accel-Buffering") != "no" || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v", f.res.StatusCode, header)
	}
	a := h.claim(acc)
	a.write("x")
	f.next(1)
	select {
	case note := <-f.notes:
		if note == "" || time.Since(began) > time.Second {
			t.Errorf("%q after %s", note, time.Since(began))
		}
	default:
		t.Error("no comment came first")
	}
	if r := f.r.Retry(); r < time.Second || r > 3*time.Second {
		t.Errorf("retry %s", r)
	}
}

func TestAStreamSendsHeartbeats(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{Heartbeat: 30 * time.Millisecond})
	acc := h.submitted()
	f := h.open(acc.TaskID, "")
	read := make(chan []chat.Chunk, 1)
	go func() { read <- f.whole() }()
	for range 5 {
		select {
		case <-f.notes:
		case <-time.After(testTimeout):
			t.Fatal("no heartbeat")
		}
	}
	a := h.claim(acc)
	a.write("x")
	a.end()
	if got := <-read; chunklogtest.Content(got) != "x" {
		t.Errorf("%s", formatChunks(got))
	}
}

func TestALiveStreamIsSeenWholeByAll(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.submitted()
	early := h.open(acc.TaskID, "")
	a := h.claim(acc)
	a.write("a ", "b ")
	late := h.open(acc.TaskID, "")
	a.write("c ", "d\n\u2028 data: e")
	a.end()
	want := "1-0:content=a  1-1:content=b  1-2:content=c  1-3:content=d\n\u2028 data: e 1-4:done"
	for _, f := range []*follower{early, late, h.open(acc.TaskID, "")} {
		if got := formatChunks(f.whole()); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestTheTerminalChunkMeansThatSQLHasTheAnswer(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.submitted()
	f := h.open(acc.TaskID, "")
	a := h.claim(acc)
	a.write("because")
	go a.end()
	chunks := f.whole()
	end := chunks[len(chunks)-1]
	if end.Type != chat.ChunkDone || end.State != chat.TaskDone || end.MessageID != acc.MessageID || end.FinishReason != "stop" {
		t.Errorf("%+v", end)
	}
	if got := h.call("GET", "/conversations/"+acc.ConversationID+"/messages", ""); !strings.Contains(string(got.body), `"content":"because"`) {
		t.Errorf("%s", got.body)
	}
}

func TestAnUnpublishedEndIsFound(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{Recheck: 50 * time.Millisecond})
	acc := h.submitted()
	a := h.claim(acc)
	a.write("a ", "b")
	f := h.open(acc.TaskID, "")
	f.next(2)
	a.commit()
	if got := formatChunks(f.whole()); got != "1-2:done" {
		t.Errorf("%q", got)
	}
}

func TestATaskThatIsCancelledWhileItWaitsEndsItsStreams(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{}) // a recheck comes too late: the hint does it
	acc := h.submitted()
	f := h.open(acc.TaskID, "")
	began := time.Now()
	h.call("POST", "/tasks/"+acc.TaskID+"/cancel", "")
	chunks := f.whole()
	if len(chunks) != 1 || chunks[0].Type != chat.ChunkDone || chunks[0].State != chat.TaskCancelled || time.Since(began) > 3*time.Second {
		t.Errorf("%+v after %s", chunks, time.Since(began))
	}
	if got := h.call("GET", "/stream/"+acc.TaskID, "", header("Last-Event-ID", chunks[0].Position().String())); got.status != http.StatusNoContent {
		t.Errorf("after the end: %d %s", got.status, got.body)
	}
}

func TestAFailureEndsTheStreamWithAnError(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{Recheck: 50 * time.Millisecond})
	acc := h.submitted()
	a := h.claim(acc)
	f := h.open(acc.TaskID, "")
	h.must(h.store.Finish(t.Context(), chat.Result{
		TaskID: acc.TaskID, Attempt: 1, State: chat.TaskFailed, Err: chat.Retryable(chat.Errorf(chat.CodeProviderServer, "try again")),
	}))
	for _, f := range []*follower{f, h.open(acc.TaskID, "")} {
		chunks := f.whole() // a reset, because chunks may have been lost, and the error
		if c := chunks[len(chunks)-1]; len(chunks) != 2 || c.Type != chat.ChunkError || c.Code != chat.CodeProviderServer || !c.Retryable || c.Content != "try again" || c.State != chat.TaskFailed {
			t.Errorf("%+v", chunks)
		}
	}
	_ = a
}

func TestADrainCutsStreams(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.submitted()
	h.claim(acc).write("a ")
	f := h.open(acc.TaskID, "")
	f.next(1)
	h.server.Drain()
	if chunks, err := f.rest(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the stream ended with %v after %s: that looks like success", err, formatChunks(chunks))
	}
}

func TestStreamsAreLimited(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{MaxStreams: 2})
	acc := h.submitted()
	h.claim(acc).write("a ")
	first := h.open(acc.TaskID, "")
	first.next(1)
	h.open(acc.TaskID, "").next(1)
	if a := h.call("GET", "/stream/"+acc.TaskID, ""); a.status != 429 || a.problem(t) != chat.CodeTooMany || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	first.close()
	h.eventually("a place is free", func() bool { return h.log.Tails() < 2 })
	h.open(acc.TaskID, "").next(1)
}

func TestAStalledReaderIsCutAndDoesNotDelayOthers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{WriteTimeout: time.Second})
	acc := h.submitted()
	a := h.claim(acc)
	stuck, err := net.Dial("unix", h.socket)
	h.must(err)
	defer func() { _ = stuck.Close() }()
	_, err = io.WriteString(stuck, "GET /stream/"+acc.TaskID+" HTTP/1.1\r\nHost: chat\r\n\r\n")
	h.must(err)
	f := h.open(acc.TaskID, "")
	h.eventually("both follow", func() bool { return h.log.Tails() == 2 })
	big := strings.Repeat("x", 64<<10)
	read := make(chan int, 1)
	go func() { read <- len(chunklogtest.Content(f.whole())) }()
	const count = 20
	for range count {
		a.write(big)
	}
	h.eventually("the reader that does not read is cut", func() bool { return h.log.Tails() == 1 })
	a.end()
	select {
	case n := <-read:
		if n != count*len(big) {
			t.Errorf("the other reader has %d bytes of %d", n, count*len(big))
		}
	case <-time.After(testTimeout):
		t.Error("the other reader has not seen the end")
	}
}

func TestASilentReaderLeavesWithoutATrace(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.submitted()
	h.claim(acc).write("a ")
	for range 20 {
		f := h.open(acc.TaskID, "")
		f.next(1)
		f.close()
	}
	h.eventually("no stream is open", func() bool { return h.log.Tails() == 0 })
	if task, err := h.store.Task(t.Context(), chat.LocalOwner, acc.TaskID); err != nil || task.State != chat.TaskRunning {
		t.Errorf("leaving made the task %s (%v)", task.State, err)
	}
}

func TestHTTP10ReadsAStreamToItsEnd(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.finished("a ", "b")
	c, err := net.Dial("unix", h.socket)
	h.must(err)
	defer func() { _ = c.Close() }()
	_, err = io.WriteString(c, "GET /stream/"+acc.TaskID+" HTTP/1.0\r\nHost: localhost\r\n\r\n")
	h.must(err)
	all, err := io.ReadAll(c)
	h.must(err)
	head, body, _ := strings.Cut(string(all), "\r\n\r\n")
	f := &follower{h: h, r: sse.NewReader(strings.NewReader(body), 0)}
	if got := formatChunks(f.whole()); !strings.HasPrefix(head, "HTTP/1.0 200") || got != "1-0:content=a  1-1:content=b 1-2:done" {
		t.Errorf("%s\n%s", head, got)
	}
}

func TestHEADOfAStreamDoesNotFollowIt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.submitted()
	a := h.call("HEAD", "/stream/"+acc.TaskID, "")
	if a.status != 200 || len(a.body) != 0 || a.header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%d %v %q", a.status, a.header, a.body)
	}
	h.eventually("no stream is open", func() bool { return h.log.Tails() == 0 })
}
