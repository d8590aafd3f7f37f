package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"chat"
	"chat/daemon/api"
	"chat/internal/transcript"
)

func TestAConversationIsTakenWhole(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{MaxBody: 4 << 10})
	done := h.finished("because")
	read := func(id string) string {
		var tr transcript.Transcript
		h.call("GET", "/conversations/"+id, "").into(t, &tr)
		h.call("GET", "/conversations/"+id+"/messages", "").into(t, &tr)
		b, err := json.Marshal(tr)
		h.must(err)
		return string(b)
	}
	exported := read(done.ConversationID)
	if a := h.call("DELETE", "/conversations/"+done.ConversationID, ""); a.status != http.StatusNoContent {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, c := range []struct {
		path   string
		status int
		want   transcript.ImportStatus
	}{
		{"?dry_run=true", 200, transcript.ImportCreated},
		{"", 201, transcript.ImportCreated},
		{"", 200, transcript.ImportUnchanged},
	} {
		a := h.call("POST", "/conversations/import"+c.path, exported)
		var got transcript.Imported
		a.into(t, &got)
		if a.status != c.status || got.Status != c.want || got.ConversationID != done.ConversationID || got.Messages != 2 {
			t.Fatalf("%q: %d %s, want %d %s", c.path, a.status, a.body, c.status, c.want)
		}
	}
	if got := read(done.ConversationID); got != exported {
		t.Errorf("got %s\nwant %s", got, exported)
	}
	long := strings.Replace(exported, `"content":"because"`, `"content":"`+strings.Repeat("x", 64<<10)+`"`, 1)
	if a := h.call("POST", "/conversations/import", long); a.status != 200 {
		t.Errorf("one that is longer than a message may be: %d %s", a.status, a.body)
	}
}

func TestATranscriptThatCannotBe(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	m := func(rest string) string {
		return `{"id":"` + unknownID + `","title":"T","messages":[{"id":"` + unknownID[:35] + `0","role":"user","content":"x"}` + rest + `]}`
	}
	for body, says := range map[string]string{
		`{}`: "id is not a UUID",
		`{"id":"` + strings.ToUpper("0199aaaa-9999-7999-8999-999999999999") + `"}`:                                                                                             "id is not a UUID",
		m(`,{"id":"` + unknownID[:35] + `0","role":"user"}`):                                                                                                                   "message 2: another message has the same id",
		m(`,{"id":"` + unknownID[:35] + `1","role":"tool"}`):                                                                                                                   "message 2: role must be",
		m(`,{"id":"` + unknownID[:35] + `1","role":"user","parent_id":"` + unknownID + `"}`):                                                                                   "message 2: parent_id is not",
		m(`,{"id":"` + unknownID[:35] + `1","role":"user","state":"done"}`):                                                                                                    "message 2: a user's message",
		m(`,{"id":"` + unknownID[:35] + `1","role":"assistant","state":"nope"}`):                                                                                               "message 2: state is unknown",
		m(`,{"id":"` + unknownID[:35] + `1","role":"assistant","task_id":"x"}`):                                                                                                "message 2: task_id",
		m(`,{"id":"` + unknownID[:35] + `1","role":"assistant","usage":{"prompt_tokens":-1}}`):                                                                                 "message 2: usage",
		m(`,{"id":"` + unknownID[:35] + `1","role":"user","conversation_id":"` + unknownID[:35] + `1"}`):                                                                       "message 2: conversation_id",
		m(`,{"id":"` + unknownID[:35] + `1","role":"user","surprise":1}`):                                                                                                      `no field \"messages.1.surprise\"`,
		m(`,{"id":"` + unknownID[:35] + `1","role":"assistant","error":{"message":"no code"}}`):                                                                                "message 2: error must",
		m(`,{"id":"` + unknownID[:35] + `1","role":"assistant","task_id":"` + unknownID + `"},{"id":"` + unknownID[:35] + `2","role":"user","parent_id":"` + unknownID + `"}`): "message 3: parent_id",
	} {
		if a := h.call("POST", "/conversations/import", body); a.status != 400 || a.problem(t) != chat.CodeInvalid || !strings.Contains(string(a.body), says) {
			t.Errorf("%s: %d %s, want %q", body, a.status, a.body, says)
		}
	}
	if a := h.call("POST", "/conversations/import", `{"id":"`+unknownID+`","title":"`+strings.Repeat("t", 501)+`"}`); a.status != 413 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := h.call("POST", "/conversations/import?dry_run=perhaps", `{"id":"`+unknownID+`"}`); a.status != 400 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := h.call("GET", "/conversations/"+unknownID, ""); a.status != 404 {
		t.Errorf("something was stored: %s", a.body)
	}
}

func TestAForkIsAConversationOfItsOwn(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	done := h.finished("because")
	fork := "/conversations/" + done.ConversationID + "/fork"
	for body, messages := range map[string]int{"": 2, `{"message_id":"` + done.UserMessageID + `","title":"mine"}`: 1} {
		a := h.call("POST", fork, body, header("Idempotency-Key", "k"+body))
		var c chat.Conversation
		a.into(t, &c)
		if a.status != 201 || c.ID == done.ConversationID || a.header.Get("Location") != "/conversations/"+c.ID || !strings.Contains(c.Title, map[int]string{1: "mine", 2: "(fork)"}[messages]) {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
		list, err := h.store.Messages(t.Context(), chat.LocalOwner, c.ID)
		if h.must(err); len(list) != messages {
			t.Errorf("%s: %+v", body, list)
		}
		if b := h.call("POST", fork, body, header("Idempotency-Key", "k"+body)); string(b.body) != string(a.body) || b.header.Get("Idempotent-Replay") != "true" {
			t.Errorf("again: %d %s", b.status, b.body)
		}
	}
	queued := h.submitted()
	for path, code := range map[string]chat.Code{
		"/conversations/" + unknownID + "/fork":             chat.CodeNotFound,
		"/conversations/" + queued.ConversationID + "/fork": chat.CodeConflict,
	} {
		if a := h.call("POST", path, ""); a.problem(t) != code {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := h.call("POST", fork, `{"message_id":"`+unknownID+`"}`); a.problem(t) != chat.CodeNotFound {
		t.Errorf("%d %s", a.status, a.body)
	}
}
