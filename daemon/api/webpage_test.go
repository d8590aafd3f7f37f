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

func TestConversationsAsHTML(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.finished("**be", "cause**\n\n<script>")
	var first webView
	h.call("GET", "/web/conversations/"+acc.ConversationID, "").into(t, &first)
	if len(first.Messages) != 2 || first.Messages[0].Parts[0].Text != "why?" || first.Messages[1].State != "done" {
		t.Fatalf("%+v", first)
	}
	blocks := first.Messages[1].Parts[0].Blocks
	if len(blocks) != 2 || strings.TrimSpace(blocks[0].HTML) != "<p><strong>because</strong></p>" || strings.TrimSpace(blocks[1].HTML) != "<p>&lt;script&gt;</p>" {
		t.Errorf("%+v", blocks)
	}
	var second chat.Accepted
	h.call("POST", "/messages/"+acc.MessageID+"/regenerate", `{}`).into(t, &second)
	var view webView
	h.call("GET", "/web/conversations/"+acc.ConversationID, "").into(t, &view)
	if m := view.Messages[1]; m.ID != second.MessageID || len(m.Siblings) != 2 || m.TaskID != second.TaskID || m.State != "queued" || len(m.Parts) != 0 {
		t.Errorf("%+v", m)
	}
	h.call("GET", "/web/conversations/"+acc.ConversationID+"?message="+acc.MessageID, "").into(t, &view)
	if view.Messages[1].ID != acc.MessageID {
		t.Errorf("the other branch: %+v", view.Messages)
	}
	if a := h.call("GET", "/web/conversations/"+unknownID, ""); a.status != http.StatusNotFound {
		t.Errorf("an unknown one: %d", a.status)
	}
}

func TestLongConversationsComeInPieces(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	transcript := transcript.Transcript{Conversation: chat.Conversation{ID: unknownID, Title: "long"}}
	id := func(i int) string {
		return strings.Replace(unknownID, "8999", string("0123456789abcdef"[i/16/16%16])+string("0123456789abcdef"[i/16%16])+string("0123456789abcdef"[i%16])+"9", 1)
	}
	for i := range 100 {
		m := chat.Message{ID: id(i + 0x800), Role: chat.RoleUser}
		if i > 0 {
			m.ParentID = id(i + 0x7ff)
		}
		if i%2 == 1 {
			m.Role, m.State = chat.RoleAssistant, chat.TaskDone
		}
		m.SetParts(chat.TextParts("text"))
		transcript.Messages = append(transcript.Messages, m)
	}
	body, err := json.Marshal(transcript)
	h.must(err)
	if a := h.call("POST", "/conversations/import", string(body)); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var seen []string
	for query, want := "", 40; ; {
		var view webView
		h.call("GET", "/web/conversations/"+unknownID+query, "").into(t, &view)
		if len(view.Messages) != want {
			t.Fatalf("%d messages, want %d", len(view.Messages), want)
		}
		var ids []string
		for _, m := range view.Messages {
			ids = append(ids, m.ID)
		}
		seen = append(ids, seen...)
		if view.Before == "" {
			break
		}
		query = "?before=" + view.Before
		want = min(40, 100-len(seen))
	}
	if len(seen) != 100 || seen[0] != id(0x800) || seen[99] != id(0x800+99) {
		t.Errorf("%d messages from %s to %s", len(seen), seen[0], seen[len(seen)-1])
	}
	var view webView
	h.call("GET", "/web/conversations/"+unknownID+"?message="+id(0x800+10), "").into(t, &view)
	seen = nil
	for { // from around an early message to the end
		if len(view.Messages) > 40 || view.Leaf != id(0x800+99) {
			t.Fatalf("%d messages of a path that ends in %s", len(view.Messages), view.Leaf)
		}
		for _, m := range view.Messages {
			seen = append(seen, m.ID)
		}
		if view.After == "" {
			break
		}
		after := view.After
		view = webView{}
		h.call("GET", "/web/conversations/"+unknownID+"?message="+id(0x800+10)+"&after="+after, "").into(t, &view)
	}
	view = webView{}
	if h.call("GET", "/web/conversations/"+unknownID+"?message="+view.Leaf+"&around="+id(0x800+20), "").into(t, &view); len(view.Messages) != 40 || view.Messages[0].ID != id(0x800+16) {
		t.Errorf("around a message there are %+v", view.Messages)
	}
	if len(seen) != 94 || seen[0] != id(0x800+6) || seen[93] != id(0x800+99) {
		t.Errorf("from an early message on there are %d, from %s to %s", len(seen), seen[0], seen[len(seen)-1])
	}
}

// The stream of the page resumes at each position, while the task runs and after the log is lost.
func TestTheStreamOfThePage(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.finished("one ", "two\n\nthree and some ", "more words")
	whole := h.eventsOf("/web/stream/" + acc.TaskID)
	if len(whole) == 0 || !strings.Contains(strings.Join(whole, ""), `"end":{`) || !strings.Contains(strings.Join(whole, ""), `<p>one two</p>`) {
		t.Fatalf("%q", whole)
	}
	var last string
	for _, id := range []string{"1-0", "1-1", "1-2"} {
		rest := h.eventsOf("/web/stream/" + acc.TaskID + "?after=" + id)
		if strings.Contains(strings.Join(rest, ""), "reset") || !strings.Contains(strings.Join(rest, ""), `"end":{`) {
			t.Errorf("after %s: %q", id, rest)
		}
		last = strings.Join(rest, "")
	}
	if strings.Contains(last, "one two") {
		t.Errorf("a finished block is sent again: %s", last)
	}
	if a := h.call("GET", "/web/stream/"+acc.TaskID, "", header("Last-Event-ID", "1-3")); a.status != http.StatusNoContent {
		t.Errorf("at the end: %d %s", a.status, a.body)
	}
	if rest := strings.Join(h.eventsOf("/web/stream/"+acc.TaskID+"?after=7-7"), ""); !strings.Contains(rest, `{"reset":true`) || !strings.Contains(rest, "one two") {
		t.Errorf("after another position: %s", rest)
	}
	h.lose(acc)
	if again := h.eventsOf("/web/stream/" + acc.TaskID + "?after=1-1"); !strings.Contains(strings.Join(again, ""), "some more words") {
		t.Errorf("after the log is lost: %q", again)
	}
}
