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
)

// responseEvent is an event of a response, or an error.
type responseEvent struct {
	Type     string
	Number   int `json:"sequence_number"`
	Response response
	Status   int
	Error    struct {
		Code, Type, Message string
		Param               *string
	}

	raw string
}

func (e responseEvent) terminal() bool {
	return e.Type == "response.completed" || e.Type == "response.failed" || e.Type == "response.incomplete"
}

// responseClient is a client of the WebSocket at /v1/responses.
type responseClient struct{ *wsClient }

func (h *harness) responseSocket() responseClient {
	h.Helper()
	w, _, err := h.dialPath("", "/v1/responses", nil) //nolint:bodyclose // the library closes it
	h.must(err)
	return responseClient{w}
}

func (c responseClient) event() responseEvent {
	c.h.Helper()
	ctx, cancel := context.WithTimeout(c.h.Context(), testTimeout)
	defer cancel()
	_, data, err := c.c.Read(ctx)
	c.h.must(err)
	e := responseEvent{raw: string(data)}
	c.h.must(json.Unmarshal(data, &e))
	return e
}

// begin sends a request, with more fields, and returns the response and its attempt.
func (c responseClient) begin(fields string) (responseEvent, *attempt) {
	c.h.Helper()
	c.say(`{"type":"response.create","model":"lying",%s}`, fields)
	e := c.event()
	if e.Type != "response.created" {
		c.h.Fatalf("%s", e.raw)
	}
	return e, c.h.claim(chat.Accepted{TaskID: taskID(e.Response)})
}

// rest reads the events to the end of a response.
func (c responseClient) rest() (list []responseEvent) {
	c.h.Helper()
	for {
		e := c.event()
		if list = append(list, e); e.terminal() || e.Type == "error" {
			return list
		}
	}
}

// make makes a whole response, and returns it.
func (c responseClient) make(fields, text string) response {
	c.h.Helper()
	_, a := c.begin(fields)
	a.write(text)
	a.end()
	list := c.rest()
	last := list[len(list)-1]
	if last.Type != "response.completed" || last.Response.text() != text {
		c.h.Fatalf("%s", last.raw)
	}
	return last.Response
}

// refused sends a message that fails, and returns the error.
func (c responseClient) refused(format string, args ...any) responseEvent {
	c.h.Helper()
	c.say(format, args...)
	e := c.event()
	if e.Type != "error" || e.Status < 400 || e.Error.Message == "" {
		c.h.Fatalf("%s: %s", fmt.Sprintf(format, args...), e.raw)
	}
	return e
}

func TestASocketSendsTheEventsOfTheStream(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	c := h.responseSocket()
	first, a := c.begin(`"input":"why?"`)
	var listed struct{ Tasks []chat.Task }
	if h.call("GET", "/tasks?state=active", "").into(t, &listed); len(listed.Tasks) != 1 || listed.Tasks[0].ID != a.claim.ID {
		t.Errorf("%+v", listed)
	}
	a.write("Because", " of\n", "Rayleigh.")
	a.end()
	got := []string{first.raw}
	for _, e := range c.rest() {
		got = append(got, e.raw)
	}
	want := h.eventsOf("/v1/responses/" + first.Response.ID + "?stream=true")
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestASocketContinuesItsLastResponse(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	c := h.responseSocket()
	const notFound = "previous_response_not_found"
	one := c.make(`"store":false,"input":"one"`, "1")
	_, a := c.begin(`"store":false,"input":"two","previous_response_id":"` + one.ID + `"`)
	read, err := h.store.Thread(t.Context(), a.claim.ID)
	h.must(err)
	thread := read.Messages
	if len(thread) != 3 || thread[0].Content != "one" || thread[1].Content != "1" || thread[2].Content != "two" {
		t.Errorf("%+v", thread)
	}
	a.write("2")
	a.end()
	events := c.rest()
	two := events[len(events)-1].Response

	continued := func(id string) string {
		return `{"type":"response.create","model":"lying","store":false,"input":"x","previous_response_id":"` + id + `"}`
	}
	// Only the last response is kept, and only for this socket.
	for name, e := range map[string]responseEvent{
		"not the last":   c.refused("%s", continued(one.ID)),
		"another socket": h.responseSocket().refused("%s", continued(two.ID)),
		"missing":        c.refused("%s", continued("resp_nonsense")),
	} {
		if e.Status != http.StatusBadRequest || e.Error.Code != notFound || e.Error.Param == nil || *e.Error.Param != "previous_response_id" {
			t.Errorf("%s: %s", name, e.raw)
		}
	}
	if over := h.call("POST", "/v1/responses", continued(two.ID)); over.status != http.StatusBadRequest || !strings.Contains(string(over.body), notFound) {
		t.Errorf("over HTTP: %d %s", over.status, over.body)
	}

	// A continuation that fails before its task, or with it, drops the response.
	three := c.make(`"store":false,"input":"three","previous_response_id":"`+two.ID+`"`, "3")
	e := c.refused(`{"type":"response.create","model":"lying","store":false,"previous_response_id":%q,
		"input":[{"type":"function_call_output","call_id":"c9","output":"x"}]}`, three.ID)
	if e.Error.Code != "invalid" || !strings.Contains(e.Error.Message, "c9") {
		t.Errorf("%s", e.raw)
	}
	if e := c.refused("%s", continued(three.ID)); e.Error.Code != notFound {
		t.Errorf("%s", e.raw)
	}
	four := c.make(`"store":false,"input":"four"`, "4")
	_, a = c.begin(`"store":false,"input":"x","previous_response_id":"` + four.ID + `"`)
	a.fail(chat.CodeProviderServer)
	if list := c.rest(); list[len(list)-1].Type != "response.failed" {
		t.Errorf("%s", list[len(list)-1].raw)
	}
	if e := c.refused("%s", continued(four.ID)); e.Error.Code != notFound {
		t.Errorf("%s", e.raw)
	}

	// A stored response can be continued over every socket.
	five := c.make(`"input":"five"`, "5")
	h.responseSocket().make(`"input":"six","previous_response_id":"`+five.ID+`"`, "6")
}

func TestAResponseGoesOnAfterItsSocket(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	c := h.responseSocket()
	first, a := c.begin(`"input":"why?","store":false`)
	a.write("a")
	for c.event().Type != "response.output_text.delta" {
	}
	h.must(c.c.CloseNow())
	h.eventually("nothing is followed", func() bool { return h.log.Tails() == 0 })
	a.write("b")
	a.end()
	if r := h.responses("GET", "/"+first.Response.ID, ""); r.Status != "completed" || r.text() != "ab" {
		t.Errorf("%+v", r)
	}
}

func TestASocketMakesOneResponseAfterTheOther(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	c := h.responseSocket()
	_, a := c.begin(`"input":"0"`)
	c.say(`{"type":"response.create","model":"lying","input":"1"}`)
	c.say(`{"type":"response.create","model":"lying","input":"2"}`)
	c.event() // response.in_progress
	if e := c.refused(`{"type":"response.create","model":"lying","input":"3"}`); e.Error.Code != "too_many" || e.Status != http.StatusTooManyRequests {
		t.Errorf("%s", e.raw)
	}
	list, err := h.store.Tasks(t.Context(), chat.LocalOwner, chat.TaskQuery{})
	h.must(err)
	if len(list) != 1 {
		t.Errorf("%d tasks at the same time", len(list))
	}
	for i := range 3 {
		if i > 0 {
			a = h.claim(chat.Accepted{TaskID: taskID(c.event().Response)})
		}
		text := fmt.Sprint(i)
		a.write(text)
		a.end()
		events := c.rest()
		if last := events[len(events)-1]; last.Type != "response.completed" || last.Response.text() != text {
			t.Errorf("%d: %s", i, last.raw)
		}
	}
}

func TestMessagesThatAreNoRequestsAreRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	c := h.responseSocket()
	for say, want := range map[string]string{
		`{`:                             "JSON",
		`[]`:                            "one JSON object",
		`{"type":"response.stop"}`:      "response.create",
		`{"model":"lying","input":"x"}`: "response.create",
		`{"type":"response.create","model":"lying","input":"x","background":true}`:   "background",
		`{"type":"response.create","model":"lying","input":""}`:                      "empty",
		`{"type":"response.create","model":"lynig","input":"x"}`:                     "did you mean",
		`{"type":"response.create","model":"lying","input":"x","conversation":"no"}`: "conversation",
	} {
		if e := c.refused("%s", say); !strings.Contains(e.Error.Message, want) || e.Error.Type == "" {
			t.Errorf("%s: %s", say, e.raw)
		}
	}
	c.make(`"input":"x","stream":true`, "the socket is open")
	h.must(c.c.Write(t.Context(), websocket.MessageText, make([]byte, 33<<20)))
	if _, err := c.read(); websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Errorf("a message that is too large: %v", err)
	}
}

func TestASocketOfResponsesIsGuarded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	allowed := http.Header{"Authorization": {"Bearer " + token}}
	for name, c := range map[string]struct {
		header http.Header
		status int
	}{
		"no token":         {nil, http.StatusUnauthorized},
		"a wrong token":    {http.Header{"Authorization": {"Bearer wrong"}}, http.StatusUnauthorized},
		"a strange origin": {http.Header{"Authorization": allowed["Authorization"], "Origin": {"https://evil.example"}}, http.StatusForbidden},
	} {
		if _, res, err := h.dialPath(h.tcp, "/v1/responses", c.header); err == nil || res.StatusCode != c.status { //nolint:bodyclose // the library closes it
			t.Errorf("%s: %v", name, err)
		}
	}
	w, _, err := h.dialPath(h.tcp, "/v1/responses", allowed) //nolint:bodyclose // the library closes it
	h.must(err)
	responseClient{w}.make(`"input":"x"`, "y")
	if a := h.call("GET", "/v1/responses", ""); a.status != http.StatusBadRequest || !strings.Contains(string(a.body), `{"error":{`) {
		t.Errorf("without an upgrade: %d %s", a.status, a.body)
	}
}

func TestASocketOfResponsesIsClosedWhenTheServerDrains(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	c := h.responseSocket()
	_, a := c.begin(`"input":"why?"`)
	c.event() // response.in_progress
	h.server.Drain()
	if m, err := c.read(); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("%+v %v", m, err)
	}
	task, err := h.store.Task(t.Context(), chat.LocalOwner, a.claim.ID)
	h.must(err)
	if task.State != chat.TaskRunning || task.CancelRequested {
		t.Errorf("%+v", task)
	}
}

func TestASocketOfResponsesHasAnEnd(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{SocketLife: time.Millisecond})
	c := h.responseSocket()
	if e := c.event(); e.Type != "error" || e.Status != http.StatusBadRequest || e.Error.Code != "websocket_connection_limit_reached" {
		t.Errorf("%s", e.raw)
	}
	if _, err := c.read(); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("%v", err)
	}
}
