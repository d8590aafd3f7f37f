package body

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"chat"
)

// FuzzBody decodes whatever is sent as a body: it is taken whole, and means the
// same when it is sent again as it was understood; or it is refused with a code.
func FuzzBody(f *testing.F) {
	for _, s := range []string{
		`{"content":"hello"}`, `{"content":"a","model":"m","priority":"urgent","parent_id":"x","deadline_seconds":5}`,
		`{"content":"\ud800","content":"twice"}`, `{"content":1}`, `{"unknown":0}`, `[]`, `null`, `{} {}`, "{\"content\":\"\xff\"}", ``, `{"content":"\u0000"}`,
	} {
		f.Add([]byte(s), "application/json; charset=utf-8")
	}
	f.Add([]byte(`{}`), "text/plain")
	read := func(body []byte, contentType string) (sub chat.Submission, err error) {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		err = Decode(r, &sub, false)
		return sub, err
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		sub, err := read(body, contentType)
		if err != nil {
			if code := chat.CodeOf(err); code != chat.CodeInvalid && code != chat.CodeUnsupported || err.Error() == "" {
				t.Errorf("refused with %q: %v", code, err)
			}
			return
		}
		sent, err := json.Marshal(sub)
		if err != nil {
			t.Fatal(err)
		}
		again, err := read(sent, "application/json")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(again); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("understood as %s, and then as %s, %v", sent, got, err)
		}
	})
}
