package anthropic_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
	"chat/daemon/model/transport"
)

func TestScriptsAreRead(t *testing.T) {
	for name, script := range scripts() {
		for _, whole := range []bool{false, true} {
			script.Whole = whole
			g, _ := ask(t, script, modeltest.Ask("hello"))
			if g.Err != nil {
				t.Errorf("%s, whole %v: %v", name, whole, g.Err)
				continue
			}
			var want chat.Parts
			for _, b := range script.Blocks {
				switch b.Type {
				case "text":
					want = append(want, chat.Part{Type: chat.PartText, Text: b.Text})
				case "thinking":
					want = append(want, chat.Part{Type: chat.PartReasoning, Text: *b.Thinking})
				case "redacted_thinking":
					want = append(want, chat.Part{Type: chat.PartReasoning})
				case "tool_use":
					input := string(b.Input)
					if input == "" {
						input = "{}"
					}
					want = append(want, chat.Part{Type: chat.PartToolCall, CallID: b.ID, Name: b.Name, Text: input})
				}
			}
			if len(g.Parts) != len(want) {
				t.Errorf("%s, whole %v: %+v", name, whole, g.Parts)
				continue
			}
			for i, p := range g.Parts {
				if signed := p.ProviderData != nil; signed != (p.Type == chat.PartReasoning) {
					t.Errorf("%s, whole %v: part %d is signed: %v", name, whole, i, signed)
				}
				if p.Type != want[i].Type || p.Text != want[i].Text || p.CallID != want[i].CallID || p.Name != want[i].Name {
					t.Errorf("%s, whole %v: part %d is %+v, want %+v", name, whole, i, p, want[i])
				}
			}
			if u := g.Finish.Usage; u == nil || *u != (chat.Usage{PromptTokens: 125, CompletionTokens: 12, TotalTokens: 137, CachedTokens: 100, CacheWriteTokens: 20}) || g.Finish.Model != "claude-test" {
				t.Errorf("%s, whole %v: %+v, %+v", name, whole, g.Finish, u)
			}
			if want := map[string]chat.Ending{"tools": chat.EndingTool, "length": chat.EndingLength}[name]; want != "" && chat.EndingOf(g.Finish.Reason) != want {
				t.Errorf("%s: %s", name, g.Finish.Reason)
			}
		}
	}
}

func TestEventsThatSayNothingAreIgnored(t *testing.T) {
	script := said("right")
	script.Extra = []string{
		"event: ping\ndata: {\"type\":\"ping\"}", ": a comment", "event: new\ndata: {\"type\":\"something_new\",\"index\":7}", "data: {\"type\":\"ping\"}",
		"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":9,\"content_block\":{\"type\":\"server_tool_use\",\"id\":\"srvtoolu_1\",\"name\":\"web_search\",\"input\":{}}}",
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":9,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}}",
		"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":9}",
		"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":10,\"content_block\":{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"srvtoolu_1\",\"content\":[{\"type\":\"web_search_result\",\"url\":\"https://example.com\"}]}}",
		"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":10}",
		"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":11,\"content_block\":{\"type\":\"text\",\"text\":\"all \"}}",
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":11,\"delta\":{\"type\":\"citations_delta\",\"citation\":{\"type\":\"page_location\",\"cited_text\":\"no\"}}}",
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":11,\"delta\":{\"type\":\"new_delta\",\"text\":\"no\"}}",
		"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":11}",
	}
	g, _ := ask(t, script, modeltest.Ask("hello"))
	if g.Err != nil || g.Content != "all right" || len(g.Calls) != 0 || len(g.Notices) != 0 {
		t.Errorf("%+v", g)
	}
}

func TestUsageOfTheLastEventReplacesThatOfTheFirst(t *testing.T) {
	for usage, want := range map[string]*chat.Usage{
		`{"input_tokens":7,"cache_read_input_tokens":0,"output_tokens":3}`: {PromptTokens: 27, CompletionTokens: 3, TotalTokens: 30, CacheWriteTokens: 20},
		`{"output_tokens":3,"cache_read_input_tokens":null}`:               {PromptTokens: 125, CompletionTokens: 3, TotalTokens: 128, CachedTokens: 100, CacheWriteTokens: 20},
		`{"output_tokens":30,"output_tokens_details":{"thinking_tokens":25}}`: {
			PromptTokens: 125, CompletionTokens: 30, TotalTokens: 155, CachedTokens: 100, CacheWriteTokens: 20, ReasoningTokens: 25,
		},
		`{"output_tokens":"many"}`:                         {PromptTokens: 125, CompletionTokens: 1, TotalTokens: 126, CachedTokens: 100, CacheWriteTokens: 20},
		`{"output_tokens":3,"input_tokens":-5}`:            nil,
		`{"output_tokens":3,"cache_read_input_tokens":-5}`: nil,
		`{"output_tokens":-3}`:                             nil,
		`{"output_tokens":1e300}`:                          nil,
	} {
		script := said("x")
		script.Usage = usage
		g, _ := ask(t, script, modeltest.Ask("hello"))
		if g.Err != nil || (g.Finish.Usage == nil) != (want == nil) || want != nil && *g.Finish.Usage != *want {
			t.Errorf("%s: %+v, %v", usage, g.Finish, g.Err)
		}
	}
}

// Servers with Anthropic's API send usage after the stop reason, or end without one.
func TestUsageCountsWhereverItStands(t *testing.T) {
	const begin = `event: message_start
data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"x","content":[],"usage":{"input_tokens":9,"output_tokens":0}}}

data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hello."}}

data: {"type":"content_block_stop","index":0}

`
	const end = `data: {"type":"message_stop"}` + "\n\n"
	for name, last := range map[string]string{
		"after the stop reason": `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}` + "\n\n" + `data: {"type":"message_delta","delta":{},"usage":{"output_tokens":3}}` + "\n\n",
		"before it":             `data: {"type":"message_delta","delta":{},"usage":{"output_tokens":3}}` + "\n\n" + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}` + "\n\n",
		"without one":           `data: {"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":3}}` + "\n\n",
	} {
		server := &cutStream{text: begin + last + end, at: len(begin + last + end)}
		r := newRegistry(t, "http://compatible.test", func(c *providers.Config) { c.Transport = server })
		g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello"))
		if want := (chat.Usage{PromptTokens: 9, CompletionTokens: 3, TotalTokens: 12}); g.Err != nil || g.Content != "Hello." || g.Finish.Usage == nil || *g.Finish.Usage != want {
			t.Errorf("%s: %+v, %+v", name, g, g.Finish)
		}
	}
}

// cutStream answers with the beginning of a stream, which ends there, or breaks off.
type cutStream struct {
	text   string
	at     int
	broken bool
}

func (c *cutStream) RoundTrip(req *http.Request) (*http.Response, error) {
	var body io.Reader = strings.NewReader(c.text[:c.at])
	if c.broken {
		body = io.MultiReader(body, iotest.ErrReader(io.ErrUnexpectedEOF))
	}
	return &http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(body), Request: req}, nil
}

// The answer is complete with its stop reason. A cut before it is never taken for an end.
func TestACutAtEveryByte(t *testing.T) {
	for _, name := range []string{"text", "redacted", "tools"} {
		script := scripts()[name]
		whole := script.Stream("claude-test")
		complete := strings.Index(whole, "event: message_stop")
		server := &cutStream{text: whole, at: len(whole)}
		r := newRegistry(t, "http://cut.test", func(c *providers.Config) { c.Transport = server })
		want := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello"))
		for cut := range len(whole) {
			server.at, server.broken = cut, cut%2 == 0
			g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello"))
			if !strings.HasPrefix(want.Content, g.Content) || !strings.HasPrefix(want.Reasoning, g.Reasoning) {
				t.Fatalf("%s, cut at %d: %q, %q", name, cut, g.Content, g.Reasoning)
			}
			switch {
			case cut < complete:
				modeltest.WantCode(t, g.Err, chat.CodeProviderCut, true)
			case g.Err != nil || g.Content != want.Content || !g.Parts.Equal(want.Parts):
				t.Fatalf("%s, cut at %d: %+v", name, cut, g)
			}
		}
	}
}

func TestErrorsInTheStream(t *testing.T) {
	for _, tc := range []struct {
		fault     string
		code      chat.Code
		retryable bool
		says      string
	}{
		{`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, chat.CodeProviderServer, true, "is overloaded (529)"},
		{`{"type":"error","error":{"type":"api_error","message":"Internal server error"}}`, chat.CodeProviderServer, true, "failed (500)"},
		{`{"type":"error","error":{"type":"timeout_error","message":"Took too long"}}`, chat.CodeProviderServer, true, "failed (504)"},
		{`{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}`, chat.CodeProviderRateLimit, true, "limits the rate"},
		{`{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`, chat.CodeProviderAuth, false, "does not accept the key"},
		{`{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 103078 tokens > 102398 maximum"}}`, chat.CodeProviderContext, false, "103078 tokens, and it takes 102398"},
		{`not JSON`, chat.CodeProviderServer, true, "not JSON"},
	} {
		for _, at := range []int{0, 1, 4} {
			script := said("some text")
			script.Fault, script.FaultAt = tc.fault, at
			g, _ := ask(t, script, modeltest.Ask("hello"))
			if e := modeltest.ErrorOf(t, g.Err, tc.code, tc.retryable); !strings.Contains(e.Message, tc.says) {
				t.Errorf("%s: %s", tc.fault, e.Message)
			}
		}
	}
	script := said("some text") // after the stop reason
	script.Fault, script.FaultAt = `{"type":"error","error":{"type":"api_error","message":"late"}}`, len(script.Events("m"))-1
	g, _ := ask(t, script, modeltest.Ask("hello"))
	if g.Err != nil || g.Content != "some text" || len(g.Notices) != 0 {
		t.Errorf("%+v", g)
	}
}

func TestEventsThatAreNone(t *testing.T) {
	for _, extra := range []string{"data: {\"type\":", "data: [1]", "data: {\"type\":\"content_block_delta\",\"index\":\"x\"}"} {
		script := said("x")
		script.Extra = []string{extra}
		g, _ := ask(t, script, modeltest.Ask("hello"))
		if e := modeltest.ErrorOf(t, g.Err, chat.CodeProviderProtocol, false); !strings.Contains(e.Message, "Messages API") {
			t.Errorf("%q: %s", extra, e.Message)
		}
	}
}

func TestAnswersWithoutText(t *testing.T) {
	for reason, code := range map[string]chat.Code{"refusal": chat.CodeProviderFilter, "end_turn": chat.CodeProviderEmpty, "max_tokens": chat.CodeProviderEmpty} {
		for _, script := range []modeltest.Script{{Reason: reason}, {Reason: reason, Blocks: []modeltest.Block{modeltest.Thought("", "s")}}} {
			g, _ := ask(t, script, modeltest.Ask("hello"))
			modeltest.WantCode(t, g.Err, code, false)
		}
	}
}

func TestPhasesAreLimited(t *testing.T) {
	const short = 200 * time.Millisecond
	far := time.Minute
	for at, tc := range map[int]struct {
		limits transport.Limits
		code   chat.Code
	}{
		1: {transport.Limits{Headers: far, FirstToken: short, Idle: far}, chat.CodeProviderFirstToken},
		5: {transport.Limits{Headers: far, FirstToken: far, Idle: short}, chat.CodeProviderIdle},
	} {
		script := said("some text")
		script.HangAt = at
		server := modeltest.NewAnthropic(t, script)
		r := newRegistry(t, server.URL, func(c *providers.Config) { c.Limits = tc.limits })
		modeltest.WantCode(t, modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err, tc.code, true)
	}
	server := modeltest.NewAnthropic(t, said("long text"))
	r := newRegistry(t, server.URL, func(c *providers.Config) { c.Limits = transport.Limits{MaxAnswer: 4} })
	modeltest.WantCode(t, modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err, chat.CodeAnswerTooLarge, false)
	r = newRegistry(t, server.URL, func(c *providers.Config) { c.Limits = transport.Limits{MaxEvent: 16} })
	modeltest.WantCode(t, modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err, chat.CodeAnswerTooLarge, false)
}

// The lying server cuts, tears and delays answers of this dialect, too.
func TestTheLyingServer(t *testing.T) {
	server := modeltest.New(t)
	r := newRegistry(t, server.URL)
	for lie, code := range map[string]chat.Code{
		"chunks=3 reasoning=2": "", "gzip bytes": "", "eol=crlf comments=2": "", "eol=cr oneline": "", "json": "", "nodone": "", "tool=look args={}": "",
		"cut=0": chat.CodeProviderCut, "cut=2": chat.CodeProviderCut, "abort=1": chat.CodeProviderCut, "rst=3": chat.CodeProviderCut, "nofinish nodone": chat.CodeProviderCut,
		"html": chat.CodeProviderProtocol, "malformed=1": chat.CodeProviderProtocol, "empty": chat.CodeProviderEmpty,
		"error=2 kind=overloaded_error": chat.CodeProviderServer, "status=529 kind=overloaded_error": chat.CodeProviderServer, "status=503 shape=html": chat.CodeProviderServer,
		"status=401": chat.CodeProviderAuth, "redirect=http://127.0.0.1:1/": chat.CodeProviderProtocol, "huge=2000000": chat.CodeAnswerTooLarge,
	} {
		g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: "+lie))
		if chat.CodeOf(g.Err) != code {
			t.Errorf("%s: %v", lie, g.Err)
			continue
		}
		if calls := server.Calls(); code == "" && (g.Content != calls[len(calls)-1].Sent || g.Reasoning != calls[len(calls)-1].Reasoning) {
			t.Errorf("%s: %q, %q", lie, g.Content, g.Reasoning)
		}
	}
}

func TestAServerThatSendsNoHeaders(t *testing.T) {
	r := newRegistry(t, modeltest.New(t).URL, func(c *providers.Config) { c.Limits = transport.Limits{Headers: 200 * time.Millisecond} })
	modeltest.WantCode(t, modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: noheaders")).Err, chat.CodeProviderHeaders, true)
}

func TestAServerOfOpenAIsKindIsNamed(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	g := modeltest.Collect(t.Context(), t, newRegistry(t, server.URL), modeltest.Ask("hello"))
	if e := modeltest.ErrorOf(t, g.Err, chat.CodeProviderProtocol, false); !strings.Contains(e.Message, "/v1/messages (404)") {
		t.Error(e.Message)
	}
}
