package api_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"chat"
	"chat/daemon/api"
)

func TestASubmissionIsStoredAndWakesAWorker(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	conv := h.conversation()
	a := h.call("POST", "/conversations/"+conv.ID+"/messages", `{"content":"why?","priority":"urgent"}`)
	var acc chat.Accepted
	a.into(t, &acc)
	if a.header.Get("Location") != "/stream/"+acc.TaskID || acc.Status != chat.StatusProcessing || acc.ConversationID != conv.ID {
		t.Errorf("%v %+v", a.header, acc)
	}
	if ids := h.rdb.LRange(t.Context(), names.Queue(chat.PriorityUrgent), 0, -1).Val(); len(ids) != 1 || ids[0] != acc.TaskID {
		t.Errorf("woken for: %v", ids)
	}
	list, err := h.store.Messages(t.Context(), chat.LocalOwner, conv.ID)
	if h.must(err); len(list) != 2 || list[0].ID != acc.UserMessageID || list[1].ID != acc.MessageID || list[1].TaskID != acc.TaskID {
		t.Errorf("%+v", list)
	}
}

func TestASubmissionWithoutRedisIsAccepted(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	h.conversation()
	h.rdb.FlushAll(t.Context())
	h.must(h.rdb.Set(t.Context(), names.Queue(chat.PriorityNormal), "not a list", 0).Err())
	acc := h.submitted()
	if task, err := h.store.Task(t.Context(), chat.LocalOwner, acc.TaskID); err != nil || task.State != chat.TaskQueued {
		t.Errorf("%+v, %v", task, err)
	}
}

func TestAnIdempotencyKeyMeansOneMessage(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	conv := h.conversation()
	path := "/conversations/" + conv.ID + "/messages"
	key := header("Idempotency-Key", "k1")
	first := h.call("POST", path, `{"content":"why?"}`, key)
	again := h.call("POST", path, ` { "content" : "why?" } `, key)
	if first.status != 202 || again.status != 202 || string(first.body) != string(again.body) {
		t.Errorf("%d %s, then %d %s", first.status, first.body, again.status, again.body)
	}
	if first.header.Get("Idempotent-Replay") != "" || again.header.Get("Idempotent-Replay") != "true" || again.header.Get("Location") != first.header.Get("Location") {
		t.Errorf("headers %v, then %v", first.header, again.header)
	}
	for name, other := range map[string]answer{
		"another body":    h.call("POST", path, `{"content":"how?"}`, key),
		"another setting": h.call("POST", path, `{"content":"why?","priority":"urgent"}`, key),
		"another place":   h.call("POST", "/conversations/"+h.conversation().ID+"/messages", `{"content":"why?"}`, key),
	} {
		if other.status != 422 || other.problem(t) != chat.CodeKeyReuse {
			t.Errorf("%s: %d %s", name, other.status, other.body)
		}
	}
	if a := h.call("POST", path, `{"content":"why?"}`, header("Idempotency-Key", strings.Repeat("k", 256))); a.status != 400 {
		t.Errorf("a key of 256 characters: %d", a.status)
	}
	list, err := h.store.Messages(t.Context(), chat.LocalOwner, conv.ID)
	if h.must(err); len(list) != 2 {
		t.Errorf("%d messages", len(list))
	}
}

func TestFiftyPostsWithOneKeyAreOne(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	conv := h.conversation()
	answers := make([]answer, 50)
	var posts sync.WaitGroup
	for i := range answers {
		posts.Go(func() {
			answers[i] = h.call("POST", "/conversations/"+conv.ID+"/messages", `{"content":"why?"}`, header("Idempotency-Key", "k1"))
		})
	}
	posts.Wait()
	fresh := 0
	for _, a := range answers {
		if a.status != 202 || string(a.body) != string(answers[0].body) {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a.header.Get("Idempotent-Replay") == "" {
			fresh++
		}
	}
	list, err := h.store.Messages(t.Context(), chat.LocalOwner, conv.ID)
	if h.must(err); len(list) != 2 || fresh != 1 {
		t.Errorf("%d messages, %d of the answers are no replay", len(list), fresh)
	}
}

func TestCredentialsAreHeldAndNeverStored(t *testing.T) {
	t.Parallel()
	const key = "sk-very-secret-0123456789"
	h := newHarness(t, api.Options{})
	acc := h.submitted(header("Chat-Provider-Key", key), header("Chat-Provider-Base-Url", "https://own.example/v1"), header("Idempotency-Key", "k1"))
	if h.provider.holds(acc.TaskID) != key {
		t.Error("the worker would not find the key")
	}
	if task, err := h.store.Task(t.Context(), chat.LocalOwner, acc.TaskID); err != nil || task.Model != "own-default" {
		t.Errorf("model %q (%v)", task.Model, err)
	}
	a := h.claim(acc)
	a.write("because")
	a.end()
	h.open(acc.TaskID, "").whole()
	files, err := filepath.Glob(filepath.Join(h.dir, "chat.db*"))
	h.must(err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if h.must(err); bytes.Contains(data, []byte(key)) || bytes.Contains(data, []byte("own.example")) {
			t.Errorf("%s holds the client's credentials", file)
		}
	}
	keys := h.rdb.Keys(t.Context(), "*").Val()
	if len(files) == 0 || len(keys) == 0 {
		t.Fatalf("nothing was searched: %v, %v", files, keys)
	}
	for _, k := range keys {
		var held string
		switch h.rdb.Type(t.Context(), k).Val() {
		case "list":
			held = strings.Join(h.rdb.LRange(t.Context(), k, 0, -1).Val(), " ")
		case "hash":
			held = strings.Join(h.rdb.HVals(t.Context(), k).Val(), " ")
		default:
			t.Errorf("what is %s?", k)
		}
		if strings.Contains(k+held, key) || strings.Contains(k+held, "own.example") {
			t.Errorf("%s holds the client's credentials", k)
		}
	}
}

func TestCredentialsOfARefusedSubmissionAreForgotten(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	conv := h.conversation()
	own := header("Chat-Provider-Key", "sk-own")
	path := "/conversations/" + conv.ID + "/messages"
	h.call("POST", "/conversations/"+unknownID+"/messages", `{"content":"x"}`, own)
	h.call("POST", path, `{"content":"x","parent_id":"`+unknownID+`"}`, own)
	var acc chat.Accepted
	h.call("POST", path, `{"content":"x"}`, own, header("Idempotency-Key", "k")).into(t, &acc)
	h.call("POST", path, `{"content":"x"}`, own, header("Idempotency-Key", "k"))
	if len(h.provider.held) != 1 || h.provider.holds(acc.TaskID) != "sk-own" {
		t.Errorf("held: %v", h.provider.held)
	}
	h.call("POST", "/tasks/"+acc.TaskID+"/cancel", "")
	if len(h.provider.held) != 0 {
		t.Errorf("held after the cancel: %v", h.provider.held)
	}
	acc = h.submitted(own)
	if task, err := h.store.Task(t.Context(), chat.LocalOwner, acc.TaskID); err != nil || task.CredentialsHost != "w1" {
		t.Errorf("whose task is it? %+v, %v", task, err)
	}
	h.call("DELETE", "/conversations/"+acc.ConversationID, "")
	if len(h.provider.held) != 0 {
		t.Errorf("held after the conversation was deleted: %v", h.provider.held)
	}
}

func TestCredentialsThatTheServerHasAnywayAreNotHeld(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.submitted(header("Chat-Provider-Key", "sk-server"))
	task, err := h.store.Task(t.Context(), chat.LocalOwner, acc.TaskID)
	if h.must(err); h.provider.seen != 0 || task.CredentialsHost != "" || task.Model != "" {
		t.Errorf("held %d, %+v", h.provider.seen, task)
	}
}

// lostReplyStore stores a submission and returns an error.
type lostReplyStore struct{ api.Store }

func (d lostReplyStore) Submit(ctx context.Context, owner string, sub chat.Submission, o chat.SubmitOptions) (chat.Accepted, bool, error) {
	if _, _, err := d.Store.Submit(ctx, owner, sub, o); err != nil {
		return chat.Accepted{}, false, err
	}
	return chat.Accepted{}, false, errAway
}

func TestCredentialsAreHeldWhereTheTaskMayHaveBeenStored(t *testing.T) {
	t.Parallel()
	h := newHarnessWithStore(t, api.Options{}, func(s api.Store) api.Store { return lostReplyStore{s} })
	a := h.call("POST", "/conversations/"+h.conversation().ID+"/messages", `{"content":"x"}`, header("Chat-Provider-Key", "sk-own"))
	list, err := h.store.Tasks(t.Context(), chat.LocalOwner, chat.TaskQuery{})
	if h.must(err); a.status != 503 || len(list) != 1 || h.provider.holds(list[0].ID) != "sk-own" {
		t.Errorf("%d, %d tasks, held %v", a.status, len(list), h.provider.held)
	}
}

func TestCredentialsAreRefusedOnTCP(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	conv := h.conversation()
	for _, own := range []with{header("Chat-Provider-Key", "sk-own"), header("Chat-Provider-Base-Url", "http://own.example")} {
		for call, body := range map[string]string{"POST /conversations/" + conv.ID + "/messages": `{"content":"x"}`, "GET /models": ""} {
			method, path, _ := strings.Cut(call, " ")
			a := h.remote(method, path, body, bearer(token), own)
			if a.status != http.StatusBadRequest || a.problem(t) != chat.CodeInvalid {
				t.Errorf("%s: %d %s", call, a.status, a.body)
			}
		}
	}
	for _, bad := range []string{"ftp://x", "x", "http://", "://"} {
		if a := h.call("GET", "/models", "", header("Chat-Provider-Base-Url", bad)); a.status != http.StatusBadRequest {
			t.Errorf("base URL %q: %d", bad, a.status)
		}
	}
	if h.provider.seen != 0 {
		t.Error("something was remembered")
	}
}
