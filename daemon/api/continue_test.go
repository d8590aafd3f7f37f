package api_test

import (
	"net/http"
	"testing"

	"chat"
	"chat/daemon/api"
)

// A cut answer is continued in a sibling that has its text from the beginning, once for each key.
func TestAnAnswerIsContinued(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	old := h.submitted()
	claims, err := h.store.Claim(t.Context(), "w1", 1, false)
	h.must(err)
	h.must(h.store.Finish(t.Context(), chat.Result{TaskID: old.TaskID, Attempt: claims[0].Attempt, State: chat.TaskDone, FinishReason: "length", Parts: chat.TextParts("Half an ans")}))
	path := "/messages/" + old.MessageID + "/continue"
	first := h.call("POST", path, `{"parameters":{"max_tokens":50}}`, header("Idempotency-Key", "k"))
	again := h.call("POST", path, `{"parameters":{"max_tokens":50}}`, header("Idempotency-Key", "k"))
	if first.status != http.StatusAccepted || string(again.body) != string(first.body) || again.header.Get("Idempotent-Replay") == "" {
		t.Fatalf("%d %s, again %d %s", first.status, first.body, again.status, again.body)
	}
	var acc chat.Accepted
	first.into(t, &acc)
	var task chat.Task
	h.call("GET", "/tasks/"+acc.TaskID, "").into(t, &task)
	if task.Continues != old.MessageID || task.Parameters.MaxTokens != 50 || task.UserMessageID != old.UserMessageID {
		t.Errorf("%+v", task)
	}
	var list struct{ Messages []chat.Message }
	h.call("GET", "/conversations/"+acc.ConversationID+"/messages", "").into(t, &list)
	if m := list.Messages; len(m) != 3 || m[2].ID != acc.MessageID || m[2].Content != "Half an ans" || m[2].State != chat.TaskQueued || m[1].Content != "Half an ans" {
		t.Errorf("%+v", list.Messages)
	}
	a := h.claim(acc)
	a.write("Half an ans", "wer.")
	a.end()
	h.call("GET", "/conversations/"+acc.ConversationID+"/messages", "").into(t, &list)
	if m := list.Messages[2]; m.Content != "Half an answer." || m.State != chat.TaskDone {
		t.Errorf("%+v", m)
	}
}
