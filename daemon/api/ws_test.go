package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"chat"
	"chat/daemon/api"
	"chat/internal/poll"
)

// wsMessage is a message of the server.
type wsMessage struct {
	Type           string
	Ref            string
	TaskID         string `json:"task_id"`
	ID             string
	Chunk          chat.Chunk
	ConversationID string `json:"conversation_id"`
	Won            *bool
	State          chat.TaskState
	Error          *chat.Error
}

// wsClient is a client of the socket.
type wsClient struct {
	h *harness
	c *websocket.Conn
}

func (h *harness) dialSocket(url string, header http.Header) (*wsClient, *http.Response, error) {
	h.Helper()
	return h.dialPath(url, "/ws", header)
}

func (h *harness) dialPath(url, path string, header http.Header) (*wsClient, *http.Response, error) {
	h.Helper()
	o := &websocket.DialOptions{HTTPHeader: header}
	if url == "" {
		url, o.HTTPClient = "http://chat", h.local
	}
	c, res, err := websocket.Dial(h.Context(), url+path, o)
	if err != nil {
		return nil, res, err
	}
	c.SetReadLimit(1 << 20)
	h.Cleanup(func() { _ = c.CloseNow() })
	return &wsClient{h, c}, res, nil
}

// ws returns a client that has said hello.
func (h *harness) ws() *wsClient {
	h.Helper()
	w, _, err := h.dialSocket("", nil) //nolint:bodyclose // the library closes it
	h.must(err)
	w.say(`{"type":"hello"}`)
	if m := w.next(); m.Type != "ready" {
		h.Fatalf("%+v", m)
	}
	return w
}

func (w *wsClient) say(format string, args ...any) {
	w.h.Helper()
	w.h.must(w.c.Write(w.h.Context(), websocket.MessageText, fmt.Appendf(nil, format, args...)))
}

func (w *wsClient) read() (wsMessage, error) {
	ctx, cancel := context.WithTimeout(w.h.Context(), testTimeout)
	defer cancel()
	_, data, err := w.c.Read(ctx)
	var m wsMessage
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	return m, err
}

func (w *wsClient) next() wsMessage {
	w.h.Helper()
	m, err := w.read()
	w.h.must(err)
	return m
}

// chunks reads to the terminal chunk of a task.
func (w *wsClient) chunks(taskID string) (list []chat.Chunk) {
	w.h.Helper()
	for {
		m := w.next()
		if m.Type != "chunk" || m.TaskID != taskID || m.ID != m.Chunk.Position().String() {
			w.h.Fatalf("%+v", m)
		}
		list = append(list, m.Chunk)
		if m.Chunk.Terminal() {
			return list
		}
	}
}

func TestASocketSubmitsFollowsAndCancels(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	w := h.ws()
	w.say(`{"type":"submit","ref":"a","idempotency_key":"k","message":{"content":"why?"}}`)
	acc := w.next()
	if acc.Type != "accepted" || acc.Ref != "a" || acc.TaskID == "" || acc.ConversationID == "" {
		t.Fatalf("%+v", acc)
	}
	w.say(`{"type":"submit","ref":"b","idempotency_key":"k","message":{"content":"why?"}}`)
	if again := w.next(); again.TaskID != acc.TaskID || again.Ref != "b" {
		t.Errorf("%+v", again)
	}
	var same chat.Accepted
	if h.call("POST", "/messages", `{"content":"why?"}`, header("Idempotency-Key", "k")).into(t, &same); same.TaskID != acc.TaskID {
		t.Errorf("over HTTP the key means %+v", same)
	}
	w.say(`{"type":"follow","task_id":%q}`, acc.TaskID)
	a := h.claim(chat.Accepted{TaskID: acc.TaskID})
	a.write("a", "b")
	a.end()
	if got := formatChunks(w.chunks(acc.TaskID)); got != "1-0:content=a 1-1:content=b 1-2:done" {
		t.Errorf("%q", got)
	}
	for i, want := range []string{"1-1:content=b 1-2:done", "1-2:done"} {
		w.say(`{"type":"follow","task_id":%q,"after":"1-%d"}`, acc.TaskID, i)
		if got := formatChunks(w.chunks(acc.TaskID)); got != want {
			t.Errorf("after 1-%d: %q, want %q", i, got, want)
		}
	}
	w.say(`{"type":"follow","task_id":%q,"after":"1-2"}`, acc.TaskID)
	if m := w.next(); m.Type != "complete" {
		t.Errorf("%+v", m)
	}

	queued := h.submitted()
	w.say(`{"type":"cancel","ref":"c","task_id":%q}`, queued.TaskID)
	if m := w.next(); m.Type != "cancelled" || m.Ref != "c" || !*m.Won || m.State != chat.TaskCancelled {
		t.Errorf("%+v", m)
	}
	for say, want := range map[string]chat.Code{
		`{"type":"follow","task_id":"` + unknownID + `"}`:              chat.CodeNotFound,
		`{"type":"follow","task_id":"` + acc.TaskID + `","after":"x"}`: chat.CodeInvalid,
		`{"type":"cancel","task_id":"` + unknownID + `"}`:              chat.CodeNotFound,
		`{"type":"submit","message":{"content":""}}`:                   chat.CodeInvalid,
		`{"type":"submit","message":{"contents":"x"}}`:                 chat.CodeInvalid,
		`{"type":"submit"}`:   chat.CodeInvalid,
		`{"type":"nonsense"}`: chat.CodeInvalid,
	} {
		w.say("%s", say)
		if m := w.next(); m.Type != "error" || m.Error.Code != want {
			t.Errorf("%s: %+v", say, m)
		}
	}
}

func TestASocketFollowsManyTasksAtOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	w := h.ws()
	var running []*attempt
	for range 3 {
		acc := h.submitted()
		w.say(`{"type":"follow","task_id":%q}`, acc.TaskID)
		running = append(running, h.claim(acc))
	}
	w.say(`{"type":"follow","task_id":%q}`, running[0].claim.ID)
	if m := w.next(); m.Error == nil || m.Error.Code != chat.CodeConflict {
		t.Errorf("%+v", m)
	}
	for _, a := range running {
		a.write("x")
		a.end()
	}
	got := map[string]string{}
	for range 2 * len(running) {
		m := w.next()
		got[m.TaskID] += m.Chunk.Content + string(m.Chunk.Type) + " "
	}
	for _, a := range running {
		if got[a.claim.ID] != "xcontent done " {
			t.Errorf("%q", got[a.claim.ID])
		}
	}
	h.eventually("nothing is followed", func() bool { return h.log.Tails() == 0 })
}

func TestASocketAsksForAToken(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	for name, c := range map[string]struct {
		header http.Header
		hello  string
		ok     bool
	}{
		"in the first message":        {nil, `{"type":"hello","token":"` + token + `"}`, true},
		"in the header":               {http.Header{"Authorization": {"Bearer " + token}}, `{"type":"hello"}`, true},
		"wrong":                       {nil, `{"type":"hello","token":"wrong"}`, false},
		"missing":                     {nil, `{"type":"hello"}`, false},
		"another message comes first": {nil, `{"type":"follow","task_id":"` + unknownID + `"}`, false},
	} {
		w, _, err := h.dialSocket(h.tcp, c.header) //nolint:bodyclose // the library closes it
		h.must(err)
		w.say("%s", c.hello)
		m, err := w.read()
		if c.ok {
			if err != nil || m.Type != "ready" {
				t.Errorf("%s: %+v %v", name, m, err)
			}
			continue
		}
		for err == nil {
			_, err = w.read()
		}
		if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, res, err := h.dialSocket(h.tcp, http.Header{"Authorization": {"Bearer wrong"}}); err == nil || res.StatusCode != http.StatusUnauthorized { //nolint:bodyclose // the library closes it
		t.Errorf("a wrong header: %v", err)
	}
	if _, res, err := h.dialSocket(h.tcp, http.Header{"Origin": {"https://evil.example"}}); err == nil || res.StatusCode != http.StatusForbidden { //nolint:bodyclose // the library closes it
		t.Errorf("a strange origin: %v", err)
	}
}

func TestASocketSubmitsForTheOwnerOfItsToken(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	w, _, err := h.dialSocket(h.tcp, nil) //nolint:bodyclose // the library closes it
	h.must(err)
	w.say(`{"type":"hello","token":%q}`, token)
	w.next()
	w.say(`{"type":"submit","message":{"content":"why?"}}`)
	acc := w.next()
	a := h.claim(chat.Accepted{TaskID: acc.TaskID})
	a.write("a")
	a.end()
	for range 50 { // as soon as it has the terminal chunk
		w.say(`{"type":"follow","task_id":%q}`, acc.TaskID)
		if got := formatChunks(w.chunks(acc.TaskID)); got != "1-0:content=a 1-1:done" {
			t.Fatalf("%q", got)
		}
	}
}

func TestASlowSocketIsClosedAndResumes(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{WriteTimeout: 4 * time.Second})
	acc := h.submitted()
	a := h.claim(acc)
	w := h.ws()
	w.say(`{"type":"follow","task_id":%q}`, acc.TaskID)
	h.eventually("it follows", func() bool { return h.log.Tails() == 1 })
	long := strings.Repeat("x", 64<<10)
	for range 200 { // more than the buffers between the two hold
		a.w.Add(chat.Chunk{Type: chat.ChunkContent, Content: long})
		_, err := a.w.Seal(t.Context(), "", false)
		h.must(err)
	}
	// Longer than the server waits for a write, and shorter than it waits for a client that
	// does not read at all. A reader on a busy machine then still has time to see the close.
	poll.Pause(6 * time.Second)
	last, n := chat.Start(), 0
	for {
		m, err := w.read()
		if err != nil {
			if status := websocket.CloseStatus(err); status != websocket.StatusTryAgainLater {
				t.Errorf("%d: %v", status, err)
			}
			break
		}
		last, n = m.Chunk.Position(), n+1
	}
	a.w.Add(chat.Chunk{Type: chat.ChunkContent, Content: "end"})
	a.text.WriteString("whole")
	a.end()
	again := h.ws()
	again.say(`{"type":"follow","task_id":%q,"after":%q}`, acc.TaskID, last)
	rest := again.chunks(acc.TaskID)
	if rest[0].Index != last.Index+1 || len(rest)+n != rest[len(rest)-1].Index+1 {
		t.Errorf("%d chunks, then %d from %s", n, len(rest), rest[0].Position())
	}
}

func TestASocketIsClosedWhenTheServerDrains(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	w := h.ws()
	h.server.Drain()
	if _, err := w.read(); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("%v", err)
	}
}
