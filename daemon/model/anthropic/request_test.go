package anthropic_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

// asked returns the only request that an answer to req takes.
func asked(t *testing.T, req model.Request, edit ...func(*providers.Config)) (modeltest.AskedMessages, modeltest.Result) {
	t.Helper()
	server := modeltest.NewAnthropic(t, said("yes"))
	g := stream(t, newRegistry(t, server.URL, edit...), req)
	requests := server.Requests()
	if g.Err != nil || len(requests) != 1 {
		t.Fatalf("%v after %d requests", g.Err, len(requests))
	}
	return requests[0], g
}

func ptr[T any](v T) *T { return &v }

func TestARequestHasNoMoreThanItNeeds(t *testing.T) {
	a, g := asked(t, thread(text("hello")), func(c *providers.Config) { c.Named[0].Headers = map[string]string{"X-Team": "search"} })
	want := `{"model":"claude-test","max_tokens":32000,"stream":true,"messages":[{"role":"user","content":[{"type":"text","text":"hello","cache_control":{"type":"ephemeral"}}]}]}`
	if a.Body != want || len(g.Notices) != 0 {
		t.Errorf("%s, %q", a.Body, g.Notices)
	}
	h := a.Header
	if h.Get("X-Api-Key") != modeltest.Key || h.Get("Anthropic-Version") != "2023-06-01" || h.Get("Authorization") != "" || h.Get("X-Team") != "search" || h.Get("Content-Type") != "application/json" || h.Get("Accept") != "text/event-stream" {
		t.Errorf("%v", h)
	}
}

func TestParametersAreSent(t *testing.T) {
	req := thread(text("hello"))
	req.System = "Be brief."
	req.Parameters = chat.Parameters{
		MaxTokens: 500, Temperature: ptr(0.5), TopP: ptr(0.9), Stop: []string{"END"}, ParallelToolCalls: ptr(false),
		Tools: []chat.Tool{
			{Name: "look", Description: "Looks.", Parameters: json.RawMessage(`{"type":"object","properties":{"at":{"type":"string"}}}`), Strict: ptr(true)},
			{Name: "rest"},
			{Name: "odd", Parameters: json.RawMessage(`{"properties":{}}`)},
		},
		Format: &chat.Format{Name: "f", Schema: json.RawMessage(`{"type":"object"}`)},
		Seed:   ptr(int64(1)), PresencePenalty: ptr(0.1), FrequencyPenalty: ptr(0.1),
	}
	a, g := asked(t, req)
	if a.MaxTokens != 500 || *a.Temperature != 0.5 || *a.TopP != 0.9 || !slices.Equal(a.Stop, []string{"END"}) || len(a.System) != 1 || a.System[0].Text != "Be brief." || len(a.System[0].Cache) == 0 {
		t.Errorf("%+v", a)
	}
	if len(a.Tools) != 3 || !a.Tools[0].Strict || a.Tools[1].Schema.Type != "object" || len(a.Tools[1].Cache) != 0 || len(a.Tools[2].Cache) == 0 {
		t.Errorf("%+v", a.Tools)
	}
	if string(a.ToolChoice) != `{"type":"auto","disable_parallel_tool_use":true}` || string(a.Output) != `{"format":{"type":"json_schema","schema":{"type":"object"}}}` {
		t.Errorf("%s, %s", a.ToolChoice, a.Output)
	}
	if notices := strings.Join(g.Notices, "; "); len(g.Notices) != 3 || !strings.Contains(notices, "seed") || !strings.Contains(notices, "presence_penalty") || !strings.Contains(notices, "frequency_penalty") {
		t.Errorf("%q", g.Notices)
	}
}

func TestToolChoices(t *testing.T) {
	for want, choice := range map[string]chat.ToolChoice{
		`{"type":"auto"}`:               {Mode: chat.ToolAuto},
		`{"type":"none"}`:               {Mode: chat.ToolNone},
		`{"type":"any"}`:                {Mode: chat.ToolRequired},
		`{"type":"tool","name":"look"}`: {Mode: chat.ToolRequired, Name: "look"},
	} {
		req := thread(text("hello"))
		req.Parameters = chat.Parameters{Tools: []chat.Tool{{Name: "look"}}, ToolChoice: &choice}
		if a, _ := asked(t, req); string(a.ToolChoice) != want {
			t.Errorf("%s, want %s", a.ToolChoice, want)
		}
	}
}

// Each model is asked to reason in the way that it has.
func TestEfforts(t *testing.T) {
	for _, tc := range []struct {
		model, effort     string
		maxTokens         int
		how               string
		output            string
		tokens            int
		notices           string
		list, toolsForced bool
	}{
		{model: "claude-sonnet-5-5", effort: "medium", how: "adaptive summarized", output: `{"effort":"medium"}`, tokens: 64_000},
		{model: "claude-sonnet-5-5", effort: "minimal", how: "adaptive summarized", output: `{"effort":"low"}`, tokens: 64_000},
		{model: "claude-opus-4-6", effort: "xhigh", how: "adaptive summarized", output: `{"effort":"xhigh"}`, tokens: 64_000},
		{model: "claude-mythos-preview", effort: "low", how: "adaptive summarized", output: `{"effort":"low"}`, tokens: 64_000},
		{model: "claude-sonnet-5-5", effort: "none", how: "disabled", tokens: 32_000},
		{model: "claude-sonnet-4-20250514", effort: "high", how: "enabled 20000", tokens: 52_000},
		{model: "claude-opus-4-1-20250805", effort: "high", how: "enabled 16000", tokens: 32_000},
		{model: "claude-3-7-sonnet-20250219", effort: "minimal", how: "enabled 1024", tokens: 33_024},
		{model: "claude-haiku-4-5", effort: "low", maxTokens: 3000, how: "enabled 1500", tokens: 3000},
		{model: "claude-haiku-4-5", effort: "low", maxTokens: 1000, tokens: 1000, notices: "1000 tokens leave no room"},
		{model: "claude-3-5-haiku-20241022", effort: "low", tokens: 8192, notices: "does not reason"},
		{model: "claude-3-haiku-20240307", tokens: 4096},
		{model: "deepseek-chat", effort: "low", how: "enabled 4096", tokens: 36_096},
		{model: "claude-new-6", effort: "xhigh", list: true, how: "adaptive summarized", output: `{"effort":"high"}`, tokens: 64_000},
		{model: "claude-new-6", maxTokens: 200_000, list: true, tokens: 128_000},
		{model: "claude-small-4-5-20251001", effort: "medium", list: true, how: "enabled 10000", tokens: 42_000},
		{model: "claude-sonnet-5-5", effort: "low", toolsForced: true, tokens: 32_000, notices: "has to call a tool"},
	} {
		server := modeltest.NewAnthropic(t, said("yes"))
		server.Models = listed()
		r := newRegistry(t, server.URL)
		if tc.list {
			if _, err := r.Models(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		req := thread(text("hello"))
		req.Model = tc.model
		req.Parameters = chat.Parameters{Effort: tc.effort, MaxTokens: tc.maxTokens}
		if tc.toolsForced {
			req.Parameters.Tools, req.Parameters.ToolChoice = []chat.Tool{{Name: "look"}}, &chat.ToolChoice{Mode: chat.ToolRequired}
		}
		g := stream(t, r, req)
		if g.Err != nil {
			t.Errorf("%+v: %v", tc, g.Err)
			continue
		}
		a, how := server.Requests()[0], ""
		if a.Thinking != nil {
			how = strings.TrimSpace(a.Thinking.Type + " " + a.Thinking.Display)
			if a.Thinking.Budget > 0 {
				how += " " + encode(t, a.Thinking.Budget)
			}
		}
		if how != tc.how || string(a.Output) != tc.output || a.MaxTokens != tc.tokens || !strings.Contains(strings.Join(g.Notices, ";"), tc.notices) || len(g.Notices) != min(1, len(tc.notices)) {
			t.Errorf("%+v:\n%q, %s, %d, %q", tc, how, a.Output, a.MaxTokens, g.Notices)
		}
	}
}

func TestReasoningExcludesOtherParameters(t *testing.T) {
	req := thread(text("hello"))
	req.Model, req.Parameters = "claude-sonnet-5-5", chat.Parameters{Effort: "low", Temperature: ptr(0.2), TopP: ptr(0.5)}
	a, g := asked(t, req)
	if a.Temperature != nil || a.TopP != nil || len(g.Notices) != 2 {
		t.Errorf("%s, %q", a.Body, g.Notices)
	}
	req.Parameters = chat.Parameters{Effort: "low", Temperature: ptr(1.0), TopP: ptr(0.97)}
	if a, g := asked(t, req); a.Temperature == nil || a.TopP == nil || len(g.Notices) != 0 {
		t.Errorf("%s, %q", a.Body, g.Notices)
	}
}

func TestConversations(t *testing.T) {
	call := chat.Part{Type: chat.PartToolCall, CallID: "toolu_1", Name: "look", Text: `{"at":1}`}
	result := chat.Part{Type: chat.PartToolResult, CallID: "toolu_1", Text: "seen"}
	odd := chat.Part{Type: chat.PartToolCall, CallID: "functions.look:0", Name: "look", Text: `broken`}
	oddResult := chat.Part{Type: chat.PartToolResult, CallID: "functions.look:0", IsError: true}
	assistantFirst := thread(nil, text("Welcome."), text("hello"))
	assistantFirst.Messages = assistantFirst.Messages[1:]
	failed := thread(text("one"), text(""), text("two"))
	for name, tc := range map[string]struct {
		req  model.Request
		want []string
	}{
		"turns":           {thread(text("a"), text("b"), text("c"), text("d"), text("e")), []string{"user: text=a", "assistant: text=b", "user: text=c*", "assistant: text=d", "user: text=e*"}},
		"assistant first": {assistantFirst, []string{"user: text=(The conversation begins with the assistant.)*", "assistant: text=Welcome.", "user: text=hello*"}},
		"merged":          {failed, []string{"user: text=one text=two*"}},
		"space":           {thread(chat.Parts{{Type: chat.PartText, Text: " \n"}}, nil, text("two")), []string{"user: text=two*"}},
		"result": {
			thread(text("a"), chat.Parts{{Type: chat.PartText, Text: "I look."}, call}, chat.Parts{{Type: chat.PartText, Text: "and?"}, result}),
			[]string{"user: text=a*", `assistant: text=I look. tool_use=toolu_1/look{"at":1}`, `user: tool_result=toolu_1"seen" text=and?*`},
		},
		"result within the answer": {
			thread(text("a"), chat.Parts{call, result, {Type: chat.PartText, Text: "Seen."}}, text("b")),
			[]string{"user: text=a", `assistant: tool_use=toolu_1/look{"at":1}`, `user: tool_result=toolu_1"seen"*`, "assistant: text=Seen.", "user: text=b*"},
		},
		"no result": {thread(text("a"), chat.Parts{{Type: chat.PartText, Text: "I look."}, call}, text("b")), []string{"user: text=a*", "assistant: text=I look.", "user: text=b*"}},
		"other ids": {
			thread(text("a"), chat.Parts{odd}, chat.Parts{oddResult}),
			[]string{"user: text=a*", `assistant: tool_use=call_1_functions_look_0/look{"arguments":"broken"}`, `user: tool_result=call_1_functions_look_0*`},
		},
		"reasoning of others": {
			thread(text("a"), chat.Parts{{Type: chat.PartReasoning, Text: "hm"}, {Type: chat.PartReasoning, Text: "x", ProviderData: &chat.ProviderData{Provider: "other", Data: json.RawMessage(`{"type":"thinking","model":"claude-test","signature":"s"}`)}}, {Type: chat.PartText, Text: "b"}}, text("c")),
			[]string{"user: text=a*", "assistant: text=b", "user: text=c*"},
		},
	} {
		a, _ := asked(t, tc.req)
		var got []string
		for _, turn := range a.Messages {
			got = append(got, blocks(turn))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s:\n%q\nwant\n%q", name, got, tc.want)
		}
	}
}

func TestAnEmptyConversationIsRefused(t *testing.T) {
	server := modeltest.NewAnthropic(t, said("yes"))
	for _, req := range []model.Request{{}, thread(nil), thread(text("a"), text("b"))} {
		modeltest.WantCode(t, stream(t, newRegistry(t, server.URL), req).Err, chat.CodeInvalid, false)
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestAttachments(t *testing.T) {
	stored := map[string]chat.Attachment{
		"png": {MediaType: "image/png", Data: []byte("\x89PNG")}, "txt": {MediaType: chat.TextType, Data: []byte("some text\n")}, "pdf": {MediaType: "application/pdf", Data: []byte("%PDF-1.7")},
	}
	req := thread(chat.Parts{
		{Type: chat.PartImage, Name: "a.png", Digest: "png"}, {Type: chat.PartFile, Name: "a.txt", Digest: "txt"}, {Type: chat.PartFile, Name: "a.pdf", Digest: "pdf"}, {Type: chat.PartText, Text: "What is this?"},
	})
	req.Attachment = func(_ context.Context, digest string) (chat.Attachment, error) { return stored[digest], nil }
	a, _ := asked(t, req)
	want := "user: image=image/png text=" + chat.FileBlock("a.txt", "some text") + " document=application/pdf text=What is this?*"
	if got := blocks(a.Messages[0]); got != want || a.Messages[0].Content[2].Title != "a.pdf" || a.Messages[0].Content[0].Source.Data != "iVBORw==" {
		t.Errorf("%q, %+v", got, a.Messages[0])
	}
	req.Attachment = func(context.Context, string) (chat.Attachment, error) {
		return chat.Attachment{}, chat.Errorf(chat.CodeNotFound, "it is gone")
	}
	server := modeltest.NewAnthropic(t, said("yes"))
	modeltest.WantCode(t, stream(t, newRegistry(t, server.URL), req).Err, chat.CodeNotFound, false)
}

// Signed reasoning goes back as it came to the model that made it, and to nothing else.
func TestReasoningGoesBackToItsModel(t *testing.T) {
	script := scripts()["tools"]
	script.Blocks = append([]modeltest.Block{{Type: "redacted_thinking", Data: "b3BhcXVl"}}, script.Blocks...)
	server := modeltest.NewAnthropic(t, script)
	r := newRegistry(t, server.URL)
	first := thread(text("a"))
	g := stream(t, r, first)
	if g.Err != nil {
		t.Fatal(g.Err)
	}
	raw, err := json.Marshal(g.Parts) // as it is stored
	if err != nil {
		t.Fatal(err)
	}
	var answer chat.Parts
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatal(err)
	}
	if err := answer.Validate(chat.RoleAssistant); err != nil {
		t.Fatal(err)
	}
	results := chat.Parts{{Type: chat.PartToolResult, CallID: "toolu_01", Text: "seen"}, {Type: chat.PartToolResult, CallID: "toolu_02", Text: "rested"}}
	const calls = `tool_use=toolu_01/look{"at":"☃ here","n":[1,2]} tool_use=toolu_02/rest{}`
	for model, want := range map[string]string{
		"claude-test":  "assistant: redacted_thinking=b3BhcXVl thinking=A look./sig+4== text=I look. " + calls,
		"claude-other": "assistant: text=I look. " + calls,
	} {
		req := thread(text("a"), answer, results)
		req.Model = model
		if g := stream(t, r, req); g.Err != nil {
			t.Fatal(g.Err)
		}
		requests := server.Requests()
		if got := blocks(requests[len(requests)-1].Messages[1]); got != want {
			t.Errorf("%s: %s, want %s", model, got, want)
		}
	}
	elsewhere := modeltest.NewAnthropic(t, said("yes"))
	if g := stream(t, newRegistry(t, elsewhere.URL), thread(text("a"), answer, results)); g.Err != nil {
		t.Fatal(g.Err)
	}
	other := modeltest.NewPicky(t, func(modeltest.Asked) (int, string) { return 0, "" })
	openai := providers.New(providers.Config{BaseURL: other.URL, DefaultModel: "m"})
	t.Cleanup(openai.Close)
	if g := stream(t, openai, thread(text("a"), answer, results)); g.Err != nil {
		t.Fatal(g.Err)
	}
	for _, m := range other.Requests()[0].Messages {
		if strings.Contains(m.Text, "A look.") || strings.Contains(m.Text, "sig+4") {
			t.Errorf("another provider got %q", m.Text)
		}
	}
	if body := elsewhere.Requests()[0].Body; strings.Contains(body, "thinking") || strings.Contains(body, "sig+4") {
		t.Error(body)
	}
}
