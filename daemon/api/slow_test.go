package api_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/api"
	"chat/daemon/chunklog/chunklogtest"
	"chat/internal/poll"
)

// half sends the head of a request and half its body, and reads the answer.
func (l *lab) half(network, address, head string) (answer, *bufio.Reader, time.Duration) {
	l.Helper()
	c, err := net.Dial(network, address)
	l.must(err)
	l.Cleanup(func() { _ = c.Close() })
	_, err = fmt.Fprintf(c, "%s\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{", head)
	l.must(err)
	began := time.Now()
	l.must(c.SetReadDeadline(began.Add(patience)))
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	l.must(err)
	body, err := io.ReadAll(res.Body)
	l.must(err)
	_ = res.Body.Close()
	return answer{res.StatusCode, res.Header, body}, r, time.Since(began)
}

func TestARefusalDoesNotWaitForTheBody(t *testing.T) {
	t.Parallel()
	const wait = time.Minute // for the body; half reads no longer than patience
	l := newLab(t, api.Options{ReadTimeout: wait})
	for name, c := range map[string]struct {
		head string
		want int
	}{
		"no token":      {"POST /conversations HTTP/1.1\r\nHost: localhost", http.StatusUnauthorized},
		"a wrong host":  {"POST /conversations HTTP/1.1\r\nHost: evil.example", http.StatusForbidden},
		"a web page":    {"POST /conversations HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example", http.StatusForbidden},
		"no such call":  {"POST /nothing HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token, http.StatusNotFound},
		"not a PUT":     {"PUT /conversations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token, http.StatusMethodNotAllowed},
		"none is taken": {"GET /tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token, http.StatusOK},
	} {
		a, r, took := l.half("tcp", strings.TrimPrefix(l.tcp, "http://"), c.head)
		if a.status != c.want || took >= wait {
			t.Errorf("%s: %d %s after %s", name, a.status, a.body, took)
		}
		if _, err := r.ReadByte(); err != io.EOF {
			t.Errorf("%s: the connection stays open, half a request on it: %v", name, err)
		}
	}
}

func TestABodyHasItsTime(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{ReadTimeout: 200 * time.Millisecond})
	a, _, took := l.half("unix", l.socket, "POST /conversations HTTP/1.1\r\nHost: chat")
	if a.status != http.StatusBadRequest || a.problem(t) != chat.CodeInvalid || !strings.Contains(string(a.body), "200ms") || took > 5*time.Second {
		t.Errorf("%d %s after %s", a.status, a.body, took)
	}
	l.eventually("the call is over", func() bool { return l.server.Activity().CloseIfIdle(0, func() bool { return true }) })
}

// slowStore takes a while for a submission.
type slowStore struct{ api.Store }

func (s slowStore) Submit(ctx context.Context, owner string, sub chat.Submission, o chat.SubmitOptions) (chat.Accepted, bool, error) {
	select {
	case <-ctx.Done():
		return chat.Accepted{}, false, context.Cause(ctx)
	case <-time.After(400 * time.Millisecond):
	}
	return s.Store.Submit(ctx, owner, sub, o)
}

func TestTheTimeOfABodyEndsWithIt(t *testing.T) {
	t.Parallel()
	l := newLabWith(t, api.Options{ReadTimeout: 100 * time.Millisecond, Heartbeat: 50 * time.Millisecond, WriteTimeout: 100 * time.Millisecond},
		func(s api.Store) api.Store { return slowStore{s} })
	acc := l.submitted()
	f := l.open(acc.TaskID, "")
	read := make(chan []chat.Chunk, 1)
	go func() { read <- f.whole() }()
	for range 8 {
		<-f.notes
	}
	a := l.claim(acc)
	a.write("x")
	a.end()
	if got := <-read; chunklogtest.Content(got) != "x" {
		t.Errorf("%s", told(got))
	}
}

// thick makes a conversation whose messages are megabytes of JSON.
func (l *lab) thick() (path string, size int) {
	l.Helper()
	c := l.conversation()
	for range 2 {
		acc, _, err := l.store.Submit(l.Context(), chat.LocalOwner, chat.Submission{ConversationID: c.ID, Content: strings.Repeat("thick ", 120_000)}, chat.SubmitOptions{})
		l.must(err)
		_, _, err = l.store.Cancel(l.Context(), chat.LocalOwner, acc.TaskID)
		l.must(err)
	}
	path = "/conversations/" + c.ID + "/messages"
	return path, len(l.call("GET", path, "").body)
}

func TestAnAnswerThatIsNotReadIsGivenUp(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{WriteTimeout: 200 * time.Millisecond})
	path, _ := l.thick()
	c, err := net.Dial("unix", l.socket)
	l.must(err)
	defer func() { _ = c.Close() }()
	_, err = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: chat\r\n\r\n", path)
	l.must(err)
	if _, err = bufio.NewReader(c).Peek(1); err != nil {
		t.Fatal(err)
	}
	l.eventually("the call is over", func() bool { return l.server.Activity().CloseIfIdle(0, func() bool { return true }) })
}

func TestAnAnswerThatIsReadSlowlyIsReadWhole(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{WriteTimeout: 300 * time.Millisecond})
	path, size := l.thick()
	res, err := l.local.Transport.RoundTrip(l.request("http://chat", "GET", path, ""))
	l.must(err)
	defer func() { _ = res.Body.Close() }()
	began, got := time.Now(), 0
	buf := make([]byte, 16<<10)
	for {
		n, err := io.ReadFull(res.Body, buf)
		got += n
		if err != nil {
			break
		}
		poll.Pause(10 * time.Millisecond) // a slow reader
	}
	if took := time.Since(began); got != size || took < 600*time.Millisecond {
		t.Errorf("%d bytes of %d in %s", got, size, took)
	}
}
