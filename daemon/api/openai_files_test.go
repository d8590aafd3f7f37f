package api_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"chat"
	"chat/daemon/api"
)

func TestPDFsInRequests(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	const data = "%PDF-1.7\nThe sky is blue."
	url := "data:application/pdf;base64," + base64.StdEncoding.EncodeToString([]byte(data))
	r, a := h.background(`{"model":"lying","background":true,"input":[{"role":"user","content":[{"type":"input_text","text":"what?"},{"type":"input_file","filename":"sky.pdf","file_data":"` + url + `"}]}]}`)
	read, err := h.store.Thread(t.Context(), taskID(r))
	h.must(err)
	thread := read.Messages
	if p := thread[0].Parts; len(p) != 2 || !p[1].IsDocument() || p[1].Name != "sky.pdf" || p[1].Pages != 1 || p[1].Digest != digestOf(data) {
		t.Errorf("%+v", p)
	}
	a.end()
	if items := h.call("GET", "/v1/responses/"+r.ID+"/input_items", ""); !strings.Contains(string(items.body), `"type":"input_file"`) || !strings.Contains(string(items.body), url) {
		t.Errorf("%s", items.body)
	}
	res, err := h.local.Transport.RoundTrip(h.request("http://chat", "POST", "/v1/chat/completions",
		`{"model":"lying","stream":true,"messages":[{"role":"user","content":[{"type":"file","file":{"filename":"sky.pdf","file_data":"`+url+`"}}]}]}`))
	h.must(err)
	h.must(res.Body.Close())
	read, err = h.store.Thread(t.Context(), res.Header.Get("Chat-Task-Id"))
	h.must(err)
	if thread = read.Messages; len(thread) != 1 || !thread[0].Parts[0].IsDocument() {
		t.Errorf("%+v", thread)
	}
	damaged := "data:application/pdf;base64," + base64.StdEncoding.EncodeToString([]byte("%PDF-1.7"))
	got := h.call("POST", "/v1/chat/completions", `{"model":"lying","messages":[{"role":"user","content":[{"type":"file","file":{"filename":"x.pdf","file_data":"`+damaged+`"}}]}]}`)
	if got.status != http.StatusUnsupportedMediaType || !strings.Contains(string(got.body), "damaged") || !strings.Contains(string(got.body), string(chat.CodeUnsupported)) {
		t.Errorf("%d %s", got.status, got.body)
	}
}
