package api_test

import (
	"bufio"
	"context"
	"encoding/json"
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
func (h *harness) half(network, address, head string) (answer, *bufio.Reader, time.Duration) {
	h.Helper()
	c, err := net.Dial(network, address)
	h.must(err)
	h.Cleanup(func() { _ = c.Close() })
	_, err = fmt.Fprintf(c, "%s\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{", head)
	h.must(err)
	began := time.Now()
	h.must(c.SetReadDeadline(began.Add(testTimeout)))
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	h.must(err)
	body, err := io.ReadAll(res.Body)
	h.must(err)
	_ = res.Body.Close()
	return answer{res.StatusCode, res.Header, body}, r, time.Since(began)
}

func TestARefusalDoesNotWaitForTheBody(t *testing.T) {
	t.Parallel()
	const wait = time.Minute // for the body; half reads no longer than testTimeout
	h := newHarness(t, api.Options{ReadTimeout: wait})
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
		a, r, took := h.half("tcp", strings.TrimPrefix(h.tcp, "http://"), c.head)
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
	h := newHarness(t, api.Options{ReadTimeout: 200 * time.Millisecond})
	a, _, took := h.half("unix", h.socket, "POST /conversations HTTP/1.1\r\nHost: chat")
	if a.status != http.StatusBadRequest || a.problem(t) != chat.CodeInvalid || !strings.Contains(string(a.body), "200ms") || took > 5*time.Second {
		t.Errorf("%d %s after %s", a.status, a.body, took)
	}
	h.eventually("the call is over", func() bool { return h.server.Activity().CloseIfIdle(0, func() bool { return true }) })
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
	h := newHarnessWithStore(t, api.Options{ReadTimeout: 100 * time.Millisecond, Heartbeat: 50 * time.Millisecond, WriteTimeout: 100 * time.Millisecond},
		func(s api.Store) api.Store { return slowStore{s} })
	acc := h.submitted()
	f := h.open(acc.TaskID, "")
	read := make(chan []chat.Chunk, 1)
	go func() { read <- f.whole() }()
	for range 8 {
		<-f.notes
	}
	a := h.claim(acc)
	a.write("x")
	a.end()
	if got := <-read; chunklogtest.Content(got) != "x" {
		t.Errorf("%s", formatChunks(got))
	}
}

// thick makes a conversation whose messages are megabytes of JSON.
func (h *harness) thick() (path string) {
	h.Helper()
	c := h.conversation()
	for range 5 {
		acc, _, err := h.store.Submit(h.Context(), chat.LocalOwner, chat.Submission{ConversationID: c.ID, Content: strings.Repeat("thick ", 120_000)}, chat.SubmitOptions{})
		h.must(err)
		_, _, err = h.store.Cancel(h.Context(), chat.LocalOwner, acc.TaskID)
		h.must(err)
	}
	return "/conversations/" + c.ID + "/messages"
}

func TestAnAnswerThatIsNotReadIsGivenUp(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{WriteTimeout: 200 * time.Millisecond})
	path := h.thick()
	c, err := net.Dial("unix", h.socket)
	h.must(err)
	defer func() { _ = c.Close() }()
	_, err = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: chat\r\n\r\n", path)
	h.must(err)
	if _, err = bufio.NewReader(c).Peek(1); err != nil {
		t.Fatal(err)
	}
	h.eventually("the call is over", func() bool { return h.server.Activity().CloseIfIdle(0, func() bool { return true }) })
}

func TestAnAnswerThatIsReadSlowlyIsReadWhole(t *testing.T) {
	t.Parallel()
	// The kernel lets a writer continue when three quarters of the buffer of 208 KiB are
	// read, which takes this reader a tenth of a second.
	const timeout = time.Second
	h := newHarness(t, api.Options{WriteTimeout: timeout})
	path := h.thick()
	res, err := h.local.Transport.RoundTrip(h.request("http://chat", "GET", path, ""))
	h.must(err)
	defer func() { _ = res.Body.Close() }()
	began, got := time.Now(), []byte{}
	buf := make([]byte, 16<<10)
	for {
		n, err := io.ReadFull(res.Body, buf)
		got = append(got, buf[:n]...)
		if err != nil {
			break
		}
		poll.Pause(10 * time.Millisecond) // a slow reader
	}
	if took := time.Since(began); !json.Valid(got) || took <= timeout {
		t.Errorf("%d bytes in %s", len(got), took)
	}
}
