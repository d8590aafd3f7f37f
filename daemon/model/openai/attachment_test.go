package openai_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/openai"
	"chat/daemon/model/providers"
	"chat/daemon/model/transport"
)

// background returns a scripted server and a registry that is configured for it.
func background(t *testing.T, reply modeltest.Reply, edit ...func(*providers.Config)) (*modeltest.Background, *providers.Registry) {
	t.Helper()
	server := modeltest.NewBackground(t, reply)
	cfg := providers.Config{BaseURL: server.URL, Key: modeltest.Key, DefaultModel: "m", API: openai.Responses}
	for _, e := range edit {
		e(&cfg)
	}
	return server, newRegistry(t, cfg)
}

func askAs(key string) model.Request {
	req := modeltest.Ask("hello")
	req.Key = key
	return req
}

func tokens(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("token %d 😀 ", i)
	}
	return out
}

// Whatever the cuts, the text is whole, and the answer was made once.
func TestCutsCostNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			reply := modeltest.Reply{Content: tokens(1 + random.IntN(12)), Unnumbered: seed%6 == 5}
			if seed%2 == 1 {
				reply.Reasoning = []string{"so ", "it ", "is"}
			}
			if seed%4 >= 2 {
				reply.Voided = tokens(1 + random.IntN(5))
			}
			if seed%5 == 4 {
				reply.Call = []string{`{"at":`, `"x"}`}
			}
			cuts := make([]int, 1+random.IntN(6))
			for i := range cuts {
				cuts[i] = random.IntN(reply.Events())
			}
			cuts[0] += min(1, reply.Events()-cuts[0]) // the id is known
			server, r := background(t, reply)
			server.Cut = func(n int) int {
				if n > len(cuts) {
					return -1
				}
				return cuts[n-1]
			}
			got := modeltest.Collect(t.Context(), t, r, askAs("task"))
			if got.Err != nil || got.Content != reply.Text() || got.Reasoning != strings.Join(reply.Reasoning, "") {
				t.Fatalf("%q and %q, %v, after cuts %v", got.Content, got.Reasoning, got.Err, cuts)
			}
			if server.Started() != 1 || got.Finish.Usage == nil || got.Finish.Usage.CompletionTokens != len(reply.Content) || got.Finish.Usage.CachedTokens != 4 {
				t.Errorf("%d answers were made; finish %+v", server.Started(), got.Finish)
			}
			if want := map[bool]string{false: "stop", true: "tool_calls"}[len(reply.Call) > 0]; got.Finish.Reason != want {
				t.Errorf("reason %q, want %q", got.Finish.Reason, want)
			}
			if len(reply.Call) > 0 && (len(got.Calls) != 1 || got.Calls[0].Text != `{"at":"x"}` || got.Calls[0].Name != "look" || got.Calls[0].CallID != "call_1") {
				t.Errorf("calls %+v", got.Calls)
			}
		})
	}
}

// It does not matter after how many events the worker of an earlier attempt died.
func TestALaterAttemptGetsTheWholeAnswer(t *testing.T) {
	t.Parallel()
	reply := modeltest.Reply{Content: tokens(5)}
	for n := 1; n <= 6; n++ {
		server, r := background(t, reply)
		upstream := ""
		read := 0
		for e, err := range r.Stream(t.Context(), askAs("task")) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Upstream != "" {
				upstream = e.Upstream
			}
			if read++; read == n {
				break
			}
		}
		again := askAs("task")
		again.Upstream = upstream
		got := modeltest.Collect(t.Context(), t, r, again)
		if got.Content != reply.Text() || got.Voids != 0 || server.Started() != 1 || len(server.Cancelled()) != 0 {
			t.Errorf("after %d events: %q, %v, %d voids, %d answers, cancelled %v", n, got.Content, got.Err, got.Voids, server.Started(), server.Cancelled())
		}
	}
}

// An attempt that ends before it knows the id repeats the same request with the same key.
func TestTheSameRequestHasTheSameKey(t *testing.T) {
	t.Parallel()
	server, r := background(t, modeltest.Reply{Content: tokens(5)})
	server.Cut = func(n int) int { return -min(1, n-1) } // the first one, before its first event
	first := modeltest.Collect(t.Context(), t, r, askAs("task"))
	modeltest.WantCode(t, first.Err, chat.CodeProviderConnect, true)
	if got := modeltest.Collect(t.Context(), t, r, askAs("task")); got.Err != nil || server.Started() != 1 {
		t.Errorf("%v, %d answers", got.Err, server.Started())
	}
	if got := modeltest.Collect(t.Context(), t, r, askAs("another task")); got.Err != nil || server.Started() != 2 {
		t.Errorf("%v, %d answers: another task has a key of its own", got.Err, server.Started())
	}
}

func TestAServerThatLostTheResponseIsAskedAnew(t *testing.T) {
	t.Parallel()
	reply := modeltest.Reply{Content: tokens(5)}
	server, r := background(t, reply)
	server.Cut = func(n int) int {
		if n == 1 {
			server.Forget()
			return 5
		}
		return -1
	}
	server.Reply = func(n int) modeltest.Reply {
		if n == 1 {
			return modeltest.Reply{Content: []string{"half ", "an ", "ans", "wer"}}
		}
		return reply
	}
	got := modeltest.Collect(t.Context(), t, r, askAs("task"))
	if got.Err != nil || got.Content != reply.Text() || got.Voids != 1 || server.Started() != 2 {
		t.Errorf("%q, %v, %d voids, %d answers", got.Content, got.Err, got.Voids, server.Started())
	}
}

// Each new response costs as much as the one before, so the usual retries, which have a limit
// and pauses, decide on another one.
func TestAServerThatLosesEveryResponseIsGivenUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server, r := background(t, modeltest.Reply{Content: tokens(5)})
	server.Cut = func(int) int {
		server.Forget()
		if server.Started() > 10 {
			cancel()
		}
		return 5
	}
	got := modeltest.Collect(ctx, t, r, askAs("task"))
	modeltest.WantCode(t, got.Err, chat.CodeProviderCut, true)
	if server.Started() != 2 {
		t.Errorf("%d answers were made", server.Started())
	}
}

// A response of another server is not asked for.
func TestAResponseOfAnotherServerIsNotAskedFor(t *testing.T) {
	t.Parallel()
	_, first := background(t, modeltest.Reply{Content: tokens(2)})
	upstream := modeltest.Collect(t.Context(), t, first, askAs("task")).Upstream
	server, second := background(t, modeltest.Reply{Content: tokens(3)})
	req := askAs("task")
	req.Upstream = upstream
	got := modeltest.Collect(t.Context(), t, second, req)
	if upstream == "" || got.Err != nil || server.Connections() != 1 || server.Started() != 1 {
		t.Errorf("%q, %v, %d connections", upstream, got.Err, server.Connections())
	}
}

// A response that failed is not asked for again, and another attempt makes a new one.
func TestAFailedResponseIsForgotten(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply     modeltest.Reply
		code      chat.Code
		retryable bool
	}{
		"by chatd, for a while": {modeltest.Reply{Content: tokens(2), Status: "failed", Error: "provider_rate_limit"}, chat.CodeProviderRateLimit, true},
		"by chatd, for good":    {modeltest.Reply{Content: tokens(2), Status: "failed", Error: "provider_context"}, chat.CodeProviderContext, false},
		"by OpenAI":             {modeltest.Reply{Content: tokens(2), Status: "failed", Error: "rate_limit_exceeded"}, chat.CodeProviderRateLimit, true},
		"by a server":           {modeltest.Reply{Content: tokens(2), Status: "failed", Error: "server_error"}, chat.CodeProviderServer, true},
		"cancelled there":       {modeltest.Reply{Content: tokens(2), Status: "cancelled"}, chat.CodeProviderServer, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := modeltest.Reply{Content: tokens(3)}
			server, r := background(t, good)
			server.Reply = func(n int) modeltest.Reply {
				if n == 1 {
					return tc.reply
				}
				return good
			}
			first := modeltest.Collect(t.Context(), t, r, askAs("task"))
			modeltest.WantCode(t, first.Err, tc.code, tc.retryable)
			again := askAs("task")
			again.Upstream = first.Upstream
			got := modeltest.Collect(t.Context(), t, r, again)
			if got.Err != nil || got.Content != good.Text() || server.Started() != 2 || len(server.Cancelled()) != 0 {
				t.Errorf("%q, %v, %d answers, cancelled %v", got.Content, got.Err, server.Started(), server.Cancelled())
			}
		})
	}
}

func TestIncompleteResponses(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{"max_output_tokens": "length", "content_filter": "content_filter", "": "incomplete"} {
		reply := modeltest.Reply{Content: tokens(2), Status: "incomplete", Reason: reason}
		_, r := background(t, reply)
		got := modeltest.Collect(t.Context(), t, r, askAs("task"))
		if got.Err != nil || got.Finish.Reason != want || got.Content != reply.Text() {
			t.Errorf("%q: %+v, %v", reason, got.Finish, got.Err)
		}
	}
}

// What came in no event is taken from the whole response.
func TestTextThatOnlyTheWholeResponseHas(t *testing.T) {
	t.Parallel()
	for omitted := 1; omitted <= 7; omitted++ {
		reply := modeltest.Reply{Content: tokens(4), Omitted: omitted}
		_, r := background(t, reply)
		got := modeltest.Collect(t.Context(), t, r, askAs("task"))
		if got.Err != nil || got.Content != reply.Text() {
			t.Errorf("%d omitted: %q, %v", omitted, got.Content, got.Err)
		}
	}
}

// A server that streams a response for some time only is asked until the response is there.
func TestAResponseThatIsNotStreamedAnyMore(t *testing.T) {
	t.Parallel()
	reply := modeltest.Reply{Content: tokens(4), Reasoning: []string{"well"}}
	server, r := background(t, reply)
	server.NoStreams = true
	server.Cut = func(int) int { server.Hold(7); return 6 }
	waiting := time.AfterFunc(300*time.Millisecond, func() { server.Hold(0) })
	defer waiting.Stop()
	got := modeltest.Collect(t.Context(), t, r, askAs("task"))
	if got.Err != nil || got.Content != reply.Text() || got.Reasoning != "well" || server.Started() != 1 {
		t.Errorf("%q and %q, %v, %d answers", got.Content, got.Reasoning, got.Err, server.Started())
	}
}

// A server that does not come back is given up after the usual time.
func TestAServerThatDoesNotComeBack(t *testing.T) {
	t.Parallel()
	server, r := background(t, modeltest.Reply{Content: tokens(4)}, func(c *providers.Config) {
		c.Limits = transport.Limits{Headers: time.Second, FirstToken: time.Second, Idle: 300 * time.Millisecond}
	})
	server.Cut = func(n int) int { return max(0, 6-6*(n-1)) } // later ones at once
	got := modeltest.Collect(t.Context(), t, r, askAs("task"))
	modeltest.WantCode(t, got.Err, chat.CodeProviderConnect, true)
	if server.Started() != 1 || server.Connections() < 2 || got.Upstream == "" || len(server.Cancelled()) != 0 {
		t.Errorf("%d answers, %d connections, upstream %q, cancelled %v", server.Started(), server.Connections(), got.Upstream, server.Cancelled())
	}
}

// An answer that nobody will ask for again is cancelled at the server; others are not.
func TestWhoCancelsAResponse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cause  error
		cancel bool
	}{
		"a user":                {fmt.Errorf("worker: %w", model.ErrCancelled), true},
		"the task's deadline":   {chat.Errorf(chat.CodeDeadline, "too long"), true},
		"a shutdown":            {errors.New("worker: shutting down"), false},
		"a failure for a while": {chat.Retryable(chat.Errorf(chat.CodeProviderIdle, "idle")), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, r := background(t, modeltest.Reply{Content: tokens(4)})
			server.Hold(5)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var last error
			for e, err := range r.Stream(ctx, askAs("task")) {
				last = err
				if e.Chunk.Content != "" {
					cancel(tc.cause)
				}
			}
			if !errors.Is(last, tc.cause) || (len(server.Cancelled()) == 1) != tc.cancel {
				t.Errorf("%v, cancelled %v", last, server.Cancelled())
			}
		})
	}
}

// An answer that has no attempt is cancelled by its upstream, if it is one of this server.
func TestAbandon(t *testing.T) {
	t.Parallel()
	server, r := background(t, modeltest.Reply{Content: tokens(4)})
	upstream := modeltest.Collect(t.Context(), t, r, askAs("task")).Upstream
	_, id, _ := strings.Cut(upstream, " ")
	for _, u := range []string{"", "elsewhere " + id, strings.Replace(upstream, " ", " !", 1), upstream} {
		r.Abandon(t.Context(), model.Request{Upstream: u})
	}
	if got := server.Cancelled(); len(got) != 1 || got[0] != id {
		t.Errorf("cancelled %q", got)
	}
}

func TestAnAnswerThatIsTooLargeIsCancelled(t *testing.T) {
	t.Parallel()
	server, r := background(t, modeltest.Reply{Content: tokens(40)}, func(c *providers.Config) { c.Limits = transport.Limits{MaxAnswer: 100} })
	got := modeltest.Collect(t.Context(), t, r, askAs("task"))
	modeltest.WantCode(t, got.Err, chat.CodeAnswerTooLarge, false)
	if len(server.Cancelled()) != 1 {
		t.Error("it was not cancelled")
	}
}

// Tags in the text are text: reasoning has items of its own.
func TestTagsInAResponseAreText(t *testing.T) {
	t.Parallel()
	reply := modeltest.Reply{Content: []string{"<think>", "not a thought", "</think>", " text"}}
	_, r := background(t, reply)
	if got := modeltest.Collect(t.Context(), t, r, askAs("task")); got.Content != reply.Text() || got.Reasoning != "" {
		t.Errorf("%q and %q, %v", got.Content, got.Reasoning, got.Err)
	}
}

// Everything of a request has its place in the body.
func TestTheBodyOfAResponsesRequest(t *testing.T) {
	t.Parallel()
	server, r := background(t, modeltest.Reply{Content: tokens(1)})
	yes, temperature := true, 0.5
	req := modeltest.WithAttachments(modeltest.Ask("what is it?"))
	picture := chat.Attachment{Digest: strings.Repeat("a", 64), MediaType: "image/png", Data: []byte("png")}
	req.Attachment = func(context.Context, string) (chat.Attachment, error) { return picture, nil }
	req.System = "be brief"
	req.Messages = []chat.Message{
		{Role: chat.RoleUser, Parts: chat.TextParts("look at x")},
		{Role: chat.RoleAssistant, Parts: chat.Parts{
			{Type: chat.PartReasoning, Text: "hm"}, {Type: chat.PartText, Text: "I look"}, {Type: chat.PartToolCall, CallID: "c1", Name: "look", Text: `{"at":"x"}`},
		}},
		{Role: chat.RoleUser, Parts: chat.Parts{{Type: chat.PartToolResult, CallID: "c1", Text: "a cat"}}},
		{Role: chat.RoleAssistant, Parts: chat.TextParts("a cat")},
		{Role: chat.RoleUser, Parts: chat.Parts{{Type: chat.PartText, Text: "what is it?"}, {Type: chat.PartImage, Digest: picture.Digest, Name: "a.png"}}},
	}
	req.Parameters = chat.Parameters{
		MaxTokens: 9, Temperature: &temperature, Effort: "low", ParallelToolCalls: &yes,
		Tools:      []chat.Tool{{Name: "look", Parameters: json.RawMessage(`{"type":"object"}`)}, {Name: "wait", Strict: &yes}},
		ToolChoice: &chat.ToolChoice{Mode: chat.ToolRequired, Name: "look"},
		Format:     &chat.Format{Name: "f", Schema: json.RawMessage(`{"type":"object"}`)},
	}
	if got := collected(t, r, req); got.Err != nil {
		t.Fatal(got.Err)
	}
	body, err := json.Marshal(server.Asked()[0])
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"background":true,"input":[{"content":"look at x","role":"user"},{"content":"I look","role":"assistant"},` +
		`{"arguments":"{\"at\":\"x\"}","call_id":"c1","name":"look","type":"function_call"},{"call_id":"c1","output":"a cat","type":"function_call_output"},` +
		`{"content":"a cat","role":"assistant"},{"content":[{"text":"what is it?","type":"input_text"},` +
		`{"detail":"auto","image_url":"data:image/png;base64,cG5n","type":"input_image"}],"role":"user"}],"instructions":"be brief",` +
		`"max_output_tokens":9,"model":"m","parallel_tool_calls":true,"reasoning":{"effort":"low"},"store":true,"stream":true,"temperature":0.5,` +
		`"text":{"format":{"name":"f","schema":{"type":"object"},"type":"json_schema"}},"tool_choice":{"name":"look","type":"function"},` +
		`"tools":[{"name":"look","parameters":{"type":"object"},"strict":false,"type":"function"},{"name":"wait","parameters":null,"strict":true,"type":"function"}]}`
	if string(body) != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
}

// collected is the answer to req as it is, without blocks.
func collected(t *testing.T, r *providers.Registry, req model.Request) (got modeltest.Result) {
	t.Helper()
	for e, err := range r.Stream(t.Context(), req) {
		got.Err = err
		got.Content += e.Chunk.Content
	}
	return got
}
