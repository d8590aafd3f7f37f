package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"chat"
	"chat/daemon/api"
	"chat/sse"
)

// response is a response as a client of OpenAI reads it.
type response struct {
	ID, Object, Status, Model string
	Output                    []struct {
		ID, Type, Status, Name, Arguments string
		CallID                            string `json:"call_id"`
		Content                           []struct{ Type, Text string }
		Summary                           []struct{ Type, Text string }
	}
	Store    bool
	Metadata map[string]string
	Usage    *struct {
		TotalTokens int `json:"total_tokens"`
	}
	PreviousResponseID *string `json:"previous_response_id"`
	Conversation       *struct{ ID string }
	CompletedAt        *int64 `json:"completed_at"`
}

func (r response) text() (out string) {
	for _, item := range r.Output {
		for _, c := range item.Content {
			out += c.Text
		}
	}
	return out
}

// responses makes a call below /v1/responses and reads a response.
func (h *harness) responses(method, path, body string, more ...with) response {
	h.Helper()
	a := h.call(method, "/v1/responses"+path, body, more...)
	if a.status != http.StatusOK {
		h.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	var r response
	a.into(h.T, &r)
	return r
}

// taskID is the id of the task of a response.
func taskID(r response) string {
	d := strings.TrimPrefix(r.ID, "resp_")
	return fmt.Sprintf("%s-%s-%s-%s-%s", d[:8], d[8:12], d[12:16], d[16:20], d[20:])
}

// background submits a response and returns it with the attempt that makes it.
func (h *harness) background(body string, more ...with) (response, *attempt) {
	h.Helper()
	r := h.responses("POST", "", body, more...)
	return r, h.claim(chat.Accepted{TaskID: taskID(r)})
}

// eventsOf reads the events of a stream to its end, as text.
func (h *harness) eventsOf(path string) []string {
	h.Helper()
	a := h.call("GET", path, "")
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "text/event-stream" {
		h.Fatalf("%s: %d %s", path, a.status, a.body)
	}
	var list []string
	r := sse.NewReader(strings.NewReader(string(a.body)), 0)
	for {
		e, err := r.Next()
		if err == io.EOF { //nolint:errorlint // the end of a whole stream
			return list
		}
		h.must(err)
		if string(e.Data) != "[DONE]" {
			list = append(list, string(e.Data))
		}
	}
}

func TestAResponseCanBeReadFromEveryNumberForEver(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	r, a := h.background(`{"model":"lying","input":"why?","background":true,"metadata":{"k":"v"}}`)
	if r.Object != "response" || r.Status != "in_progress" && r.Status != "queued" || r.Metadata["k"] != "v" || !r.Store {
		t.Errorf("%+v", r)
	}
	a.write("Because", " of", " Rayleigh.")
	a.end()
	whole := h.eventsOf("/v1/responses/" + r.ID + "?stream=true")
	var last struct{ Type string }
	h.must(json.Unmarshal([]byte(whole[len(whole)-1]), &last))
	if last.Type != "response.completed" || len(whole) != 11 {
		t.Fatalf("%d events, the last is %s", len(whole), last.Type)
	}
	for _, lost := range []bool{false, true} {
		if lost {
			h.lose(chat.Accepted{TaskID: taskID(r)})
		}
		for n := range whole {
			rest := h.eventsOf(fmt.Sprintf("/v1/responses/%s?stream=true&starting_after=%d", r.ID, n))
			if strings.Join(rest, "\n") != strings.Join(whole[n+1:], "\n") {
				t.Errorf("after %d, list lost %v:\n%s\nwant\n%s", n, lost, strings.Join(rest, "\n"), strings.Join(whole[n+1:], "\n"))
			}
		}
	}
	got := h.responses("GET", "/"+r.ID, "")
	if got.Status != "completed" || got.text() != "Because of Rayleigh." || got.CompletedAt == nil || got.Model != "lying" {
		t.Errorf("%+v", got)
	}
	if again := h.responses("POST", "/"+r.ID+"/cancel", ""); again.Status != "completed" {
		t.Errorf("a response that has ended was cancelled: %+v", again)
	}
}

func TestAResponseIsCancelledAndDeleted(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	r := h.responses("POST", "", `{"model":"lying","input":"why?","background":true}`)
	for range 2 {
		if got := h.responses("POST", "/"+r.ID+"/cancel", ""); got.Status != "cancelled" || got.ID != r.ID {
			t.Errorf("%+v", got)
		}
	}
	events := h.eventsOf("/v1/responses/" + r.ID + "?stream=true")
	if last := events[len(events)-1]; !strings.Contains(last, `"response.incomplete"`) || !strings.Contains(last, `"status":"cancelled"`) {
		t.Error(last)
	}
	if a := h.call("DELETE", "/v1/responses/"+r.ID, ""); a.status != http.StatusOK || !strings.Contains(string(a.body), `"deleted":true`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, path := range []string{"/" + r.ID, "/" + r.ID + "/input_items", "/resp_nonsense", "/resp_" + strings.Repeat("0", 32)} {
		a := h.call("GET", "/v1/responses"+path, "")
		var body struct {
			Error struct{ Message, Type, Code string }
		}
		a.into(t, &body)
		if a.status != http.StatusNotFound || body.Error.Code != "not_found" || body.Error.Type != "not_found_error" || a.header.Get("X-Should-Retry") != "false" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if list := h.call("GET", "/conversations", ""); strings.Contains(string(list.body), "why?") {
		t.Errorf("the conversation of a deleted response is there: %s", list.body)
	}
}

func TestAResponseContinuesAnother(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	first, a := h.background(`{"model":"lying","input":"one","background":true,"instructions":"be brief"}`)
	busy := h.call("POST", "/v1/responses", `{"model":"lying","input":"two","previous_response_id":"`+first.ID+`"}`)
	if busy.status != http.StatusConflict || busy.header.Get("X-Should-Retry") != "false" {
		t.Errorf("%d %s", busy.status, busy.body)
	}
	a.write("1")
	a.end()
	second, a := h.background(`{"model":"lying","background":true,"previous_response_id":"` + first.ID + `",
		"input":[{"role":"user","content":[{"type":"input_text","text":"two"}]}]}`)
	if second.PreviousResponseID == nil || *second.PreviousResponseID != first.ID {
		t.Errorf("%+v", second)
	}
	read, err := h.store.Thread(t.Context(), taskID(second))
	h.must(err)
	system, thread := read.System, read.Messages
	if len(thread) != 3 || thread[0].Content != "one" || thread[1].Content != "1" || thread[2].Content != "two" || system != "" {
		t.Errorf("%q %+v", system, thread)
	}
	a.write("2")
	a.end()
	task, err := h.store.Task(t.Context(), chat.LocalOwner, taskID(first))
	h.must(err)
	if p := task.Parameters; p == nil || p.Instructions == nil || *p.Instructions != "be brief" {
		t.Errorf("%+v", p)
	}
}

func TestTemporaryConversationsAreHidden(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	done := make(chan response)
	go func() {
		var r response
		a := h.call("POST", "/v1/responses", `{"model":"lying","input":"secret","store":false}`)
		_ = json.Unmarshal(a.body, &r)
		done <- r
	}()
	h.eventually("the task is there", func() bool {
		list, err := h.store.Tasks(t.Context(), chat.LocalOwner, chat.TaskQuery{})
		h.must(err)
		return len(list) == 1
	})
	list, err := h.store.Tasks(t.Context(), chat.LocalOwner, chat.TaskQuery{})
	h.must(err)
	a := h.claim(chat.Accepted{TaskID: list[0].ID})
	a.write("x")
	a.end()
	if r := <-done; r.Status != "completed" || r.text() != "x" || r.Store {
		t.Errorf("%+v", r)
	}
	for path, want := range map[string]bool{"/conversations": false, "/conversations?temporary=true": true} {
		if got := h.call("GET", path, ""); strings.Contains(string(got.body), "secret") != want {
			t.Errorf("%s: %s", path, got.body)
		}
	}
}

const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

func TestToolsAndImagesPassThrough(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	body := `{"model":"lying","background":true,"tools":[{"type":"function","name":"f","parameters":{"type":"object"}}],"tool_choice":"required","input":[
		{"role":"developer","content":"be brief"},
		{"role":"user","content":[{"type":"input_text","text":"look"},{"type":"input_image","image_url":"data:image/png;base64,` + pixel + `"}]},
		{"type":"reasoning","id":"rs_1","summary":[]},
		{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
		{"type":"function_call_output","call_id":"c1","output":"42"}]}`
	r, a := h.background(body)
	read, err := h.store.Thread(t.Context(), taskID(r))
	h.must(err)
	system, thread := read.System, read.Messages
	if len(thread) != 3 || system != "" {
		t.Fatalf("%q %+v", system, thread)
	}
	data, err := base64.StdEncoding.DecodeString(pixel)
	h.must(err)
	stored, err := chat.NewAttachment(data)
	h.must(err)
	if p := thread[0].Parts; len(p) != 2 || p[1].Digest != stored.Digest {
		t.Errorf("%+v", p)
	}
	if p := thread[1].Parts; len(p) != 1 || p[0].Type != chat.PartToolCall || p[0].CallID != "c1" {
		t.Errorf("%+v", p)
	}
	if p := thread[2].Parts; len(p) != 1 || p[0].Type != chat.PartToolResult || p[0].Text != "42" {
		t.Errorf("%+v", p)
	}
	task, err := h.store.Task(t.Context(), chat.LocalOwner, taskID(r))
	h.must(err)
	if p := task.Parameters; len(p.Tools) != 1 || p.ToolChoice.Mode != chat.ToolRequired || *p.Instructions != "be brief" {
		t.Errorf("%+v", p)
	}
	a.w.Add(chat.Chunk{Type: chat.ChunkToolCall, CallID: "c2", Name: "f", Content: `{"x":1}`})
	a.end()
	got := h.responses("GET", "/"+r.ID, "")
	if len(got.Output) != 1 || got.Output[0].Type != "function_call" || got.Output[0].CallID != "c2" || got.Output[0].Arguments != `{"x":1}` {
		t.Errorf("%+v", got)
	}
	items := h.call("GET", "/v1/responses/"+r.ID+"/input_items?order=asc", "")
	for _, want := range []string{`"input_image"`, `"function_call_output"`, `"output":"42"`, `"has_more":false`} {
		if !strings.Contains(string(items.body), want) {
			t.Errorf("%s is not in %s", want, items.body)
		}
	}
}

func TestChatCompletions(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	body := `{"model":"lying","stream":true,"stream_options":{"include_usage":true},"temperature":0,"messages":[
		{"role":"system","content":"be brief"},{"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"c1","content":"42"}]}`
	res, err := h.local.Transport.RoundTrip(h.request("http://chat", "POST", "/v1/chat/completions", body, header("Idempotency-Key", "k1")))
	h.must(err)
	id := res.Header.Get("Chat-Task-Id")
	task, err := h.store.Task(t.Context(), chat.LocalOwner, id)
	h.must(err)
	if p := task.Parameters; p.Temperature == nil || *p.Temperature != 0 {
		t.Errorf("%+v", p)
	}
	a := h.claim(chat.Accepted{TaskID: id})
	a.write("Hel", "lo")
	a.end()
	raw, err := io.ReadAll(res.Body)
	h.must(err)
	h.must(res.Body.Close())
	for _, want := range []string{`"role":"assistant"`, `"content":"Hel"`, `"finish_reason":"stop"`, `"choices":[],"usage":`, "data: [DONE]"} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("%s is not in %s", want, raw)
		}
	}
	// The same key gets the same answer, whole.
	again := h.call("POST", "/v1/chat/completions", strings.Replace(body, `"stream":true`, `"stream":true`, 1), header("Idempotency-Key", "k1"))
	if string(again.body) != string(raw) || again.header.Get("Chat-Task-Id") != id {
		t.Errorf("%s\nwant\n%s", again.body, raw)
	}
	other := h.call("POST", "/v1/chat/completions", strings.Replace(body, "be brief", "be long", 1), header("Idempotency-Key", "k1"))
	if other.status != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", other.status, other.body)
	}
}

func TestRequestsThatCannotBeCarriedOutAreRefusedInOpenAIsForm(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	for body, want := range map[string]string{
		`{`:                             "JSON",
		`{"model":7}`:                   "model",
		`{"model":"lying"}`:             "input",
		`{"model":"lying","input":""}`:  "empty",
		`{"model":"lynig","input":"x"}`: "did you mean",
		`{"model":"lying","input":[{"type":"message","role":"assistant","content":"x"}]}`:                              "nothing to answer",
		`{"model":"lying","input":"x","background":true,"store":false}`:                                                "store",
		`{"model":"lying","input":"x","temperature":3}`:                                                                "temperature",
		`{"model":"lying","input":"x","tools":[{"type":"web_search"}]}`:                                                "web_search",
		`{"model":"lying","input":"x","tool_choice":{"type":"function","name":"f"}}`:                                   "not in tools",
		`{"model":"lying","input":"x","text":{"format":{"type":"json_schema"}}}`:                                       "schema",
		`{"model":"lying","input":"x","reasoning":{"effort":"very"}}`:                                                  "effort",
		`{"model":"lying","input":"x","previous_response_id":"resp_00000000000000000000000000000000"}`:                 "previous_response_id",
		`{"model":"lying","input":[{"role":"user","content":[{"type":"input_image","image_url":"https://x/y.png"}]}]}`: "data URL",
		`{"model":"lying","input":[{"type":"function_call_output","call_id":"c9","output":"x"}]}`:                      "c9",
		`{"model":"lying","input":[{"type":"item_reference","id":"x"}]}`:                                               "item reference",
	} {
		a := h.call("POST", "/v1/responses", body)
		var got struct {
			Error struct {
				Message, Type, Code string
				Param               *string
			}
		}
		a.into(t, &got)
		if a.status < 400 || a.status >= 500 || !strings.Contains(got.Error.Message, want) || got.Error.Type == "" || a.header.Get("X-Should-Retry") != "false" {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	if a := h.remote("GET", "/v1/models", ""); a.status != http.StatusUnauthorized || !strings.Contains(string(a.body), `{"error":{`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := h.remote("GET", "/v1/models", "", bearer(token)); !strings.Contains(string(a.body), `{"id":"lying","object":"model","created":0,"owned_by":"test"}`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := h.call("GET", "/v1/nonsense", ""); a.status != http.StatusNotFound || !strings.Contains(string(a.body), `{"error":{`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// A client that repeats a request whose answer is still being made pays for it twice.
func TestARequestThatWasAcceptedIsNotRepeatedAfterADrain(t *testing.T) {
	t.Parallel()
	for path, body := range map[string]string{
		"/v1/responses":        `{"model":"lying","input":"hi"}`,
		"/v1/chat/completions": `{"model":"lying","messages":[{"role":"user","content":"hi"}]}`,
	} {
		h := newHarness(t, api.Options{})
		got := make(chan answer, 1)
		go func() { got <- h.call("POST", path, body) }()
		h.eventually("the request is accepted", func() bool {
			tasks, err := h.store.Tasks(t.Context(), chat.LocalOwner, chat.TaskQuery{Limit: 1})
			h.must(err)
			return len(tasks) == 1
		})
		h.server.Drain()
		a := <-got
		if a.status != http.StatusServiceUnavailable || a.header.Get("X-Should-Retry") != "false" || a.header.Get("Chat-Task-Id") == "" {
			t.Errorf("%s: %d %v %s", path, a.status, a.header, a.body)
		}
	}
}
