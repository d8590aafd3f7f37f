package api_test

import (
	"net/http"
	"strings"
	"testing"

	"chat"
	"chat/daemon/api"
	"chat/internal/report"
)

// wantInto makes a call, checks its status, and decodes the response unless v is nil.
func (h *harness) wantInto(status int, v any, method, path, body string) answer {
	h.Helper()
	got := h.call(method, path, body)
	if got.status != status {
		h.Fatalf("%s %s: %d %s", method, path, got.status, got.body)
	}
	if v != nil {
		got.into(h.T, v)
	}
	return got
}

func TestTheLengthOfAConversation(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.finished("because of ", "the air")
	path := "/conversations/" + acc.ConversationID
	var use report.ContextUse
	h.wantInto(http.StatusOK, &use, "GET", path+"/context", "")
	if use.Tokens < 5 || use.Tokens > 100 || use.Context != 4000 || use.Summary != nil || use.ConversationID != acc.ConversationID {
		t.Errorf("%+v", use)
	}
	h.wantInto(http.StatusConflict, nil, "POST", path+"/compact", "")
	h.wantInto(http.StatusNotFound, nil, "DELETE", path+"/compact", "")

	second := h.say(acc.ConversationID, chat.Submission{Content: "and at night?"})
	var next chat.Accepted
	second.into(t, &next)
	a := h.claim(next)
	a.write("dark")
	a.end()
	var sum chat.Accepted
	got := h.wantInto(http.StatusAccepted, nil, "POST", path+"/compact", `{"priority":"urgent"}`)
	got.into(t, &sum)
	if sum.MessageID != "" || got.header.Get("Location") != "/stream/"+sum.TaskID {
		t.Errorf("%+v %v", sum, got.header)
	}
	var again chat.Accepted
	h.wantInto(http.StatusAccepted, &again, "POST", path+"/compact", "")
	if again.TaskID != sum.TaskID {
		t.Errorf("a second summary: %+v", again)
	}
	var task chat.Task
	h.wantInto(http.StatusOK, &task, "GET", "/tasks/"+sum.TaskID, "")
	if task.Kind != chat.KindSummary || task.Priority != chat.PriorityUrgent || task.UserMessageID != acc.MessageID {
		t.Errorf("%+v", task)
	}
	h.wantInto(http.StatusBadRequest, nil, "GET", "/tasks/"+sum.TaskID+"/sent", "")
	a = h.claim(sum)
	f := h.open(sum.TaskID, "")
	a.write("It is ", "the air.")
	a.end()
	chunks, err := f.rest()
	var parts chat.Parts
	for _, c := range chunks {
		parts.Apply(c)
	}
	if text := parts.Text(); text != "It is the air." || err != nil {
		t.Errorf("a reader got %q, %v", text, err)
	}
	use = report.ContextUse{}
	h.wantInto(http.StatusOK, &use, "GET", path+"/context", "")
	if use.Summary == nil || use.Summary.ID != sum.TaskID || use.Summary.Text != "It is the air." || use.Summary.MessageID != acc.MessageID {
		t.Errorf("%+v", use)
	}

	var sent report.SentRequest
	h.wantInto(http.StatusOK, &sent, "GET", "/tasks/"+next.TaskID+"/sent", "")
	if !sent.Recorded || len(sent.Messages) != 3 || sent.Messages[2].Content != "and at night?" || sent.SummaryID != "" {
		t.Errorf("sent before the summary: %+v", sent)
	}
	third := h.say(acc.ConversationID, chat.Submission{Content: "really?"})
	third.into(t, &next)
	sent = report.SentRequest{}
	h.wantInto(http.StatusOK, &sent, "GET", "/tasks/"+next.TaskID+"/sent", "")
	if sent.Recorded || sent.SummaryID != sum.TaskID || len(sent.Messages) != 3 || !strings.Contains(sent.Messages[0].Content, "It is the air.") {
		t.Errorf("what would be sent: %+v", sent)
	}

	var removed chat.Summary
	h.wantInto(http.StatusOK, &removed, "DELETE", path+"/compact", "")
	if removed.ID != sum.TaskID {
		t.Errorf("%+v", removed)
	}
	h.wantInto(http.StatusOK, nil, "GET", path+"/context", "")
	for _, call := range []string{"GET /conversations/" + unknownID + "/context", "POST /conversations/" + unknownID + "/compact", "DELETE /conversations/" + unknownID + "/compact", "GET /tasks/" + unknownID + "/sent"} {
		method, path, _ := strings.Cut(call, " ")
		h.wantInto(http.StatusNotFound, nil, method, path, "")
	}
}
