package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chat/daemon/api"
	"chat/daemon/chunklog/chunklogtest"
	"chat/internal/poll"
	"chat/sse"
)

// dial writes text on a new connection over the unix socket.
func (h *harness) dial(text string) net.Conn {
	h.Helper()
	c, err := net.Dial("unix", h.socket)
	h.must(err)
	h.Cleanup(func() { _ = c.Close() })
	_, err = io.WriteString(c, text)
	h.must(err)
	h.must(c.SetReadDeadline(time.Now().Add(testTimeout)))
	return c
}

func TestTheConnectionOfAStreamEndsWithIt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.finished("a ", "b")
	for name, request := range map[string]string{
		"as it is":             "GET /stream/" + acc.TaskID + " HTTP/1.1\r\nHost: chat\r\n\r\n",
		"with a body":          "GET /stream/" + acc.TaskID + " HTTP/1.1\r\nHost: chat\r\nContent-Length: 4\r\n\r\nbody",
		"with half a body":     "GET /stream/" + acc.TaskID + " HTTP/1.1\r\nHost: chat\r\nContent-Length: 9\r\n\r\nbody",
		"and another request":  "GET /stream/" + acc.TaskID + " HTTP/1.1\r\nHost: chat\r\n\r\nGET /hello HTTP/1.1\r\nHost: chat\r\n\r\n",
		"expecting to be told": "GET /stream/" + acc.TaskID + " HTTP/1.1\r\nHost: chat\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
	} {
		r := bufio.NewReader(h.dial(request))
		res, err := http.ReadResponse(r, nil)
		h.must(err)
		f := &follower{h: h, r: sse.NewReader(res.Body, 0)}
		if got := formatChunks(f.whole()); got != "1-0:content=a  1-1:content=b 1-2:done" {
			t.Errorf("%s: %s", name, got)
		}
		h.must(res.Body.Close())
		if h := res.Header; !res.Close || len(res.TransferEncoding) != 1 || h.Get("Date") == "" || h.Get("Content-Type") != "text/event-stream" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v %v", name, res.TransferEncoding, h)
		}
		if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
			t.Errorf("%s: after the stream there are %q, %v", name, rest, err)
		}
	}
}

// TestASilentAndATalkativeReader: what a reader says is of no interest, that it goes
// is.
func TestASilentAndATalkativeReader(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{Heartbeat: 20 * time.Millisecond})
	acc := h.submitted()
	get := "GET /stream/" + acc.TaskID + " HTTP/1.1\r\nHost: chat\r\n\r\n"
	for name, said := range map[string]string{"silent": "", "talkative": strings.Repeat("blah", 1000)} {
		c := h.dial(get + said)
		if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		h.eventually(name+": it follows", func() bool { return h.log.Tails() == 1 })
		if h.server.Activity().CloseIfIdle(0, func() bool { return true }) {
			t.Fatalf("%s: no request is open", name)
		}
		h.must(c.Close())
		h.eventually(name+": no stream is open", func() bool { return h.log.Tails() == 0 })
	}
	h.eventually("no request is open", func() bool { return h.server.Activity().CloseIfIdle(0, func() bool { return true }) })
}

func TestADrainDoesNotWaitForAReaderThatDoesNotRead(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{WriteTimeout: time.Hour})
	acc := h.submitted()
	a := h.claim(acc)
	h.dial("GET /stream/" + acc.TaskID + " HTTP/1.1\r\nHost: chat\r\n\r\n")
	h.eventually("it follows", func() bool { return h.log.Tails() == 1 })
	for range 20 {
		a.write(strings.Repeat("x", 64<<10))
	}
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	began := time.Now()
	h.server.Drain()
	if err := h.server.Wait(ctx); err != nil {
		t.Errorf("a stream continues %s after the drain", time.Since(began))
	}
}

func TestNoStreamBeginsOnceTheServerHasDecidedToGo(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.finished("a")
	h.server.Activity().Close()
	if a := h.call("GET", "/stream/"+acc.TaskID, ""); a.status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func closeWrite(c net.Conn) error {
	half, ok := c.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// TestAStreamIsCompleteDespiteUnreadInput: a connection that is closed with something unread is
// reset, and what was on its way is lost.
func TestAStreamIsCompleteDespiteUnreadInput(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	const size = 1 << 20
	acc := h.finished(strings.Repeat("x", size/2), strings.Repeat("y", size/2))
	for name, network := range map[string][2]string{"tcp": {"tcp", strings.TrimPrefix(h.tcp, "http://")}, "unix": {"unix", h.socket}} {
		for more, say := range map[string]func(net.Conn) error{
			"nothing":          func(net.Conn) error { return nil },
			"another request":  func(c net.Conn) error { _, err := io.WriteString(c, "GET /hello HTTP/1.1\r\n\r\n"); return err },
			"that this is all": func(c net.Conn) error { return closeWrite(c) },
		} {
			c, err := net.Dial(network[0], network[1])
			h.must(err)
			h.must(c.SetDeadline(time.Now().Add(testTimeout)))
			_, err = fmt.Fprintf(c, "GET /stream/%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", acc.TaskID, token)
			h.must(err)
			r := bufio.NewReaderSize(c, 16)
			if _, err := r.Peek(1); err != nil {
				t.Fatal(err)
			}
			h.must(say(c))
			poll.Pause(100 * time.Millisecond) // a reader that has something else to do
			res, err := http.ReadResponse(r, nil)
			h.must(err)
			f := &follower{h: h, r: sse.NewReader(res.Body, 0)}
			if got := len(chunklogtest.Content(f.whole())); got != size {
				t.Errorf("%s, saying %s: %d bytes of %d", name, more, got, size)
			}
			h.must(errors.Join(res.Body.Close(), c.Close()))
		}
	}
}

func TestStreamsThatComeAtOnceAreLimited(t *testing.T) {
	t.Parallel()
	const most = 3
	h := newHarness(t, api.Options{MaxStreams: most})
	acc := h.submitted()
	var served atomic.Int32
	var all sync.WaitGroup
	for range 40 {
		c := h.dial("GET /stream/" + acc.TaskID + " HTTP/1.1\r\nHost: chat\r\n\r\n")
		all.Go(func() {
			res, err := http.ReadResponse(bufio.NewReader(c), nil) //nolint:bodyclose // with its connection
			if err == nil && res.StatusCode == http.StatusOK {
				served.Add(1)
			}
		})
	}
	all.Wait()
	if n := served.Load(); n != most {
		t.Errorf("%d streams, of at most %d", n, most)
	}
}
