package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"chat"
	"chat/daemon/api"
)

// TestHostileBodiesAreRefusedOnEveryCall sends what is no proper JSON object to every
// call that takes a body: it is 400, names the field where there is one, and leaves
// nothing behind.
func TestHostileBodiesAreRefusedOnEveryCall(t *testing.T) {
	t.Parallel()
	ended := make(chan bool, 1000)
	h := newHarness(t, api.Options{Shutdown: func(now bool) { ended <- now }})
	done := h.finished("because")
	conv := "/conversations/" + done.ConversationID
	calls := []struct {
		call, text string // a field that holds a text, "" if there is none
		flag       string // any field
	}{
		{"POST /conversations", "title", "title"},
		{"PATCH " + conv, "title", "title"},
		{"POST " + conv + "/messages", "content", "content"},
		{"POST " + conv + "/fork", "title", "title"},
		{"POST /conversations/import", "title", "title"},
		{"POST /messages/" + done.MessageID + "/regenerate", "model", "model"},
		{"POST /messages/" + done.MessageID + "/continue", "model", "model"},
		{"POST /shutdown", "", "now"},
	}
	for _, c := range calls {
		method, path, _ := strings.Cut(c.call, " ")
		upper := strings.ToUpper(c.flag[:1]) + c.flag[1:]
		bodies := map[string]string{ // with the field that must be named
			`null`: "", `[]`: "", `[{}]`: "", `"text"`: "", `0`: "", `true`: "", `{`: "", `{"`: "", `{}{}`: "", `{} x`: "", `{},`: "", `{"a":1,}`: "a", `{'a':1}`: "",
			"\ufeff{}": "", "{}\x00": "", "\xff\xfe{\x00}\x00": "", `NaN`: "", `{"surprise":1}`: "surprise", `{"a":{"b":[]}}`: "a", "//\n{}": "",
			`{"` + upper + `":"x"}`: upper, `{"` + strings.ToUpper(c.flag) + `":"x"}`: strings.ToUpper(c.flag),
			`{"` + c.flag + `":null,"` + c.flag + `":null}`: c.flag, `{"` + c.flag + `":[]}`: c.flag, `{"` + c.flag + `":{}}`: c.flag, `{"` + c.flag + `":12}`: c.flag,
			`{"` + c.flag + "\":\"\xff\"}": "UTF-8", "{\"\xc3\x28\":1}": "UTF-8",
		}
		if c.text != "" {
			for _, bad := range []string{
				`a\ud800`, `\udc00b`, `\ud800\ud800`, `\ud83d`, "a\xff", "\xed\xa0\x80", "\xc0\x80", "\xf5\x80\x80\x80", "cut \xe2\x82", `\x41`, "line\nend", "tab\t", `\u12`,
			} {
				bodies[`{"`+c.text+`":"`+bad+`"}`] = c.text
			}
			bodies[`{"`+c.text+`":"one","`+c.text+`":"two"}`] = c.text
			bodies[`{"`+c.text+`":true}`] = c.text
		}
		if c.text != "" && !strings.Contains(path, "import") { // an import takes what others have stored
			bodies[`{"`+c.text+`":"\u0000"}`] = c.text
			bodies[`{"`+c.text+`":"a\u0000b"}`] = c.text
		}
		for body, field := range bodies {
			a := h.call(method, path, body)
			if a.status != http.StatusBadRequest || a.problem(t) != chat.CodeInvalid || !strings.Contains(string(a.body), field) {
				t.Errorf("%s %q: %d %s, want 400 that names %q", c.call, body, a.status, a.body, field)
			}
		}
	}
	if tasks, err := h.store.Tasks(t.Context(), chat.LocalOwner, chat.TaskQuery{}); err != nil || len(tasks) != 1 || len(ended) != 0 {
		t.Errorf("left over: %d tasks, %d ends: %v", len(tasks), len(ended), err)
	}
	if list, _, err := h.store.Conversations(t.Context(), chat.LocalOwner, chat.ConversationQuery{}); err != nil || len(list) != 1 || list[0].Title != "why?" {
		t.Errorf("left over: %+v, %v", list, err)
	}
}

func TestEmptyMessagesAreRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	path := "/conversations/" + h.conversation().ID + "/messages"
	for _, content := range []string{`""`, `null`, `" "`, `"\n\t "`, `"\u0000"`, `"\u0000\u0000"`, `" \u0000 "`, `"\u2003\u00a0"`} {
		if a := h.call("POST", path, `{"content":`+content+`}`); a.status != http.StatusBadRequest || !strings.Contains(string(a.body), "content") {
			t.Errorf("%s: %d %s", content, a.status, a.body)
		}
	}
	for _, content := range []string{`"\ud83d\ude00"`, `"\ufffd"`, `"\ufeff!"`, `"\u001b[31m"`, `"\u2028x"`, `"x"`} {
		if a := h.call("POST", "/conversations/"+h.conversation().ID+"/messages", `{"content":`+content+`}`); a.status != http.StatusAccepted {
			t.Errorf("%s: %d %s", content, a.status, a.body)
		}
	}
}

// TestABodyMayBeLeftOut: where all fields are optional, no body is an empty object,
// whether its length was given or not.
func TestABodyMayBeLeftOut(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	for name, body := range map[string]io.Reader{"none": nil, "empty": strings.NewReader(""), "of unknown length": io.MultiReader()} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://chat/conversations", body)
		h.must(err)
		if a := h.do(r); a.status != http.StatusCreated {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	for _, path := range []string{"/conversations/" + unknownID + "/messages", "/conversations/import"} {
		if a := h.call("POST", path, " "); a.status != http.StatusBadRequest || !strings.Contains(string(a.body), "empty") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}
