package main

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/internal/cli/answer"
	"chat/internal/cli/exit"
)

const (
	person      = "name str, age int, status \"new|old\", address {street str, zip str?}, tags [str]"
	goodPerson  = `{"name":"Ada","age":36,"status":"new","address":{"street":"Main","zip":null},"tags":["a"]}`
	otherPerson = `{"name":"Bob","age":1,"status":"old","address":{"street":"Side"},"tags":[]}`
)

// newLiar is a wire whose provider is a modeltest.Server.
func newLiar(t *testing.T) (*wire, *modeltest.Server) {
	t.Helper()
	w, liar := newWire(t), modeltest.New(t)
	w.env["OPENAI_BASE_URL"], w.env["CHAT_MODEL"] = liar.URL, "lying"
	return w, liar
}

// says is a directive for one answer with that text.
func says(text string) string {
	if text == "" {
		return "empty"
	}
	return "chunks=1 text=" + url.QueryEscape(text)
}

// violation is an answer that does not match person, and what is said about it.
type violation struct{ name, answer, says string }

func violations() []violation {
	return []violation{
		{"a missing field", strings.Replace(goodPerson, `"age":36,`, "", 1), "top level: missing property 'age'"},
		{"a wrong type", strings.Replace(goodPerson, "36", `"36"`, 1), "/age: got string, want integer"},
		{"another field", strings.Replace(goodPerson, `"age"`, `"height":1.8,"age"`, 1), "top level: additional properties 'height' not allowed"},
		{"no JSON", "I am sorry, I cannot do that.", "the answer has no JSON in it"},
		{"truncated JSON", goodPerson[:len(goodPerson)-8], "the answer is not JSON: it ends in the middle"},
		{"a value that is not listed", strings.Replace(goodPerson, `"new"`, `"unknown"`, 1), "/status: value must be one of 'new', 'old'"},
		{"an empty answer", "", "the answer is empty"},
		{"two values", goodPerson + "\n" + otherPerson, "the answer has more than one JSON value"},
		{"a wrong type further in", strings.Replace(goodPerson, `"Main"`, "12", 1), "/address/street: got number, want string"},
		{"a wrong item", strings.Replace(goodPerson, `["a"]`, `["a",null]`, 1), "/tags/1: got null, want string"},
		{"a wrong type in a fence", "Here it is:\n\n```json\n" + strings.Replace(goodPerson, "36", "36.5", 1) + "\n```", "/age: got number, want integer"},
		{"a name twice", strings.Replace(goodPerson, `"age":36`, `"age":1,"age":36`, 1), `the answer is not JSON: at /age: `},
	}
}

// An answer that does not match its schema is asked for again. If the correction does not match
// either, the command ends with a code of its own, the text is kept, and every client says so.
func TestAnswersThatViolateTheirSchema(t *testing.T) {
	w, liar := newLiar(t)
	for _, v := range violations() {
		t.Run(v.name, func(t *testing.T) {
			before := len(liar.Calls())
			r := w.chat("send", "--schema", person, "lie: "+says(v.answer)+" then "+says(v.answer))
			if r.code != exit.Mismatch || r.out != strings.TrimSuffix(v.answer+"\n", "\n\n") && strings.TrimSpace(r.out) != v.answer || !strings.Contains(r.stderr, v.says) {
				t.Errorf("%+v", r)
			}
			if calls := liar.Calls()[before:]; len(calls) != 2 || !strings.Contains(calls[1].Prompt, v.says) {
				t.Errorf("%d requests, the last: %+v", len(calls), calls[len(calls)-1])
			}
			var got answer.Result
			again := w.chat("attach", "last", "--json")
			if err := json.Unmarshal([]byte(again.out), &got); err != nil || again.code != exit.Mismatch || got.Object != nil || got.State != chat.TaskDone ||
				got.Error == nil || got.Error.Code != chat.CodeFormatMismatch || got.Message.Content != v.answer {
				t.Errorf("attach: %+v, %v", again, err)
			}
			if r := w.chat("wait", "last"); r.code != exit.Mismatch || !strings.Contains(r.stderr, v.says) {
				t.Errorf("wait: %+v", r)
			}
			if m := w.messages()[1]; m.Content != v.answer || m.Error == nil || m.Error.Code != chat.CodeFormatMismatch {
				t.Errorf("stored: %+v", m)
			}
			if r := w.chat("show", "last"); !strings.Contains(r.out, v.says) {
				t.Errorf("show: %+v", r)
			}
		})
	}
}

func TestACorrectedAnswerIsTheAnswer(t *testing.T) {
	w, liar := newLiar(t)
	for _, v := range violations() {
		t.Run(v.name, func(t *testing.T) {
			before := len(liar.Calls())
			r := w.chat("send", "--json", "--schema", person, "lie: "+says(v.answer)+" then "+says(goodPerson))
			var got answer.Result
			if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.code != exit.OK {
				t.Fatalf("%+v, %v", r, err)
			}
			if compact(t, got.Object) != goodPerson || got.Message.Content != goodPerson || got.Error != nil {
				t.Errorf("%+v", got)
			}
			if !strings.Contains(strings.Join(got.Notices, "\n"), "was asked to correct it: "+v.says) {
				t.Errorf("notices: %q", got.Notices)
			}
			want := 0
			for _, c := range liar.Calls()[before:] {
				want += c.Tokens
			}
			if v.answer != "" && got.Usage.CompletionTokens != want {
				t.Errorf("usage: %+v, want %d tokens", got.Usage, want)
			}
			if r := w.chat("attach", "last"); r.code != exit.OK || r.out != goodPerson+"\n" {
				t.Errorf("attach: %+v", r)
			}
		})
	}
}

func compact(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	var b strings.Builder
	for _, line := range strings.Split(string(raw), "\n") {
		b.WriteString(strings.TrimSpace(line))
	}
	return strings.ReplaceAll(b.String(), `": `, `":`)
}

// What surrounds one JSON value is not the answer; what was sent is stored as it is.
func TestTextAroundJSON(t *testing.T) {
	w, liar := newLiar(t)
	for name, text := range map[string]string{
		"alone": goodPerson, "in a fence": "```json\n" + goodPerson + "\n```", "after a sentence": "Here is the JSON: " + goodPerson, "on lines": "\n" + goodPerson + "\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			before := len(liar.Calls())
			if got := w.must("send", "--schema", person, "lie: "+says(text)); got != goodPerson+"\n" {
				t.Errorf("written: %q", got)
			}
			if n := len(liar.Calls()) - before; n != 1 {
				t.Errorf("%d requests", n)
			}
			if m := w.messages()[1]; m.Content != text {
				t.Errorf("stored: %q", m.Content)
			}
		})
	}
}

// A correction that fails costs nothing of the first answer.
func TestACorrectionThatFails(t *testing.T) {
	for name, then := range map[string]string{"refused": "status=400", "unavailable": "status=503", "cut": "cut=2", "filter": "empty finish=content_filter"} {
		t.Run(name, func(t *testing.T) {
			w, liar := newLiar(t)
			r := w.chat("send", "--schema", "n int", `lie: `+says(`{"n":"one"}`)+" then "+then)
			if r.code != exit.Mismatch || r.out != "{\"n\":\"one\"}\n" || !strings.Contains(r.stderr, "the correction failed: ") {
				t.Errorf("%+v", r)
			}
			if n := len(liar.Calls()); n != 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// A limit on tokens would cut off the correction, too.
func TestALimitedAnswerIsNotCorrected(t *testing.T) {
	w, liar := newLiar(t)
	r := w.chat("send", "--schema", "n int", `lie: finish=length `+says(`{"n":`))
	if r.code != exit.Mismatch || len(liar.Calls()) != 1 || !strings.Contains(r.stderr, "ends in the middle") {
		t.Errorf("%+v, %d requests", r, len(liar.Calls()))
	}
}

// A provider that refuses schemas is asked in the next best form, and not asked twice.
func TestProvidersWithoutSchemas(t *testing.T) {
	for formats, want := range map[string]struct {
		requests string
		says     string
	}{
		"":       {"strict", ""},
		"loose":  {"strict,json_schema", "the schema in strict mode"},
		"object": {"strict,json_object", "refused the JSON Schema"},
		"none":   {"strict,json_object,", "refused the parameter response_format"},
	} {
		t.Run("formats="+formats, func(t *testing.T) {
			w, liar := newLiar(t)
			prompt := "lie: " + says(`{"n":1}`)
			if formats != "" {
				prompt += " formats=" + formats
			}
			r := w.chat("send", "--schema", "n int", prompt)
			if r.code != exit.OK || r.out != "{\"n\":1}\n" || !strings.Contains(r.stderr, want.says) {
				t.Fatalf("%+v", r)
			}
			var requests []string
			calls := liar.Calls()
			for _, c := range calls {
				requests = append(requests, c.Format)
			}
			if got := strings.Join(requests, ","); got != want.requests {
				t.Errorf("requests: %q", got)
			}
			last := calls[len(calls)-1]
			if described := strings.Contains(last.System, `"additionalProperties":false`); described != (formats == "object" || formats == "none") {
				t.Errorf("the system prompt is %q", last.System)
			}
		})
	}
}

func TestSchemasAreChecked(t *testing.T) {
	w, liar := newLiar(t)
	file := filepath.Join(t.TempDir(), "s.json")
	if err := os.WriteFile(file, []byte(`{"type":"object","properties":{"n":{"type":"integer","minimum":3}},"required":["n"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := w.chat("send", "--schema", file, "lie: "+says(`{"n":3}`)); r.code != exit.OK || r.out != "{\"n\":3}\n" {
		t.Errorf("a file: %+v", r)
	}
	before := len(liar.Calls())
	for schema, want := range map[string]string{
		"name strr":                             "unknown type \"strr\"",
		"a int, a str":                          "twice",
		`{"type":"objekt"}`:                     "not a valid JSON Schema: /type",
		`{"$ref":"https://example.com/s.json"}`: "references are not loaded",
		`{"$ref":"file:///etc/passwd"}`:         "references are not loaded",
		`{"type":`:                              "it ends in the middle",
		"./no/such.json":                        "cannot read the schema ./no/such.json",
		`{"type":"object","pattern":"(?=a)"}`:   "(?=a)",
		" ":                                     "there are no fields",
	} {
		if r := w.chat("send", "--schema", schema, "hello"); r.code != exit.Usage || !strings.Contains(r.stderr, want) {
			t.Errorf("%q: %+v", schema, r)
		}
	}
	for _, args := range [][]string{{"--schema", "-"}, {"--schema", "-", "-"}, {"--schema", "n int", "-x", "hello"}} {
		if r := w.chat(append([]string{"send"}, args...)...); r.code != exit.Usage {
			t.Errorf("%v: %+v", args, r)
		}
	}
	if n := len(liar.Calls()); n != before {
		t.Errorf("%d requests were sent", n-before)
	}
}

// retry asks with the same schema; the next message of the conversation has none.
func TestASchemaIsForOneMessage(t *testing.T) {
	w, liar := newLiar(t)
	w.must("send", "--schema", "n int", "lie: "+says(`{"n":1}`))
	if got := w.must("retry", "last"); got != "{\"n\":1}\n" {
		t.Errorf("retry: %q", got)
	}
	w.must("send", "-c", "and now?")
	calls := liar.Calls()
	if len(calls) != 3 || calls[0].Format != "strict" || calls[1].Format != "strict" || calls[2].Format != "" {
		t.Errorf("%+v", calls)
	}
	r := w.chat("send", "--schema", "n int", "--jsonl", "lie: "+says("no")+" then "+says(`{"n":2}`))
	if r.code != exit.OK || !strings.Contains(r.out, `"type":"reset"`) || !strings.Contains(r.out, `"object":{"n":2}`) {
		t.Errorf("%+v", r)
	}
}
