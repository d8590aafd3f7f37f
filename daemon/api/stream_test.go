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

func TestAStreamOpensAtOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	acc := l.submitted() // nobody works on it
	began := time.Now()
	f := l.open(acc.TaskID, "")
	h := f.res.Header
	if f.res.StatusCode != http.StatusOK || h.Get("Content-Type") != "text/event-stream" || h.Get("Cache-Control") != "no-cache, no-transform" || h.Get("X-Accel-Buffering") != "no" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v", f.res.StatusCode, h)
	}
	a := l.claim(acc)
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

func TestAStreamBeats(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{Heartbeat: 30 * time.Millisecond})
	acc := l.submitted()
	f := l.open(acc.TaskID, "")
	read := make(chan []chat.Chunk, 1)
	go func() { read <- f.whole() }()
	for range 5 {
		select {
		case <-f.notes:
		case <-time.After(patience):
			t.Fatal("no heartbeat")
		}
	}
	a := l.claim(acc)
	a.write("x")
	a.end()
	if got := <-read; chunklogtest.Content(got) != "x" {
		t.Errorf("%s", told(got))
	}
}

func TestALiveStreamIsSeenWholeByAll(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	acc := l.submitted()
	early := l.open(acc.TaskID, "")
	a := l.claim(acc)
	a.write("a ", "b ")
	late := l.open(acc.TaskID, "")
	a.write("c ", "d\n\u2028 data: e")
	a.end()
	want := "1-0:content=a  1-1:content=b  1-2:content=c  1-3:content=d\n\u2028 data: e 1-4:done"
	for _, f := range []*follower{early, late, l.open(acc.TaskID, "")} {
		if got := told(f.whole()); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestTheTerminalChunkMeansThatSQLHasTheAnswer(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	acc := l.submitted()
	f := l.open(acc.TaskID, "")
	a := l.claim(acc)
	a.write("because")
	go a.end()
	chunks := f.whole()
	end := chunks[len(chunks)-1]
	if end.Type != chat.ChunkDone || end.State != chat.TaskDone || end.MessageID != acc.MessageID || end.FinishReason != "stop" {
		t.Errorf("%+v", end)
	}
	if got := l.call("GET", "/conversations/"+acc.ConversationID+"/messages", ""); !strings.Contains(string(got.body), `"content":"because"`) {
		t.Errorf("%s", got.body)
	}
}

func TestAnEndThatNobodyPublishedIsFound(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{Recheck: 50 * time.Millisecond})
	acc := l.submitted()
	a := l.claim(acc)
	a.write("a ", "b")
	f := l.open(acc.TaskID, "")
	f.next(2)
	a.commit()
	if got := told(f.whole()); got != "1-2:done" {
		t.Errorf("%q", got)
	}
}

func TestATaskThatIsCancelledWhileItWaitsEndsItsStreams(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{}) // a recheck comes too late: the hint does it
	acc := l.submitted()
	f := l.open(acc.TaskID, "")
	began := time.Now()
	l.call("POST", "/tasks/"+acc.TaskID+"/cancel", "")
	chunks := f.whole()
	if len(chunks) != 1 || chunks[0].Type != chat.ChunkDone || chunks[0].State != chat.TaskCancelled || time.Since(began) > 3*time.Second {
		t.Errorf("%+v after %s", chunks, time.Since(began))
	}
	if got := l.call("GET", "/stream/"+acc.TaskID, "", header("Last-Event-ID", chunks[0].Position().String())); got.status != http.StatusNoContent {
		t.Errorf("after the end: %d %s", got.status, got.body)
	}
}

func TestAFailureEndsTheStreamWithAnError(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{Recheck: 50 * time.Millisecond})
	acc := l.submitted()
	a := l.claim(acc)
	f := l.open(acc.TaskID, "")
	l.must(l.store.Finish(t.Context(), chat.Result{
		TaskID: acc.TaskID, Attempt: 1, State: chat.TaskFailed, Err: chat.Retryable(chat.Errorf(chat.CodeProviderServer, "try again")),
	}))
	for _, f := range []*follower{f, l.open(acc.TaskID, "")} {
		chunks := f.whole()
		if c := chunks[0]; len(chunks) != 1 || c.Type != chat.ChunkError || c.Code != chat.CodeProviderServer || !c.Retryable || c.Content != "try again" || c.State != chat.TaskFailed {
			t.Errorf("%+v", chunks)
		}
	}
	_ = a
}

func TestADrainCutsStreams(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	acc := l.submitted()
	l.claim(acc).write("a ")
	f := l.open(acc.TaskID, "")
	f.next(1)
	l.server.Drain()
	if chunks, err := f.rest(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the stream ended with %v after %s: that looks like success", err, told(chunks))
	}
}

func TestStreamsAreLimited(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{MaxStreams: 2})
	acc := l.submitted()
	l.claim(acc).write("a ")
	first := l.open(acc.TaskID, "")
	first.next(1)
	l.open(acc.TaskID, "").next(1)
	if a := l.call("GET", "/stream/"+acc.TaskID, ""); a.status != 429 || a.problem(t) != chat.CodeTooMany || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	first.close()
	l.eventually("a place is free", func() bool { return l.log.Followers() < 2 })
	l.open(acc.TaskID, "").next(1)
}

func TestAReaderThatDoesNotReadIsCutAndDisturbsNobody(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{WriteTimeout: time.Second})
	acc := l.submitted()
	a := l.claim(acc)
	stuck, err := net.Dial("unix", l.socket)
	l.must(err)
	defer func() { _ = stuck.Close() }()
	_, err = io.WriteString(stuck, "GET /stream/"+acc.TaskID+" HTTP/1.1\r\nHost: chat\r\n\r\n")
	l.must(err)
	f := l.open(acc.TaskID, "")
	l.eventually("both follow", func() bool { return l.log.Followers() == 2 })
	big := strings.Repeat("x", 64<<10)
	read := make(chan int, 1)
	go func() { read <- len(chunklogtest.Content(f.whole())) }()
	const count = 20
	for range count {
		a.write(big)
	}
	l.eventually("the reader that does not read is cut", func() bool { return l.log.Followers() == 1 })
	a.end()
	select {
	case n := <-read:
		if n != count*len(big) {
			t.Errorf("the other reader has %d bytes of %d", n, count*len(big))
		}
	case <-time.After(patience):
		t.Error("the other reader has not seen the end")
	}
}

func TestASilentReaderLeavesWithoutATrace(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	acc := l.submitted()
	l.claim(acc).write("a ")
	for range 20 {
		f := l.open(acc.TaskID, "")
		f.next(1)
		f.close()
	}
	l.eventually("nobody follows", func() bool { return l.log.Followers() == 0 })
	if task, err := l.store.Task(t.Context(), chat.LocalOwner, acc.TaskID); err != nil || task.State != chat.TaskRunning {
		t.Errorf("leaving made the task %s (%v)", task.State, err)
	}
}

func TestHTTP10ReadsAStreamToItsEnd(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	acc := l.finished("a ", "b")
	c, err := net.Dial("unix", l.socket)
	l.must(err)
	defer func() { _ = c.Close() }()
	_, err = io.WriteString(c, "GET /stream/"+acc.TaskID+" HTTP/1.0\r\nHost: localhost\r\n\r\n")
	l.must(err)
	all, err := io.ReadAll(c)
	l.must(err)
	head, body, _ := strings.Cut(string(all), "\r\n\r\n")
	f := &follower{l: l, r: sse.NewReader(strings.NewReader(body), 0)}
	if got := told(f.whole()); !strings.HasPrefix(head, "HTTP/1.0 200") || got != "1-0:content=a  1-1:content=b 1-2:done" {
		t.Errorf("%s\n%s", head, got)
	}
}

func TestHEADOfAStreamDoesNotFollowIt(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	acc := l.submitted()
	a := l.call("HEAD", "/stream/"+acc.TaskID, "")
	if a.status != 200 || len(a.body) != 0 || a.header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%d %v %q", a.status, a.header, a.body)
	}
	l.eventually("nobody follows", func() bool { return l.log.Followers() == 0 })
}
