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

func TestASubmissionExistsAndIsRungFor(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	conv := l.conversation()
	a := l.call("POST", "/conversations/"+conv.ID+"/messages", `{"content":"why?","priority":"urgent"}`)
	var acc chat.Accepted
	a.into(t, &acc)
	if a.header.Get("Location") != "/stream/"+acc.TaskID || acc.Status != chat.StatusProcessing || acc.ConversationID != conv.ID {
		t.Errorf("%v %+v", a.header, acc)
	}
	if ids := l.rdb.LRange(t.Context(), names.Queue(chat.PriorityUrgent), 0, -1).Val(); len(ids) != 1 || ids[0] != acc.TaskID {
		t.Errorf("woken for: %v", ids)
	}
	list, err := l.store.Messages(t.Context(), chat.LocalOwner, conv.ID)
	if l.must(err); len(list) != 2 || list[0].ID != acc.UserMessageID || list[1].ID != acc.MessageID || list[1].TaskID != acc.TaskID {
		t.Errorf("%+v", list)
	}
}

func TestASubmissionWithoutRedisIsAccepted(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	l.conversation()
	l.rdb.FlushAll(t.Context())
	l.must(l.rdb.Set(t.Context(), names.Queue(chat.PriorityNormal), "not a list", 0).Err())
	acc := l.submitted()
	if task, err := l.store.Task(t.Context(), chat.LocalOwner, acc.TaskID); err != nil || task.State != chat.TaskQueued {
		t.Errorf("%+v, %v", task, err)
	}
}

func TestAnIdempotencyKeyMeansOneMessage(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	conv := l.conversation()
	path := "/conversations/" + conv.ID + "/messages"
	key := header("Idempotency-Key", "k1")
	first := l.call("POST", path, `{"content":"why?"}`, key)
	again := l.call("POST", path, ` { "content" : "why?" } `, key)
	if first.status != 202 || again.status != 202 || string(first.body) != string(again.body) {
		t.Errorf("%d %s, then %d %s", first.status, first.body, again.status, again.body)
	}
	if first.header.Get("Idempotent-Replay") != "" || again.header.Get("Idempotent-Replay") != "true" || again.header.Get("Location") != first.header.Get("Location") {
		t.Errorf("headers %v, then %v", first.header, again.header)
	}
	for name, other := range map[string]answer{
		"another body":    l.call("POST", path, `{"content":"how?"}`, key),
		"another setting": l.call("POST", path, `{"content":"why?","priority":"urgent"}`, key),
		"another place":   l.call("POST", "/conversations/"+l.conversation().ID+"/messages", `{"content":"why?"}`, key),
	} {
		if other.status != 422 || other.problem(t) != chat.CodeKeyReuse {
			t.Errorf("%s: %d %s", name, other.status, other.body)
		}
	}
	if a := l.call("POST", path, `{"content":"why?"}`, header("Idempotency-Key", strings.Repeat("k", 256))); a.status != 400 {
		t.Errorf("a key of 256 characters: %d", a.status)
	}
	list, err := l.store.Messages(t.Context(), chat.LocalOwner, conv.ID)
	if l.must(err); len(list) != 2 {
		t.Errorf("%d messages", len(list))
	}
}

func TestFiftyPostsWithOneKeyAreOne(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	conv := l.conversation()
	answers := make([]answer, 50)
	var posts sync.WaitGroup
	for i := range answers {
		posts.Go(func() {
			answers[i] = l.call("POST", "/conversations/"+conv.ID+"/messages", `{"content":"why?"}`, header("Idempotency-Key", "k1"))
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
	list, err := l.store.Messages(t.Context(), chat.LocalOwner, conv.ID)
	if l.must(err); len(list) != 2 || fresh != 1 {
		t.Errorf("%d messages, %d of the answers are no replay", len(list), fresh)
	}
}

func TestCredentialsAreHeldAndNeverStored(t *testing.T) {
	t.Parallel()
	const key = "sk-very-secret-0123456789"
	l := newLab(t, api.Options{})
	acc := l.submitted(header("Chat-Provider-Key", key), header("Chat-Provider-Base-Url", "https://own.example/v1"), header("Idempotency-Key", "k1"))
	if l.shelf.holds(acc.TaskID) != key {
		t.Error("the worker would not find the key")
	}
	if task, err := l.store.Task(t.Context(), chat.LocalOwner, acc.TaskID); err != nil || task.Model != "own-default" {
		t.Errorf("model %q (%v)", task.Model, err)
	}
	a := l.claim(acc)
	a.write("because")
	a.end()
	l.open(acc.TaskID, "").whole()
	files, err := filepath.Glob(filepath.Join(l.dir, "chat.db*"))
	l.must(err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if l.must(err); bytes.Contains(data, []byte(key)) || bytes.Contains(data, []byte("own.example")) {
			t.Errorf("%s holds the client's credentials", file)
		}
	}
	keys := l.rdb.Keys(t.Context(), "*").Val()
	if len(files) == 0 || len(keys) == 0 {
		t.Fatalf("nothing was searched: %v, %v", files, keys)
	}
	for _, k := range keys {
		var held string
		switch l.rdb.Type(t.Context(), k).Val() {
		case "list":
			held = strings.Join(l.rdb.LRange(t.Context(), k, 0, -1).Val(), " ")
		case "hash":
			held = strings.Join(l.rdb.HVals(t.Context(), k).Val(), " ")
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
	l := newLab(t, api.Options{})
	conv := l.conversation()
	own := header("Chat-Provider-Key", "sk-own")
	path := "/conversations/" + conv.ID + "/messages"
	l.call("POST", "/conversations/"+nobody+"/messages", `{"content":"x"}`, own)
	l.call("POST", path, `{"content":"x","parent_id":"`+nobody+`"}`, own)
	var acc chat.Accepted
	l.call("POST", path, `{"content":"x"}`, own, header("Idempotency-Key", "k")).into(t, &acc)
	l.call("POST", path, `{"content":"x"}`, own, header("Idempotency-Key", "k"))
	if len(l.shelf.held) != 1 || l.shelf.holds(acc.TaskID) != "sk-own" {
		t.Errorf("held: %v", l.shelf.held)
	}
	l.call("POST", "/tasks/"+acc.TaskID+"/cancel", "")
	if len(l.shelf.held) != 0 {
		t.Errorf("held after the cancel: %v", l.shelf.held)
	}
	acc = l.submitted(own)
	if task, err := l.store.Task(t.Context(), chat.LocalOwner, acc.TaskID); err != nil || task.OwnProvider != "w1" {
		t.Errorf("whose task is it? %+v, %v", task, err)
	}
	l.call("DELETE", "/conversations/"+acc.ConversationID, "")
	if len(l.shelf.held) != 0 {
		t.Errorf("held after the conversation was deleted: %v", l.shelf.held)
	}
}

func TestCredentialsThatTheServerHasAnywayAreNotHeld(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	acc := l.submitted(header("Chat-Provider-Key", "sk-server"))
	task, err := l.store.Task(t.Context(), chat.LocalOwner, acc.TaskID)
	if l.must(err); l.shelf.seen != 0 || task.OwnProvider != "" || task.Model != "" {
		t.Errorf("held %d, %+v", l.shelf.seen, task)
	}
}

// doubtful stores a submission and loses the reply.
type doubtful struct{ api.Store }

func (d doubtful) Submit(ctx context.Context, owner string, sub chat.Submission, o chat.SubmitOptions) (chat.Accepted, bool, error) {
	if _, _, err := d.Store.Submit(ctx, owner, sub, o); err != nil {
		return chat.Accepted{}, false, err
	}
	return chat.Accepted{}, false, errAway
}

func TestCredentialsAreHeldWhereTheTaskMayHaveBeenStored(t *testing.T) {
	t.Parallel()
	l := newLabWith(t, api.Options{}, func(s api.Store) api.Store { return doubtful{s} })
	a := l.call("POST", "/conversations/"+l.conversation().ID+"/messages", `{"content":"x"}`, header("Chat-Provider-Key", "sk-own"))
	list, err := l.store.Tasks(t.Context(), chat.LocalOwner, chat.TaskQuery{})
	if l.must(err); a.status != 503 || len(list) != 1 || l.shelf.holds(list[0].ID) != "sk-own" {
		t.Errorf("%d, %d tasks, held %v", a.status, len(list), l.shelf.held)
	}
}

func TestCredentialsAreRefusedOnTCP(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	conv := l.conversation()
	for _, own := range []with{header("Chat-Provider-Key", "sk-own"), header("Chat-Provider-Base-Url", "http://own.example")} {
		for call, body := range map[string]string{"POST /conversations/" + conv.ID + "/messages": `{"content":"x"}`, "GET /models": ""} {
			method, path, _ := strings.Cut(call, " ")
			a := l.remote(method, path, body, bearer(token), own)
			if a.status != http.StatusBadRequest || a.problem(t) != chat.CodeInvalid {
				t.Errorf("%s: %d %s", call, a.status, a.body)
			}
		}
	}
	for _, bad := range []string{"ftp://x", "x", "http://", "://"} {
		if a := l.call("GET", "/models", "", header("Chat-Provider-Base-Url", bad)); a.status != http.StatusBadRequest {
			t.Errorf("base URL %q: %d", bad, a.status)
		}
	}
	if l.shelf.seen != 0 {
		t.Error("something was remembered")
	}
}
