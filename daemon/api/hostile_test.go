package api_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"chat"
	"chat/daemon/api"
)

// formatError is an error of any format: a problem document, or OpenAI's.
type formatError struct {
	Code   chat.Code
	Detail string
	Error  struct{ Code, Message string }
}

func (e formatError) code() string    { return string(e.Code) + e.Error.Code }
func (e formatError) message() string { return e.Detail + e.Error.Message }

// refused makes a call that must be refused as invalid. It does not wait for the answer of a
// request that is accepted instead.
func (h *harness) refused(call, body string, more ...with) {
	h.Helper()
	shown := fmt.Sprintf("%s %q", call, body[:min(len(body), 120)])
	ctx, cancel := context.WithTimeout(h.Context(), testTimeout)
	defer cancel()
	method, path, _ := strings.Cut(call, " ")
	res, err := h.local.Transport.RoundTrip(h.request("http://chat", method, path, body, more...).WithContext(ctx))
	if err != nil {
		h.Errorf("%s: %v", shown, err)
		return
	}
	defer func() { h.check(res.Body.Close()) }()
	var e formatError
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusAccepted { // a stream would not end
		h.check(json.NewDecoder(res.Body).Decode(&e))
	}
	invalid := res.StatusCode == http.StatusBadRequest && e.code() == string(chat.CodeInvalid)
	tooLarge := res.StatusCode == http.StatusRequestEntityTooLarge && e.code() == string(chat.CodeTooLarge)
	if m := e.message(); !invalid && !tooLarge || m == "" || strings.HasPrefix(m, " ") {
		h.Errorf("%s: %d %q %q", shown, res.StatusCode, e.code(), m)
	}
}

// noTasks fails if a refused request has left a task behind.
func (h *harness) noTasks() {
	h.Helper()
	list, err := h.store.Tasks(h.Context(), chat.LocalOwner, chat.TaskQuery{})
	h.must(err)
	if len(list) > 0 {
		h.Errorf("refused requests have left %d tasks", len(list))
	}
}

// The other formats repair a body as little as the native one.
func TestHostileBodiesAreRefusedInEveryFormat(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	for call, format := range map[string]string{
		"POST /v1/responses":         `{"model":"lying","background":true,"input":%s}`,
		"POST /v1/responses/compact": `{"model":"lying","input":%s}`,
		"POST /v1/chat/completions":  `{"model":"lying","stream":true,"messages":[{"role":"user","content":%s}]}`,
		"POST /api/chat":             `{"id":"c","messages":[{"role":"user","parts":[{"type":"text","text":%s}]}]}`,
	} {
		good := fmt.Sprintf(format, `"x"`)
		for _, body := range []string{
			"", "null", "[]", "[{}]", `"text"`, "7", "{", good + good, good + " x", good + "\x00", "\ufeff" + good, good[:len(good)-1] + `,"a":1,"a":2}`,
			fmt.Sprintf(format, "\"a\xff\""), fmt.Sprintf(format, `"\ud800"`), fmt.Sprintf(format, `"\u0000"`), fmt.Sprintf(format, "\"\xed\xa0\x80\""),
			fmt.Sprintf(format, strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)),
		} {
			h.refused(call, body)
		}
	}
	h.noTasks()
}

func dataURL(mediaType, data string) string {
	return "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString([]byte(data))
}

func TestImpossibleValuesAreRefusedInEveryFormat(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	long := strings.Repeat("x", 64<<10)
	for call, bodies := range map[string][]string{
		"POST /v1/responses": {
			`"input":"x","user":"` + long + `"`, `"input":"x","safety_identifier":"` + long + `"`, `"input":"x","prompt_cache_key":"` + long + `"`,
			`"input":"x","text":{"verbosity":"` + long + `"}`, `"input":"x","reasoning":{"summary":"` + long + `"}`, `"input":"x","service_tier":"` + long + `"`,
			`"input":"x","model":"` + long + `"`, `"input":"x","instructions":"a\u0000b"`,
			`"input":"x","tools":[{"type":"function","name":"f","description":"` + strings.Repeat(long, 8) + `"}]`,
			`"input":"x","max_output_tokens":-1`, `"input":"x","max_output_tokens":1e400`, `"input":"x","max_output_tokens":1.5`, `"input":"x","temperature":"hot"`,
			`"input":"x","metadata":{"k":1}`, `"input":"x","metadata":[]`, `"input":"x","conversation":[]`, `"input":"x","conversation":{}`,
			`"input":[]`, `"input":{}`, `"input":[7]`, `"input":[{"role":"user","content":[]}]`, `"input":[{"role":"alien","content":"x"}]`,
			`"input":[{"type":"function_call","call_id":"","name":"f"},{"role":"user","content":"x"}]`,
			`"input":[{"role":"user","content":[{"type":"input_image","image_url":"` + dataURL("image/png", "hello") + `"}]}]`,
			`"input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,%"}]}]`,
			`"input":[{"role":"user","content":[{"type":"input_image","image_url":{"url":["x"]}}]}]`,
			`"input":[{"role":"user","content":[{"type":"input_image","image_url":"file:///etc/passwd"}]}]`,
		},
		"POST /v1/chat/completions": {
			`"messages":[]`, `"messages":[{}]`, `"messages":[{"role":"alien","content":"x"}]`, `"messages":[{"role":"user","content":{"a":1}}]`,
			`"messages":[{"role":"user","content":"x"}],"n":2`, `"messages":[{"role":"user","content":"x"}],"stop":{"a":1}`, `"messages":[{"role":"user","content":"x"}],"seed":1e30`,
			`"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"` + dataURL("image/png", "hello") + `"}}]}]`,
			`"messages":[{"role":"tool","content":"x"}]`,
		},
		"POST /api/chat": {
			`"id":"c"`, `"id":"c","messages":[]`, `"id":"","messages":[{"role":"user","parts":[{"type":"text","text":"x"}]}]`, `"id":"c","messages":[{"role":"user","parts":[]}]`,
			`"id":"c","messages":[{"role":"alien","parts":[{"type":"text","text":"x"}]},{"role":"user","parts":[{"type":"text","text":"x"}]}]`,
			`"id":"c","messages":[{"role":"assistant","parts":[{"type":"text","text":"a\u0000"}]},{"role":"user","parts":[{"type":"text","text":"x"}]}]`,
			`"id":"c","messages":[{"role":"user","parts":[{"type":"file","url":"https://example.com/a.png"}]}]`,
			`"id":"c","messages":[{"role":"user","parts":[{"type":"text","text":"x"}]}],"trigger":"regenerate-message","messageId":["x"]`,
		},
	} {
		for _, fields := range bodies {
			if strings.HasPrefix(call, "POST /v1/") && !strings.Contains(fields, `"model"`) {
				fields += `,"model":"lying"`
			}
			h.refused(call, `{"stream":true,`+fields+`}`)
		}
	}
	h.noTasks()
}

func TestOddIdempotencyKeysAreRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	for _, key := range []string{"a\xff", "\xfe", strings.Repeat("k", 256)} {
		for call, body := range map[string]string{
			"POST /messages":            `{"content":"x"}`,
			"POST /conversations":       `{}`,
			"POST /v1/responses":        `{"model":"lying","input":"x","background":true}`,
			"POST /v1/chat/completions": `{"model":"lying","stream":true,"messages":[{"role":"user","content":"x"}]}`,
			"POST /api/chat":            `{"id":"c","messages":[{"role":"user","parts":[{"type":"text","text":"x"}]}]}`,
		} {
			h.refused(call, body, header("Idempotency-Key", key))
		}
	}
	w := h.ws()
	w.say(`{"type":"submit","idempotency_key":"a\u0000","message":{"content":"x"}}`)
	if m := w.next(); m.Error == nil || m.Error.Code != chat.CodeInvalid {
		t.Errorf("over a socket: %+v", m)
	}
	h.noTasks()
}

// Another owner's object is the same as a missing one, in each format.
func TestEachFormatHidesTheObjectsOfOthers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	theirs, _, err := h.store.Submit(t.Context(), "another", chat.Submission{Content: "secret"}, chat.SubmitOptions{})
	h.must(err)
	digits := func(id string) string { return strings.ReplaceAll(id, "-", "") }
	chatBody := `{"id":"%s","messages":[{"role":"user","parts":[{"type":"text","text":"x"}]}]}`
	for _, c := range []struct{ call, body, id string }{
		{"GET /tasks/%s", "", theirs.TaskID},
		{"GET /stream/%s", "", theirs.TaskID},
		{"POST /tasks/%s/cancel", "", theirs.TaskID},
		{"GET /v1/responses/resp_%s", "", digits(theirs.TaskID)},
		{"GET /v1/responses/%s?stream=true&starting_after=0", "", theirs.TaskID},
		{"POST /v1/responses/resp_%s/cancel", "", digits(theirs.TaskID)},
		{"DELETE /v1/responses/resp_%s", "", digits(theirs.TaskID)},
		{"GET /v1/responses/resp_%s/input_items", "", digits(theirs.TaskID)},
		{"POST /v1/responses", `{"model":"lying","input":"x","previous_response_id":"resp_%s"}`, digits(theirs.TaskID)},
		{"POST /v1/responses", `{"model":"lying","input":"x","conversation":"conv_%s"}`, digits(theirs.ConversationID)},
		{"POST /v1/responses", `{"model":"lying","input":"x","store":false,"conversation":"%s"}`, theirs.ConversationID},
		{"POST /v1/responses/compact", `{"model":"lying","previous_response_id":"resp_%s"}`, digits(theirs.TaskID)},
		{"POST /v1/responses/compact", `{"model":"lying","input":[{"type":"compaction","encrypted_content":"chatd_compaction_%s"},{"role":"user","content":"x"}]}`, digits(theirs.TaskID)},
		{"GET /web/stream/%s", "", theirs.TaskID},
		{"GET /web/conversations/%s", "", theirs.ConversationID},
		{"GET /api/chat/%s", "", theirs.ConversationID},
		{"GET /api/chat/%s/stream", "", theirs.ConversationID},
		{"POST /api/chat/%s/stop", "", theirs.ConversationID},
	} {
		ask := func(id string) string {
			method, path, _ := strings.Cut(c.call, " ")
			body := c.body
			if body == "" {
				path = fmt.Sprintf(path, id)
			} else {
				body = fmt.Sprintf(body, id)
			}
			a := h.call(method, path, body)
			return fmt.Sprint(a.status, strings.ReplaceAll(string(a.body), id, "ID"))
		}
		missing := unknownID
		if !strings.Contains(c.id, "-") {
			missing = digits(missing)
		}
		if got, want := ask(c.id), ask(missing); got != want || strings.Contains(got, "secret") {
			t.Errorf("%s %s: %s, and of a missing one %s", c.call, c.body, got, want)
		}
	}
	if a := h.call("POST", "/api/chat", fmt.Sprintf(chatBody, theirs.ConversationID)); a.status != http.StatusNotFound {
		t.Errorf("a message in the chat of another owner: %d %s", a.status, a.body)
	}
	h.noTasks()
	task, err := h.store.Task(t.Context(), "another", theirs.TaskID)
	h.must(err)
	if task.State != chat.TaskQueued {
		t.Errorf("the task of another owner is %s", task.State)
	}
}

// brokenStore is a database that fails with an error that no client may see.
type brokenStore struct {
	api.Store
}

var errBroken = errors.New("SQLite: secret detail")

func (brokenStore) Submit(context.Context, string, chat.Submission, chat.SubmitOptions) (chat.Accepted, bool, error) {
	return chat.Accepted{}, false, errBroken
}

// logLines counts the lines of a log.
type logLines struct {
	slog.Handler
	n atomic.Int32
}

func (l *logLines) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }
func (l *logLines) Handle(context.Context, slog.Record) error        { l.n.Add(1); return nil }

func TestInternalErrorsAreLoggedOnceAndNotShown(t *testing.T) {
	t.Parallel()
	lines := &logLines{}
	h := newHarnessWithStore(t, api.Options{Logger: slog.New(lines)}, func(s api.Store) api.Store { return brokenStore{s} })
	seen := func(what, text string) {
		t.Helper()
		if n := lines.n.Swap(0); n != 1 {
			t.Errorf("%s: the error is logged %d times", what, n)
		}
		if strings.Contains(text, "secret") || !strings.Contains(text, "internal") {
			t.Errorf("%s: %s", what, text)
		}
	}
	for path, body := range map[string]string{
		"/messages":            `{"content":"x"}`,
		"/v1/responses":        `{"model":"lying","input":"x","background":true}`,
		"/v1/chat/completions": `{"model":"lying","stream":true,"messages":[{"role":"user","content":"x"}]}`,
		"/api/chat":            `{"id":"c","messages":[{"role":"user","parts":[{"type":"text","text":"x"}]}]}`,
	} {
		seen(path, string(h.call("POST", path, body).body))
	}
	w := h.ws()
	w.say(`{"type":"submit","message":{"content":"x"}}`)
	if m := w.next(); m.Error == nil || m.Error.Code != chat.CodeInternal {
		t.Errorf("%+v", m)
	} else {
		seen("/ws", m.Error.Message)
	}
	c := h.responseSocket()
	c.say(`{"type":"response.create","model":"lying","input":"x"}`)
	seen("/v1/responses over a socket", c.event().raw)
}

// A client without a token cannot make the server keep a large message.
func TestASocketReadsLittleBeforeItsToken(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	w, _, err := h.dialSocket(h.tcp, nil) //nolint:bodyclose // the library closes it
	h.must(err)
	_ = w.c.Write(t.Context(), websocket.MessageText, []byte(`{"type":"hello","token":"`+strings.Repeat("x", 1<<20)+`"}`)) // it may be closed before the end
	for err = nil; err == nil; {
		_, err = w.read()
	}
	if websocket.CloseStatus(err) == websocket.StatusPolicyViolation {
		t.Error("the server has read a megabyte of a client without a token")
	}
	ok, _, err := h.dialSocket(h.tcp, nil) //nolint:bodyclose // the library closes it
	h.must(err)
	ok.say(`{"type":"hello","token":%q}`, token)
	ok.next()
	ok.say(`{"type":"submit","message":{"content":"%s"}}`, strings.Repeat("x", 512<<10))
	if m := ok.next(); m.Type != "accepted" {
		t.Errorf("%+v", m)
	}
}

// attachmentReads counts the attachments that are read.
type attachmentReads struct {
	api.Store
	n *atomic.Int32
}

func (s attachmentReads) Attachment(ctx context.Context, owner, digest string) (chat.Attachment, error) {
	s.n.Add(1)
	return s.Store.Attachment(ctx, owner, digest)
}

func TestAPageOfInputReadsItsOwnImagesOnly(t *testing.T) {
	t.Parallel()
	var reads atomic.Int32
	h := newHarnessWithStore(t, api.Options{}, func(s api.Store) api.Store { return attachmentReads{s, &reads} })
	image := `{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,` + pixel + `"}]},{"role":"assistant","content":"ok"},`
	r, _ := h.background(`{"model":"lying","background":true,"input":[` + strings.Repeat(image, 10) + `{"role":"user","content":"x"}]}`)
	a := h.call("GET", "/v1/responses/"+r.ID+"/input_items?order=asc&limit=1", "")
	if a.status != http.StatusOK || !strings.Contains(string(a.body), pixel) || reads.Load() != 1 {
		t.Errorf("%d images were read for one item: %d %.300s", reads.Load(), a.status, a.body)
	}
}

// One key makes one task, however many requests with it arrive at the same moment.
func TestOneKeyMakesOneTaskInEveryFormat(t *testing.T) {
	t.Parallel()
	for path, body := range map[string]string{
		"/messages":            `{"content":"x"}`,
		"/v1/responses":        `{"model":"lying","input":"x","background":true}`,
		"/v1/chat/completions": `{"model":"lying","stream":true,"messages":[{"role":"user","content":"x"}]}`,
		"/api/chat":            `{"id":"c","messages":[{"role":"user","parts":[{"type":"text","text":"x"}]}]}`,
	} {
		h := newHarness(t, api.Options{})
		var wait sync.WaitGroup
		var failed atomic.Int32
		for range 8 {
			wait.Go(func() {
				res, err := h.local.Transport.RoundTrip(h.request("http://chat", "POST", path, body, header("Idempotency-Key", "k")))
				if err != nil || res.StatusCode >= 300 {
					failed.Add(1)
				}
				if err == nil {
					_ = res.Body.Close()
				}
			})
		}
		wait.Wait()
		list, err := h.store.Tasks(t.Context(), chat.LocalOwner, chat.TaskQuery{})
		h.must(err)
		if len(list) != 1 || failed.Load() > 0 {
			t.Errorf("%s: %d tasks, %d of 8 requests failed", path, len(list), failed.Load())
		}
	}
}

// A reader of a task whose conversation is deleted is not left waiting.
func TestADeletionEndsTheReadersOfEveryFormat(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.submitted()
	a := h.claim(acc)
	a.write("Hel")
	id := strings.ReplaceAll(acc.TaskID, "-", "")
	ends := make(chan string, 8)
	var streams sync.WaitGroup
	paths := []string{"/stream/" + acc.TaskID, "/v1/responses/resp_" + id + "?stream=true", "/api/chat/" + acc.ConversationID + "/stream", "/web/stream/" + acc.TaskID}
	for _, path := range paths {
		streams.Go(func() {
			res, err := h.local.Transport.RoundTrip(h.request("http://chat", "GET", path, ""))
			if err != nil || res.StatusCode != http.StatusOK {
				ends <- fmt.Sprintf("%s: %v %v", path, res, err)
				return
			}
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if err == nil {
				ends <- path + ": the stream ends as if it were complete"
			}
		})
	}
	w := h.ws()
	w.say(`{"type":"follow","task_id":%q}`, acc.TaskID)
	h.eventually("all follow", func() bool { return h.log.Tails() == len(paths)+1 })
	if got := h.call("DELETE", "/conversations/"+acc.ConversationID, ""); got.status != http.StatusNoContent {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for {
		m := w.next()
		if m.Type == "error" && m.Error.Code == chat.CodeNotFound {
			break
		}
	}
	h.eventually("nothing is followed", func() bool { return h.log.Tails() == 0 })
	streams.Wait()
	close(ends)
	for problem := range ends {
		t.Error(problem)
	}
}
