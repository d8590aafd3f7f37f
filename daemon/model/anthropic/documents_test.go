package anthropic_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

// aboutPDF is a question about a PDF.
func aboutPDF() model.Request {
	a := chat.Attachment{Digest: "d", MediaType: chat.PDFType, Data: []byte("%PDF-1.7"), Text: "The sky is blue.", Size: 8, Pages: 1}
	req := thread(chat.Parts{{Type: chat.PartText, Text: "what?"}, a.Part("sky.pdf")})
	req.Attachment = func(context.Context, string) (chat.Attachment, error) { return a, nil }
	return req
}

// A refusal is answered by the text. Only that of all PDFs is remembered.
func TestRefusedPDFsBecomeText(t *testing.T) {
	for name, tc := range map[string]struct {
		message  string
		requests int // for two answers
	}{
		"too many pages": {"messages.0.content.1.document.source.base64.data: A maximum of 100 PDF pages may be provided.", 4},
		"damaged":        {"Could not process PDF", 4},
		"no documents":   {"'claude-test' does not support PDF input.", 3},
	} {
		server := modeltest.NewAnthropic(t, said("yes"))
		server.Judge = func(a modeltest.AskedMessages) (int, string) {
			if strings.Contains(a.Body, "application/pdf") {
				return http.StatusBadRequest, tc.message
			}
			return 0, ""
		}
		r := newRegistry(t, server.URL)
		for range 2 {
			g := stream(t, r, aboutPDF())
			requests := server.Requests()
			want := "user: text=what? text=" + chat.FileBlock("sky.pdf", "The sky is blue.") + "*"
			if got := blocks(requests[len(requests)-1].Messages[0]); g.Err != nil || got != want || len(g.Notices) != 1 || !strings.Contains(g.Notices[0], "sky.pdf was sent as text") {
				t.Errorf("%s: %v, %s, %q", name, g.Err, got, g.Notices)
			}
		}
		if n := len(server.Requests()); n != tc.requests {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

// Other providers with this API are not known to have documents. A gateway may.
func TestPDFsOfOtherProviders(t *testing.T) {
	server := modeltest.NewAnthropic(t, said("yes"))
	to, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for base, native := range map[string]bool{"https://api.deepseek.com/anthropic": false, "https://gateway.example.com": true, "https://api.anthropic.com": true} {
		r := newRegistry(t, base, func(c *providers.Config) {
			c.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
				req = req.Clone(req.Context())
				req.URL.Scheme, req.URL.Host, req.URL.Path = to.Scheme, to.Host, strings.TrimPrefix(req.URL.Path, "/anthropic")
				return http.DefaultTransport.RoundTrip(req)
			})
		})
		g := stream(t, r, aboutPDF())
		requests := server.Requests()
		if got := strings.Contains(requests[len(requests)-1].Body, "application/pdf"); g.Err != nil || got != native || (len(g.Notices) == 0) != native {
			t.Errorf("%s: native is %v, %v, %q", base, got, g.Err, g.Notices)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
