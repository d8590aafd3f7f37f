package openai_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

// redirected sends the requests to any host to the server at base instead.
func redirected(t *testing.T, base string) http.RoundTripper {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		req = req.Clone(req.Context())
		req.URL.Scheme, req.URL.Host = u.Scheme, u.Host
		req.URL.Path = "/v1" + req.URL.Path[strings.LastIndex(req.URL.Path, "/chat"):]
		return http.DefaultTransport.RoundTrip(req)
	})
}

// aboutPDFs is a conversation whose messages have a PDF each.
func aboutPDFs(texts ...string) model.Request {
	req := model.Request{Model: "picky"}
	stored := map[string]chat.Attachment{}
	for i, text := range texts {
		a := chat.Attachment{Digest: text, MediaType: chat.PDFType, Data: []byte("%PDF-" + text), Text: text, Size: 9, Pages: 2}
		if text == "scan" {
			a.Text = ""
		}
		stored[a.Digest] = a
		req.Messages = append(req.Messages, chat.Message{ID: text, Role: chat.RoleUser, Parts: append(chat.TextParts("what?"), a.Part(text+".pdf"))})
		if i < len(texts)-1 {
			req.Messages = append(req.Messages, chat.Message{Role: chat.RoleAssistant, Content: "that"})
		}
	}
	req.Attachment = func(_ context.Context, digest string) (chat.Attachment, error) { return stored[digest], nil }
	return req
}

func TestPDFsGoToServersThatAcceptThem(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.openai.com/v1": `[{"type":"text","text":"what?"},{"type":"file","file":{"filename":"sky.pdf","file_data":"data:application/pdf;base64,JVBERi1za3k="}}] `,
		"https://openrouter.ai/api/v1": `[{"type":"text","text":"what?"},{"type":"file","file":{"filename":"sky.pdf","file_data":"data:application/pdf;base64,JVBERi1za3k="}}]` +
			` [{"id":"file-parser","pdf":{"engine":"native"}}]`,
		"https://api.groq.com/openai/v1": `"what?\n\n\u003cfile name=\"sky.pdf\"\u003e\nsky\n\u003c/file\u003e" `,
	} {
		p := modeltest.NewPicky(t, func(modeltest.Asked) (int, string) { return 0, "" })
		r := newRegistry(t, providers.Config{BaseURL: base, Key: "sk-1", Transport: redirected(t, p.URL)})
		g := modeltest.Collect(t.Context(), t, r, aboutPDFs("sky"))
		if g.Err != nil {
			t.Fatal(g.Err)
		}
		raw := p.Requests()[0].Raw
		var messages []struct{ Content json.RawMessage }
		if err := json.Unmarshal(raw["messages"], &messages); err != nil {
			t.Fatal(err)
		}
		if got := string(messages[0].Content) + " " + string(raw["plugins"]); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", base, got, want)
		}
		asText := strings.Contains(base, "groq")
		if notices := strings.Join(g.Notices, ";"); asText != strings.Contains(notices, "sky.pdf was sent as text") || asText != (len(g.Notices) == 1) {
			t.Errorf("%s: %q", base, g.Notices)
		}
	}
}

func TestAScannedPDFIsNamed(t *testing.T) {
	p := modeltest.NewPicky(t, func(modeltest.Asked) (int, string) { return 0, "" })
	r := newRegistry(t, providers.Config{BaseURL: p.URL, DefaultModel: "picky"})
	g := modeltest.Collect(t.Context(), t, r, aboutPDFs("scan"))
	if g.Err != nil || len(g.Notices) != 1 || !strings.Contains(g.Notices[0], "scan.pdf has no text") || !strings.Contains(p.Requests()[0].Last().Text, "2 pages without text") {
		t.Errorf("%v, %q, %+v", g.Err, g.Notices, p.Requests())
	}
}

// A refusal is answered by the text. Only that of all PDFs is remembered.
func TestRefusedPDFsBecomeText(t *testing.T) {
	for name, tc := range map[string]struct {
		status     int
		body       string
		remembered bool
	}{
		"no files":     {400, `{"error":{"message":"This model does not support file content types.","type":"invalid_request_error","param":"messages[0].content[1]"}}`, true},
		"unknown part": {400, `{"error":{"message":"Invalid content type. file is only supported by certain models.","type":"invalid_request_error"}}`, true},
		"string only":  {422, `{"error":{"message":"invalid type: sequence, expected a string"}}`, true},
		"too long":     {400, `{"error":{"message":"The PDF has too many pages: at most 100 are supported.","type":"invalid_request_error"}}`, false},
		"damaged":      {400, `{"error":{"message":"Could not process PDF","type":"invalid_request_error"}}`, false},
		"large":        {413, `{"error":{"message":"Request too large"}}`, false},
	} {
		p := modeltest.NewPicky(t, func(a modeltest.Asked) (int, string) {
			if strings.Contains(string(a.Raw["messages"]), "file_data") {
				return tc.status, tc.body
			}
			return 0, ""
		})
		r := newRegistry(t, providers.Config{BaseURL: "https://api.openai.com/v1", Key: "sk-1", Transport: redirected(t, p.URL)})
		for range 2 {
			g := modeltest.Collect(t.Context(), t, r, aboutPDFs("sky", "sea"))
			if last := p.Requests()[len(p.Requests())-1].Last(); g.Err != nil || !strings.Contains(last.Text, "sea") || last.Parts || len(g.Notices) != 1 || !strings.Contains(g.Notices[0], "sea.pdf was sent as text") {
				t.Errorf("%s: %v, %+v, %q", name, g.Err, last, g.Notices)
			}
		}
		if n := len(p.Requests()); n != 4 && !tc.remembered || n != 3 && tc.remembered {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}
