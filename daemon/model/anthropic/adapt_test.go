package anthropic_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
)

const badRequest = http.StatusBadRequest

// What a model refuses is left out once, reported, and not sent again.
func TestRefusedParametersAreLeftOut(t *testing.T) {
	tool := []chat.Tool{{Name: "look", Strict: ptr(true)}}
	type asked = modeltest.AskedMessages
	for name, tc := range map[string]struct {
		model      string
		parameters chat.Parameters
		refuses    func(asked) string
		requests   int // of the first answer
		notice     string
		right      func(asked) bool
	}{
		"temperature": {
			parameters: chat.Parameters{Temperature: ptr(0.5), TopP: ptr(0.5)}, requests: 2, notice: "refused the parameter temperature",
			refuses: func(a asked) string {
				return given(a.Temperature != nil, "`temperature` is deprecated for this model.")
			},
			right: func(a asked) bool { return a.Temperature == nil && a.TopP != nil },
		},
		"both": {
			parameters: chat.Parameters{Temperature: ptr(0.5), TopP: ptr(0.5)}, requests: 2, notice: "temperature",
			refuses: func(a asked) string {
				return given(a.Temperature != nil && a.TopP != nil, "`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
			},
			right: func(a asked) bool { return a.Temperature == nil && a.TopP != nil },
		},
		"tokens": {
			parameters: chat.Parameters{MaxTokens: 9000}, requests: 2, notice: "at most 8192 tokens",
			refuses: func(a asked) string {
				return given(a.MaxTokens > 8192, "max_tokens: 9000 > 8192, which is the maximum allowed number of output tokens for claude-test")
			},
			right: func(a asked) bool { return a.MaxTokens == 8192 },
		},
		"tokens by default": {
			requests: 2,
			refuses: func(a asked) string {
				return given(a.MaxTokens > 4096, "max_tokens: 32000 > 4096, which is the maximum allowed number of output tokens for claude-test")
			},
			right: func(a asked) bool { return a.MaxTokens == 4096 },
		},
		"tokens of others": {
			model: "deepseek-chat", requests: 2,
			refuses: func(a asked) string {
				return given(a.MaxTokens > 8192, "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]")
			},
			right: func(a asked) bool { return a.MaxTokens == 8192 },
		},
		"budget": {
			model: "claude-sonnet-4-5", parameters: chat.Parameters{Effort: "low"}, requests: 2,
			refuses: func(a asked) string {
				return given(a.Thinking != nil && a.Thinking.Type == "enabled", `"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.`)
			},
			right: func(a asked) bool { return a.Thinking.Type == "adaptive" && string(a.Output) == `{"effort":"low"}` },
		},
		"adaptive": {
			model: "claude-sonnet-5-5", parameters: chat.Parameters{Effort: "low"}, requests: 3, notice: "refused the parameter effort",
			refuses: func(a asked) string {
				return given(a.Output != nil, "This model does not support the effort parameter.") + given(a.Output == nil && a.Thinking != nil && a.Thinking.Type == "adaptive", "adaptive thinking is not supported on this model")
			},
			right: func(a asked) bool {
				return a.Thinking.Type == "enabled" && a.Thinking.Budget == 4096 && a.Output == nil
			},
		},
		"no reasoning": {
			model: "other-model", parameters: chat.Parameters{Effort: "high"}, requests: 3, notice: "refused the parameter effort",
			refuses: func(a asked) string { return given(a.Thinking != nil, "thinking: Extra inputs are not permitted") },
			right:   func(a asked) bool { return a.Thinking == nil },
		},
		"not without": {
			model: "claude-opus-5-5", parameters: chat.Parameters{Effort: "none"}, requests: 2, notice: "refused the parameter effort",
			refuses: func(a asked) string {
				return given(a.Thinking != nil, `"thinking.type.disabled" is not supported for this model.`)
			},
			right: func(a asked) bool { return a.Thinking == nil },
		},
		"forced": {
			parameters: chat.Parameters{Tools: tool, ToolChoice: &chat.ToolChoice{Mode: chat.ToolRequired}}, requests: 2, notice: "free not to call",
			refuses: func(a asked) string {
				return given(strings.Contains(string(a.ToolChoice), "any"), "tool_choice: forced tool use is not supported for this model")
			},
			right: func(a asked) bool { return string(a.ToolChoice) == `{"type":"auto"}` },
		},
		"strict": {
			parameters: chat.Parameters{Tools: tool}, requests: 2, notice: "strict",
			refuses: func(a asked) string {
				return given(a.Tools[0].Strict, "tools.0.custom.strict: Extra inputs are not permitted")
			},
			right: func(a asked) bool { return !a.Tools[0].Strict },
		},
		"cache": {
			requests: 2,
			refuses: func(a asked) string {
				return given(strings.Contains(a.Body, "cache_control"), "messages.0.content.0.text.cache_control: Extra inputs are not permitted")
			},
			right: func(a asked) bool { return true },
		},
	} {
		server := modeltest.NewAnthropic(t, said("yes"))
		server.Judge = func(a asked) (int, string) {
			if what := tc.refuses(a); what != "" {
				return badRequest, what
			}
			return 0, ""
		}
		r := newRegistry(t, server.URL)
		req := thread(text("hello"))
		req.Model, req.Parameters = tc.model, tc.parameters
		for again, want := range []int{tc.requests, tc.requests + 1} {
			g := stream(t, r, req)
			requests := server.Requests()
			if g.Err != nil || len(requests) != want || !tc.right(requests[len(requests)-1]) {
				t.Fatalf("%s, %d: %v after %d requests: %s", name, again, g.Err, len(requests), requests[len(requests)-1].Body)
			}
			if again == 0 && (len(g.Notices) != min(1, len(tc.notice)) || !strings.Contains(strings.Join(g.Notices, ";"), tc.notice)) {
				t.Errorf("%s: %q", name, g.Notices)
			}
		}
	}
}

func given(when bool, what string) string {
	if when {
		return what
	}
	return ""
}

func TestTheAnswerFitsBesideTheConversation(t *testing.T) {
	server := modeltest.NewAnthropic(t, said("yes"))
	server.Judge = func(a modeltest.AskedMessages) (int, string) {
		if a.MaxTokens > 20_000 {
			return badRequest, "input length and `max_tokens` exceed context limit: 180000 + 32000 > 200000, decrease input length or `max_tokens` and try again"
		}
		return 0, ""
	}
	if g := stream(t, newRegistry(t, server.URL), thread(text("hello"))); g.Err != nil || server.Requests()[1].MaxTokens != 20_000 {
		t.Errorf("%v", g.Err)
	}
	server.Judge = func(modeltest.AskedMessages) (int, string) {
		return badRequest, "input length and `max_tokens` exceed context limit: 199900 + 32000 > 200000, decrease input length or `max_tokens` and try again"
	}
	modeltest.WantCode(t, stream(t, newRegistry(t, server.URL), thread(text("hello"))).Err, chat.CodeProviderContext, false)
}

// Reasoning of an earlier answer that is not accepted any more, and calls that were made without
// any, do not end the conversation.
func TestRefusedReasoningOfTheConversation(t *testing.T) {
	server := modeltest.NewAnthropic(t, scripts()["thinking"])
	r := newRegistry(t, server.URL)
	g := stream(t, r, thread(text("a")))
	server.Judge = func(a modeltest.AskedMessages) (int, string) {
		if strings.Contains(a.Body, "sig+1") {
			return badRequest, "messages.1.content.0: Invalid `signature` in `thinking` block"
		}
		return 0, ""
	}
	if g := stream(t, r, thread(text("a"), g.Parts, text("b"))); g.Err != nil || blocks(server.Requests()[2].Messages[1]) != "assistant: text=42" {
		t.Errorf("%v", g.Err)
	}
	server.Judge = func(a modeltest.AskedMessages) (int, string) {
		if a.Thinking != nil {
			return badRequest, "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final `assistant` message must start with a thinking block."
		}
		return 0, ""
	}
	req := thread(text("a"), chat.Parts{{Type: chat.PartToolCall, CallID: "c", Name: "look", Text: "{}"}}, chat.Parts{{Type: chat.PartToolResult, CallID: "c", Text: "r"}})
	req.Parameters = chat.Parameters{Effort: "low"}
	if g := stream(t, r, req); g.Err != nil || len(g.Notices) != 1 || !strings.Contains(g.Notices[0], "made without reasoning") {
		t.Errorf("%v, %q", g.Err, g.Notices)
	}
	server.Judge = nil
	if g := stream(t, r, withEffort(thread(text("a")), "low")); g.Err != nil || server.Requests()[len(server.Requests())-1].Thinking == nil {
		t.Errorf("it was remembered: %v", g.Err)
	}
}

func withEffort(req model.Request, effort string) model.Request {
	req.Parameters.Effort = effort
	return req
}

func TestErrorResponses(t *testing.T) {
	soon := map[string]string{"Retry-After": "7"}
	reset := map[string]string{
		"Date":                               "Mon, 30 Nov 2026 12:00:00 GMT",
		"Anthropic-Ratelimit-Requests-Reset": "2026-11-30T12:00:50Z", "Anthropic-Ratelimit-Requests-Remaining": "10",
		"Anthropic-Ratelimit-Tokens-Reset": "2026-11-30T12:00:20Z", "Anthropic-Ratelimit-Tokens-Remaining": "0",
	}
	for _, tc := range []struct {
		status    int
		message   string
		header    map[string]string
		code      chat.Code
		retryable bool
		after     time.Duration
		says      string
	}{
		{400, "messages: something is wrong", nil, chat.CodeProviderRefused, false, 0, "it said: messages: something is wrong"},
		{400, "prompt is too long: 103078 tokens > 102398 maximum", nil, chat.CodeProviderContext, false, 0, "103078 tokens, and it takes 102398"},
		{400, "Your credit balance is too low to access the Anthropic API.", nil, chat.CodeProviderQuota, false, 0, "no quota"},
		{401, "invalid x-api-key", nil, chat.CodeProviderAuth, false, 0, "does not accept the key of ANTHROPIC_API_KEY (401): set it to a valid one, or keep one with chat auth login anthropic"},
		{402, "There is an issue with your payment", nil, chat.CodeProviderQuota, false, 0, "no quota"},
		{403, "Your API key does not have permission", nil, chat.CodeProviderAuth, false, 0, "see whether the key (ANTHROPIC_API_KEY) may use the model claude-test"},
		{404, "model: claude-test", nil, chat.CodeProviderModel, false, 0, `no model "claude-test"`},
		{413, "Request exceeds the maximum size", nil, chat.CodeProviderRefused, false, 0, "too large"},
		{429, "Number of request tokens has exceeded your per-minute rate limit", soon, chat.CodeProviderRateLimit, true, 7 * time.Second, "asks to wait 7s"},
		{429, "Slow down", reset, chat.CodeProviderRateLimit, true, 20 * time.Second, "asks to wait 20s"},
		{429, "Slow down", map[string]string{"Retry-After": "3600"}, chat.CodeProviderRateLimit, false, 0, "asks to wait 1h"},
		{500, "Internal server error", nil, chat.CodeProviderServer, true, 0, "failed (500)"},
		{504, "Timed out", nil, chat.CodeProviderServer, true, 0, "failed (504)"},
		{529, "Overloaded", soon, chat.CodeProviderServer, true, 7 * time.Second, "is overloaded (529)"},
	} {
		g, server := ask(t, modeltest.Script{Status: tc.status, Message: tc.message, Header: tc.header}, modeltest.Ask("hello"))
		e := modeltest.ErrorOf(t, g.Err, tc.code, tc.retryable)
		if !strings.Contains(e.Message, tc.says) || e.RetryAfter != tc.after || len(server.Requests()) != 1 {
			t.Errorf("%d: %s, after %s, %d requests", tc.status, e.Message, e.RetryAfter, len(server.Requests()))
		}
	}
}

func TestAKeyThatIsMissing(t *testing.T) {
	server := modeltest.NewAnthropic(t, said("yes"))
	r := newRegistry(t, server.URL, withoutKey)
	g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello"))
	if e := modeltest.ErrorOf(t, g.Err, chat.CodeProviderAuth, false); !strings.Contains(e.Message, "chat auth login anthropic, or set ANTHROPIC_API_KEY") {
		t.Error(e.Message)
	}
}

// The texts of calls and their inputs survive a round through the store.
func TestInputsAreSentBackAsTheyCame(t *testing.T) {
	server := modeltest.NewAnthropic(t, scripts()["tools"])
	r := newRegistry(t, server.URL)
	g := stream(t, r, thread(text("a")))
	results := chat.Parts{{Type: chat.PartToolResult, CallID: "toolu_01", Text: "x"}, {Type: chat.PartToolResult, CallID: "toolu_02", IsError: true}}
	if g := stream(t, r, thread(text("a"), g.Parts, results)); g.Err != nil {
		t.Fatal(g.Err)
	}
	turns := server.Requests()[1].Messages
	var got, want any
	if json.Unmarshal(turns[1].Content[2].Input, &got) != nil || json.Unmarshal(scripts()["tools"].Blocks[2].Input, &want) != nil || encode(t, got) != encode(t, want) {
		t.Errorf("%s", turns[1].Content[2].Input)
	}
	if !turns[2].Content[1].IsError || turns[2].Content[0].IsError {
		t.Errorf("%+v", turns[2])
	}
}
