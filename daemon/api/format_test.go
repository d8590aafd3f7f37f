package api_test

import (
	"net/http"
	"strings"
	"testing"

	"chat"
	"chat/daemon/api"
)

const numberSchema = `{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}`

// A schema is checked before anything is stored, whatever the wire format; a task has it.
func TestSchemasAreCheckedBeforeAnythingIsStored(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	for schema, want := range map[string]string{
		`{"type":"objekt"}`:                  "not a valid JSON Schema: /type: ",
		`{"$ref":"http://127.0.0.1/s.json"}`: "references are not loaded",
		`{"minimum":1e99999}`:                "too long",
		`[]`:                                 "an object",
	} {
		for path, body := range map[string]string{
			"/messages":            `{"content":"x","parameters":{"format":{"schema":` + schema + `}}}`,
			"/v1/responses":        `{"model":"lying","input":"x","text":{"format":{"type":"json_schema","name":"a","schema":` + schema + `}}}`,
			"/v1/chat/completions": `{"model":"lying","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":` + schema + `}}}`,
		} {
			if a := h.call("POST", path, body); a.status != http.StatusBadRequest || !strings.Contains(string(a.body), want) {
				t.Errorf("%s %s: %d %s", path, schema, a.status, a.body)
			}
		}
	}
	if list := h.call("GET", "/tasks", ""); string(list.body) != "{\"tasks\":[]}\n" && strings.Contains(string(list.body), `"id"`) {
		t.Errorf("stored: %s", list.body)
	}
	a := h.call("POST", "/messages", `{"content":"x","parameters":{"format":{"schema":`+numberSchema+`,"repair":true}}}`)
	var acc chat.Accepted
	a.into(t, &acc)
	var task chat.Task
	h.call("GET", "/tasks/"+acc.TaskID, "").into(t, &task)
	if task.Parameters == nil || task.Parameters.Format == nil || string(task.Parameters.Format.Schema) != numberSchema || !task.Parameters.Format.Repair {
		t.Errorf("%+v", task.Parameters)
	}
}

// A stream of OpenAI's API cannot take text back, so its answer is not asked for again.
func TestStreamsOfOpenAIAreNotRepaired(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	whole, _ := h.background(`{"model":"lying","input":"one","background":true,"text":{"format":{"type":"json_schema","name":"a","schema":` + numberSchema + `}}}`)
	res, err := h.local.Transport.RoundTrip(h.request("http://chat", "POST", "/v1/chat/completions",
		`{"model":"lying","stream":true,"messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_object"}}`))
	h.must(err)
	streamed := res.Header.Get("Chat-Task-Id")
	a := h.claim(chat.Accepted{TaskID: streamed})
	a.write("{}")
	a.end()
	h.must(res.Body.Close())
	for id, want := range map[string]bool{taskID(whole): true, streamed: false} {
		task, err := h.store.Task(t.Context(), chat.LocalOwner, id)
		h.must(err)
		if f := task.Parameters.Format; f == nil || f.Repair != want {
			t.Errorf("%+v", f)
		}
	}
}
