package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/api"
)

func TestEveryCallAnswersAsTheProtocolSays(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	done := h.finished("because")
	one, two := h.finished("one"), h.finished("two")
	queued := h.submitted()
	conv := "/conversations/" + done.ConversationID
	for _, c := range []struct {
		call, body string
		status     int
		holds      string
	}{
		{"GET /hello", "", 200, `{"instance":"i1","version":"test","protocol":{"min":1,"max":1},"state":"ready","pid":42}`},
		{"GET /healthz", "", 200, `"ok"`},
		{"GET /readyz", "", 200, `{"redis":"ok","status":"ready"}`},
		{"POST /conversations", `{"title":"T","model":"m","system":"be brief"}`, 201, `"title":"T"`},
		{"GET /conversations", "", 200, `{"conversations":[{"id":"`},
		{"GET /conversations?limit=1", "", 200, `"next_cursor":`},
		{"GET /conversations?q=because", "", 200, done.ConversationID},
		{"GET /search?q=because", "", 200, `"message_id":"` + done.MessageID + `","snippet":"because"`},
		{"GET /search?q=nothinghasthis", "", 200, `{"matches":[]}`},
		{"GET /usage", "", 200, `{"models":[{"model":"`},
		{"GET /usage?since=2999-01-02T15:04:05Z", "", 200, `{"models":[]}`},
		{"GET /conversations?q=nothinghasthis", "", 200, `{"conversations":[]}`},
		{"GET /conversations?id=" + done.ConversationID[24:], "", 200, done.ConversationID},
		{"GET " + conv, "", 200, `"id":"` + done.ConversationID},
		{"PATCH " + conv, `{"title":"new"}`, 200, `"title":"new"`},
		{"GET " + conv + "/messages", "", 200, `"content":"because"`},
		{"GET /conversations/" + queued.ConversationID + "/messages", "", 200, `"task_id":"` + queued.TaskID + `","state":"queued"`},
		{"POST " + conv + "/messages", `{"content":"more","priority":"background"}`, 202, `"status":"processing"`},
		{"POST /messages/" + one.MessageID + "/regenerate", `{"priority":"urgent"}`, 202, `"user_message_id":"` + one.UserMessageID},
		{"POST /messages/" + two.MessageID + "/regenerate", "", 202, `"status":"processing"`},
		{"GET /tasks", "", 200, done.TaskID},
		{"GET /tasks?state=active", "", 200, queued.TaskID},
		{"GET /tasks?state=done&state=failed", "", 200, done.TaskID},
		{"GET /tasks?state=failed", "", 200, `{"tasks":[]}`},
		{"GET /tasks?conversation_id=" + queued.ConversationID + "&limit=1", "", 200, queued.TaskID},
		{"GET /tasks/" + done.TaskID, "", 200, `"state":"done"`},
		{"POST /tasks/" + done.TaskID + "/cancel", "", 200, `{"task_id":"` + done.TaskID + `","won":false,"state":"done"}`},
		{"POST /tasks/" + queued.TaskID + "/cancel", "", 200, `"won":true,"state":"cancelled"`},
		{"POST /tasks/" + queued.TaskID + "/cancel", "", 200, `"won":true,"state":"cancelled"`},
		{"GET /models", "", 200, `{"models":[{"id":"lying","provider":"test","default":true}`},
		{"GET /workers", "", 200, `{"workers":[]}`},
		{"GET /stats", "", 200, `"queued":{"background":1,"normal":1,"urgent":1},"running":0,"workers":0,"streams":0,"redis":"ok","sql":"ok","engine":"sqlite"`},
		{"DELETE " + conv, "", 204, ""},
	} {
		method, path, _ := strings.Cut(c.call, " ")
		a := h.call(method, path, c.body)
		if a.status != c.status || !strings.Contains(string(a.body), c.holds) {
			t.Errorf("%s: %d %s, want %d with %s", c.call, a.status, a.body, c.status, c.holds)
		}
		if len(a.body) > 0 && a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: Content-Type %q", c.call, a.header.Get("Content-Type"))
		}
		if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: headers %v", c.call, a.header)
		}
	}
}

func TestEveryRefusalIsAProblemDocument(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	done := h.finished("because")
	messages := "/conversations/" + done.ConversationID + "/messages"
	for _, c := range []struct {
		call, body string
		status     int
		code       chat.Code
	}{
		{"GET /nothing", "", 404, chat.CodeNotFound},
		{"GET /web", "", 404, chat.CodeNotFound},
		{"GET //hello", "", 404, chat.CodeNotFound},
		{"GET /x/../hello", "", 404, chat.CodeNotFound},
		{"GET /hello/", "", 404, chat.CodeNotFound},
		{"POST /conversations/", "{}", 404, chat.CodeNotFound},
		{"GET /conversations/" + unknownID, "", 404, chat.CodeNotFound},
		{"GET /conversations/garbage", "", 404, chat.CodeNotFound},
		{"PATCH /conversations/" + unknownID, `{"title":"x"}`, 404, chat.CodeNotFound},
		{"DELETE /conversations/" + unknownID, "", 404, chat.CodeNotFound},
		{"GET /conversations/" + unknownID + "/messages", "", 404, chat.CodeNotFound},
		{"POST /conversations/" + unknownID + "/messages", `{"content":"x"}`, 404, chat.CodeNotFound},
		{"POST /messages/" + unknownID + "/regenerate", "", 404, chat.CodeNotFound},
		{"POST /messages/" + done.UserMessageID + "/regenerate", "", 400, chat.CodeInvalid},
		{"POST /messages/" + unknownID + "/continue", "", 404, chat.CodeNotFound},
		{"POST /messages/" + done.UserMessageID + "/continue", "", 400, chat.CodeInvalid},
		{"POST /messages/" + done.MessageID + "/continue", "", 409, chat.CodeConflict},
		{"POST /messages/" + done.MessageID + "/continue", `{"continue":true}`, 400, chat.CodeInvalid},
		{"GET /tasks/" + unknownID, "", 404, chat.CodeNotFound},
		{"POST /tasks/" + unknownID + "/cancel", "", 404, chat.CodeNotFound},
		{"GET /stream/" + unknownID, "", 404, chat.CodeNotFound},
		{"GET /stream/garbage", "", 404, chat.CodeNotFound},
		{"GET /tasks?state=nope", "", 400, chat.CodeInvalid},
		{"GET /tasks?limit=0", "", 400, chat.CodeInvalid},
		{"GET /conversations?limit=201", "", 400, chat.CodeInvalid},
		{"GET /conversations?limit=x", "", 400, chat.CodeInvalid},
		{"GET /conversations?cursor=garbage", "", 400, chat.CodeInvalid},
		{"GET /conversations?q=%00", "", 400, chat.CodeInvalid},
		{"GET /search?q=%00", "", 400, chat.CodeInvalid},
		{"GET /search", "", 400, chat.CodeInvalid},
		{"GET /search?q=+", "", 400, chat.CodeInvalid},
		{"GET /usage?since=yesterday", "", 400, chat.CodeInvalid},
		{"GET /conversations?q=%ff", "", 400, chat.CodeInvalid},
		{"GET /conversations?id=%00", "", 400, chat.CodeInvalid},
		{"POST " + messages, `{"content":""}`, 400, chat.CodeInvalid},
		{"POST " + messages, `{}`, 400, chat.CodeInvalid},
		{"POST " + messages, `{"content":"x","surprise":1}`, 400, chat.CodeInvalid},
		{"POST " + messages, `{"content":1}`, 400, chat.CodeInvalid},
		{"POST " + messages, `{"content":"x"}{}`, 400, chat.CodeInvalid},
		{"POST " + messages, `{"content":"x"} trailing`, 400, chat.CodeInvalid},
		{"POST " + messages, `{"content":"x"`, 400, chat.CodeInvalid},
		{"POST " + messages, `[]`, 400, chat.CodeInvalid},
		{"POST " + messages, strings.Repeat("[", 100_000), 400, chat.CodeInvalid},
		{"POST " + messages, `{"content":"x","priority":"soon"}`, 400, chat.CodeInvalid},
		{"POST " + messages, `{"content":"x","deadline_seconds":-1}`, 400, chat.CodeInvalid},
		{"POST " + messages, `{"content":"x","deadline_seconds":86401}`, 400, chat.CodeInvalid},
		{"POST " + messages, `{"content":"x","deadline_seconds":9223372036854775807}`, 400, chat.CodeInvalid},
		{"POST " + messages, `{"content":"x","deadline_seconds":18446744074}`, 400, chat.CodeInvalid}, // in nanoseconds it overflows to 0.29 s
		{"POST " + messages, `{"content":"x","parent_id":"` + unknownID + `"}`, 400, chat.CodeInvalid},
		{"POST " + messages, `{"content":"x","parent_id":"garbage"}`, 400, chat.CodeInvalid},
		{"POST " + messages, `{"content":"` + strings.Repeat("x", 800<<10) + `"}`, 413, chat.CodeTooLarge},
		{"POST " + messages, `{"content":"` + strings.Repeat("x", 1<<20) + `"}`, 413, chat.CodeTooLarge},
		{"POST " + messages, `{"content":"x","model":"` + strings.Repeat("m", 201) + `"}`, 413, chat.CodeTooLarge},
		{"POST /conversations", `{"title":"` + strings.Repeat("t", 501) + `"}`, 413, chat.CodeTooLarge},
		{"PATCH /conversations/" + done.ConversationID, `{"owner":"bob"}`, 400, chat.CodeInvalid},
		{"POST /shutdown", "", 404, chat.CodeNotFound},
	} {
		method, path, _ := strings.Cut(c.call, " ")
		a := h.call(method, path, c.body)
		if code := a.problem(t); a.status != c.status || code != c.code {
			t.Errorf("%s %.60s: %d %s %.200s, want %d %s", c.call, c.body, a.status, code, a.body, c.status, c.code)
		}
	}
	tasks, err := h.store.Tasks(t.Context(), chat.LocalOwner, chat.TaskQuery{})
	h.must(err)
	list, err := h.store.Messages(t.Context(), chat.LocalOwner, done.ConversationID)
	if h.must(err); len(tasks) != 1 || len(list) != 2 {
		t.Errorf("refused requests left %d tasks and %d messages", len(tasks), len(list))
	}
}

func TestABodyMustBeJSON(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	for contentType, status := range map[string]int{
		"": 415, "text/plain": 415, "application/x-www-form-urlencoded": 415, "multipart/form-data; boundary=x": 415, ";": 415,
		"application/json": 202, "application/json; charset=utf-8": 202, "Application/JSON": 202,
	} {
		a := h.call("POST", "/conversations/"+h.conversation().ID+"/messages", `{"content":"x"}`, header("Content-Type", contentType))
		if a.status != status || status == 415 && a.problem(t) != chat.CodeUnsupported {
			t.Errorf("Content-Type %q: %d %s, want %d", contentType, a.status, a.body, status)
		}
	}
}

func TestAMethodThatACallDoesNotHave(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	done := h.finished("because")
	for _, call := range []string{"PUT /conversations", "DELETE /tasks/" + done.TaskID, "POST /stream/" + done.TaskID, "GET /shutdown", "POST /hello"} {
		method, path, _ := strings.Cut(call, " ")
		if a := h.call(method, path, ""); a.status != 404 && a.status != 405 || a.problem(t) == "" {
			t.Errorf("%s: %d %s", call, a.status, a.body)
		}
	}
}

func TestObjectsOfOtherUsersAreNotFound(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	conv, err := h.store.CreateConversation(t.Context(), "bob", chat.Conversation{Title: "secret"})
	h.must(err)
	acc, _, err := h.store.Submit(t.Context(), "bob", chat.Submission{ConversationID: conv.ID, Content: "secret"}, chat.SubmitOptions{})
	h.must(err)
	mine := h.conversation()
	for _, c := range []struct{ call, body string }{
		{"GET /conversations/" + conv.ID, ""},
		{"PATCH /conversations/" + conv.ID, `{"title":"mine"}`},
		{"DELETE /conversations/" + conv.ID, ""},
		{"GET /conversations/" + conv.ID + "/messages", ""},
		{"POST /conversations/" + conv.ID + "/messages", `{"content":"x"}`},
		{"POST /messages/" + acc.MessageID + "/regenerate", ""},
		{"POST /messages/" + acc.MessageID + "/continue", ""},
		{"GET /tasks/" + acc.TaskID, ""},
		{"POST /tasks/" + acc.TaskID + "/cancel", ""},
		{"GET /stream/" + acc.TaskID, ""},
	} {
		method, path, _ := strings.Cut(c.call, " ")
		theirs := h.call(method, path, c.body)
		for _, id := range []string{conv.ID, acc.MessageID, acc.TaskID} {
			path = strings.ReplaceAll(path, id, unknownID)
		}
		none := h.call(method, path, c.body)
		if theirs.status != 404 || string(theirs.body) != string(none.body) {
			t.Errorf("%s: %d %s, but %d %s for one that does not exist", c.call, theirs.status, theirs.body, none.status, none.body)
		}
	}
	if a := h.call("POST", "/conversations/"+mine.ID+"/messages", `{"content":"x","parent_id":"`+acc.MessageID+`"}`); a.problem(t) != chat.CodeInvalid {
		t.Errorf("another user's message was accepted as a parent: %s", a.body)
	}
	for _, path := range []string{"/conversations", "/conversations?q=secret", "/conversations?id=" + conv.ID[:13], "/tasks", "/tasks?conversation_id=" + conv.ID, "/tasks?id=" + acc.TaskID[:13]} {
		if a := h.call("GET", path, ""); strings.Contains(string(a.body), "secret") || strings.Contains(string(a.body), acc.TaskID) {
			t.Errorf("%s tells %s", path, a.body)
		}
	}
	if task, err := h.store.Task(t.Context(), "bob", acc.TaskID); err != nil || task.State != chat.TaskQueued {
		t.Errorf("their task is %s (%v)", task.State, err)
	}
}

func TestADeletedConversationEndsItsTasks(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{Recheck: 50 * time.Millisecond})
	acc := h.submitted()
	a := h.claim(acc)
	a.write("half ")
	f := h.open(acc.TaskID, "")
	f.next(1)
	if got := h.call("DELETE", "/conversations/"+acc.ConversationID, ""); got.status != http.StatusNoContent {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if chunks, err := f.rest(); err == nil {
		t.Errorf("the stream of a task that is gone ended as if it had an end: %s", formatChunks(chunks))
	}
	if got := h.call("GET", "/stream/"+acc.TaskID, ""); got.status != http.StatusNotFound {
		t.Errorf("%d %s", got.status, got.body)
	}
}
