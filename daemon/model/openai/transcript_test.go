package openai_test

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

// canned answers every request with the same bytes, read as reader does.
type canned struct {
	body   string
	reader func(io.Reader) io.Reader
	status int // 200 if it is 0
}

func (c canned) RoundTrip(req *http.Request) (*http.Response, error) {
	var body io.Reader = strings.NewReader(c.body)
	if c.reader != nil {
		body = c.reader(body)
	}
	return &http.Response{
		StatusCode: cmp.Or(c.status, http.StatusOK), ProtoMajor: 1, Header: http.Header{"Content-Type": {"text/event-stream"}},
		Body: io.NopCloser(body), Request: req,
	}, nil
}

// next answers with whatever body is then.
type next struct{ body string }

func (n *next) RoundTrip(req *http.Request) (*http.Response, error) {
	return canned{body: n.body}.RoundTrip(req)
}

func replay(t *testing.T, c canned) modeltest.Result {
	t.Helper()
	r := newRegistry(t, providers.Config{BaseURL: "http://canned.test/v1", DefaultModel: "m", Transport: c})
	return modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello"))
}

// transcript has what an SSE stream may have, and characters that are split
// between events as bytes and as surrogates.
const transcript = "\xEF\xBB\xBF: hello\r\n\r" +
	"data: {\"model\":\"m-1\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\r\n\r\n" +
	"event: message\rdata: {\"choices\":[{\"delta\":{\"reasoning\":\"hm \xE2\x82\"}}]}\r\r" +
	": OPENROUTER PROCESSING\n\n\n\n" +
	"data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"Gr\\u00fc\\u00df \xF0\x9F\"}}]}\n\n" +
	"id: 7\nretry: 10\ndata: {\"choices\":[{\"delta\":{\"reasoning\":\"\xAC\"}}]}\n\n" +
	"data: {\"error\":null,\"choices\":[{\"delta\":{\"content\":\"\x98\x80 \\ud83d\"}}]}\n\n" +
	"data:{\"choices\":[{\"delta\":{\"content\":\"\\ude00\\r\\ndata: [DONE]\"},\"finish_reason\":\"\"}]}\n\n" +
	"event: ping\ndata: not JSON\n\ndata\n\n" +
	"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n" +
	"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n" +
	"data:  [DONE] \n\ndata: {\"choices\":[{\"delta\":{\"content\":\"too late\"}}]}\n\n"

func checkTranscript(t *testing.T, g modeltest.Result) {
	t.Helper()
	if g.Err != nil || g.Content != "Grüß 😀 😀\r\ndata: [DONE]" || g.Reasoning != "hm €" {
		t.Fatalf("content %q, reasoning %q, %v", g.Content, g.Reasoning, g.Err)
	}
	if f := g.Finish; f.Reason != "stop" || f.Model != "m-1" || f.Usage == nil || *f.Usage != (chat.Usage{PromptTokens: 3, CompletionTokens: 4, TotalTokens: 7}) {
		t.Fatalf("finish %+v, usage %+v", f, f.Usage)
	}
}

func TestATranscriptMeansTheSameHoweverItIsRead(t *testing.T) {
	for name, reader := range map[string]func(io.Reader) io.Reader{
		"whole": nil, "byte by byte": iotest.OneByteReader, "halves": iotest.HalfReader, "error with data": iotest.DataErrReader,
	} {
		t.Run(name, func(t *testing.T) { checkTranscript(t, replay(t, canned{body: transcript, reader: reader})) })
	}
}

func TestATranscriptMeansTheSameSplitAnywhere(t *testing.T) {
	for i := range len(transcript) {
		split := func(io.Reader) io.Reader {
			return io.MultiReader(strings.NewReader(transcript[:i]), strings.NewReader(transcript[i:]))
		}
		checkTranscript(t, replay(t, canned{reader: split}))
	}
}

// Cut anywhere before its end, it is a cut with a prefix of the text; never an
// end, and never a broken character.
func TestATranscriptCutAnywhereIsACut(t *testing.T) {
	whole := replay(t, canned{body: transcript})
	end := strings.Index(transcript, `"stop"`)
	for i := range len(transcript) {
		for name, last := range map[string]error{"clean": io.EOF, "torn": io.ErrUnexpectedEOF} {
			g := replay(t, canned{reader: func(io.Reader) io.Reader {
				return io.MultiReader(strings.NewReader(transcript[:i]), iotest.ErrReader(last))
			}})
			if !strings.HasPrefix(whole.Content, g.Content) || !strings.HasPrefix(whole.Reasoning, g.Reasoning) {
				t.Fatalf("%s cut at %d: %q and %q", name, i, g.Content, g.Reasoning)
			}
			switch {
			case i < end:
				modeltest.WantCode(t, g.Err, chat.CodeProviderCut, true)
			case g.Err != nil && !chat.IsCode(g.Err, chat.CodeProviderCut):
				t.Fatalf("%s cut at %d: %v", name, i, g.Err)
			case g.Err == nil && g.Content != whole.Content:
				t.Fatalf("%s cut at %d: an end with %q", name, i, g.Content)
			}
		}
	}
}

func TestUnusualEvents(t *testing.T) {
	const end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
	for _, tc := range []struct{ name, body, content, reasoning string }{
		{"parts", `data: {"choices":[{"delta":{"content":[{"type":"thinking","thinking":[]},{"type":"text","text":"a"}]}}]}` + "\n\n" + end, "a", ""},
		{"refusal", `data: {"choices":[{"delta":{"content":null,"refusal":"No."}}]}` + "\n\n" + end, "No.", ""},
		{"second choice", `data: {"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]}` + "\n\n" + end, "a", ""},
		{"strange reasoning", `data: {"choices":[{"delta":{"content":"a","reasoning":{"x":1}}}]}` + "\n\n" + end, "a", ""},
		{"null", "data: null\n\n" + `data: {"choices":null}` + "\n\n" + `data: {"choices":[{"delta":{"content":"a"}}]}` + "\n\n" + end, "a", ""},
		{"no error", `data: {"error":"","choices":[{"delta":{"content":"a"},"error":{}}]}` + "\n\n" + end, "a", ""},
		{"lone surrogate", `data: {"choices":[{"delta":{"content":"\ud83dx\ude00\ud83d"}}]}` + "\n\n" + end, "\uFFFDx\uFFFD\uFFFD", ""},
		{"escapes", `data: {"choices":[{"delta":{"content":"\"\\\/\b\f\n\r\t\u0041\u0000"}}]}` + "\n\n" + end, "\"\\/\b\f\n\r\tA", ""},
		{"JSON after white space", " \n\n" + `{"choices":[{"message":{"content":"a","reasoning_content":"r"}}]}`, "a", "r"},
		{"JSON after a BOM", "\xEF\xBB\xBF" + `{"choices":[{"message":{"content":"a"}}]}`, "a", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := replay(t, canned{body: tc.body, reader: iotest.OneByteReader})
			if g.Err != nil || g.Content != tc.content || g.Reasoning != tc.reasoning {
				t.Fatalf("content %q, reasoning %q, %v", g.Content, g.Reasoning, g.Err)
			}
		})
	}
}

func TestUnusualFailures(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		code       chat.Code
	}{
		{"nothing", "", chat.CodeProviderCut},
		{"blank lines", "\n\n\n", chat.CodeProviderCut},
		{"JSON cut", `{"choices":[{"message":{"content":"a`, chat.CodeProviderCut},
		{"JSON error", `{"error":{"message":"no","code":429}}`, chat.CodeProviderRateLimit},
		{"JSON array error", `[{"error":{"message":"no","code":401}}]`, chat.CodeProviderAuth},
		{"lines of JSON", "{\"response\":\"a\"}\n{\"response\":\"b\"}\n", chat.CodeProviderProtocol},
		{"page as an event", "data: <html><title>Sign in</title>\n\n", chat.CodeProviderProtocol},
		{"text as an event", "data: oops\n\n", chat.CodeProviderServer},
		{"an array as an event", "data: []\n\n", chat.CodeProviderProtocol},
		{"a line without end", "data: " + strings.Repeat("x", 2<<20), chat.CodeAnswerTooLarge},
		{"many data lines", strings.Repeat("data: xxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", 1<<16), chat.CodeAnswerTooLarge},
		{"JSON without end", `{"choices":[{"message":{"content":"` + strings.Repeat("x", 5<<20), chat.CodeAnswerTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if g := replay(t, canned{body: tc.body}); !chat.IsCode(g.Err, tc.code) {
				t.Fatalf("%v, code %s, want %s", g.Err, chat.CodeOf(g.Err), tc.code)
			}
		})
	}
}

// Whatever a provider sends, the answer keeps its promises (see read), ends,
// and does not depend on how it was cut into reads.
func FuzzProvider(f *testing.F) {
	f.Add([]byte(transcript))
	f.Add([]byte(`{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`))
	f.Add([]byte("data: {\"error\":{\"message\":[1,{\"a\":\"\\u0000\"}]}}\n\n"))
	f.Add([]byte("<html>"))
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"\\ud83d\\u0041\xF0\"}}]}\n\ndata: [DONE]\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte(modeltest.Key)) {
			return
		}
		whole := replay(t, canned{body: string(data)})
		bytewise := replay(t, canned{body: string(data), reader: iotest.OneByteReader})
		if whole.Content != bytewise.Content || whole.Reasoning != bytewise.Reasoning || chat.CodeOf(whole.Err) != chat.CodeOf(bytewise.Err) {
			t.Fatalf("whole %+v, byte by byte %+v", whole, bytewise)
		}
	})
}
