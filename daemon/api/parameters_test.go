package api_test

import (
	"strings"
	"testing"

	"chat"
	"chat/daemon/api"
)

// ended posts a message and ends its answer.
func (h *harness) ended(path, body string) chat.Accepted {
	h.Helper()
	a := h.call("POST", path, body)
	if a.status != 202 {
		h.Fatalf("%s: %d %s", body, a.status, a.body)
	}
	var acc chat.Accepted
	a.into(h.T, &acc)
	h.endedWith(acc)
	return acc
}

func (h *harness) endedWith(acc chat.Accepted) {
	h.Helper()
	a := h.claim(acc)
	a.write("text")
	a.end()
}

// wantTask checks the parameters of a task as GET /tasks/{id} has them.
func (h *harness) wantTask(id, want string) {
	h.Helper()
	var task chat.Task
	h.call("GET", "/tasks/"+id, "").into(h.T, &task)
	if got := task.Parameters.String(); got != want {
		h.Errorf("the task has %q, want %q", got, want)
	}
}

func TestParametersBelongToTheConversation(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	first := h.ended("/messages", `{"content":"one","parameters":{"temperature":0,"seed":7,"instructions":"be brief"}}`)
	h.wantTask(first.TaskID, "temperature 0, seed 7")
	conv := "/conversations/" + first.ConversationID
	if a := h.call("GET", conv, ""); !strings.Contains(string(a.body), `"parameters":{"temperature":0,"seed":7}`) {
		t.Errorf("%s", a.body)
	}
	h.wantTask(h.ended(conv+"/messages", `{"content":"two"}`).TaskID, "temperature 0, seed 7")
	h.wantTask(h.ended(conv+"/messages", `{"content":"three","parameters":{"seed":8},"model_defaults":{"temperature":1,"top_p":0.5}}`).TaskID, "temperature 0, top_p 0.5, seed 8")
	again := h.ended("/messages/"+first.MessageID+"/regenerate", `{"parameters":{"seed":9}}`)
	h.wantTask(again.TaskID, "temperature 0, seed 9")
	if a := h.call("PATCH", conv, `{"parameters":{"max_tokens":5}}`); !strings.Contains(string(a.body), `"parameters":{"max_tokens":5}`) {
		t.Errorf("%s", a.body)
	}
	h.wantTask(h.ended(conv+"/messages", `{"content":"four"}`).TaskID, "max_tokens 5")
	if a := h.call("PATCH", conv, `{"parameters":{}}`); a.status != 200 || strings.Contains(string(a.body), "parameters") {
		t.Errorf("%s", a.body)
	}
	h.wantTask(h.ended(conv+"/messages", `{"content":"five"}`).TaskID, "")
	if a := h.call("GET", conv+"/messages", ""); !strings.Contains(string(a.body), `"parameters":{"temperature":0,"seed":9}`) {
		t.Errorf("%s", a.body)
	}
	for call, body := range map[string]string{
		"POST /conversations":        `{"parameters":{"temperature":3}}`,
		"PATCH " + conv:              `{"parameters":{"tools":[{"name":"f"}]}}`,
		"POST " + conv + "/messages": `{"content":"x","model_defaults":{"instructions":"x"}}`,
		"POST /messages":             `{"content":"x","parameters":{"max_tokens":-1}}`,
		"POST /messages/" + first.MessageID + "/regenerate":     `{"parameters":{"format":{}}}`,
		"POST /messages/" + again.MessageID + "/regenerate":     `{"parameters":{"stop":[""]}}`,
		"POST /conversations/" + first.ConversationID + "/fork": `{"parameters":{}}`,
	} {
		method, path, _ := strings.Cut(call, " ")
		if a := h.call(method, path, body); a.status != 400 || a.problem(t) != chat.CodeInvalid {
			t.Errorf("%s %s: %d %s", call, body, a.status, a.body)
		}
	}
}

// The clients of other formats send all parameters with each request.
func TestOtherFormatsDoNotInheritParameters(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	first := h.ended("/messages", `{"content":"one","parameters":{"temperature":0}}`)
	conv := "/conversations/" + first.ConversationID
	r, a := h.background(`{"model":"lying","input":"two","background":true,"conversation":"` + first.ConversationID + `"}`)
	a.write("text")
	a.end()
	h.wantTask(taskID(r), "")
	r, a = h.background(`{"model":"lying","input":"three","background":true,"top_p":0.5,"previous_response_id":"` + r.ID + `"}`)
	a.write("text")
	a.end()
	h.wantTask(taskID(r), "top_p 0.5")
	h.wantTask(h.ended(conv+"/messages", `{"content":"four"}`).TaskID, "temperature 0")

	r, a = h.background(`{"model":"lying","input":"one","background":true,"temperature":0.5}`)
	a.write("text")
	a.end()
	h.wantTask(taskID(r), "temperature 0.5")
	var task chat.Task
	h.call("GET", "/tasks/"+taskID(r), "").into(t, &task)
	h.wantTask(h.ended("/conversations/"+task.ConversationID+"/messages", `{"content":"two"}`).TaskID, "")
}
