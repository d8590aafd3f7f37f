package openai_test

import (
	"strings"
	"testing"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

// A failure in a stream is one in whatever form it comes, and what was said of it is
// passed on. [DONE] behind it does not make an end of it.
func TestFailuresInAStreamHaveManyForms(t *testing.T) {
	const said = "the engine is gone"
	for _, tc := range []struct {
		event     string
		code      chat.Code
		retryable bool
	}{
		{`{"error":{"message":"the engine is gone","type":"server_error","param":null,"code":null}}`, chat.CodeProviderServer, true},
		{`{"error":{"message":"the engine is gone","code":502},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}`, chat.CodeProviderServer, true},
		{`{"choices":[],"error":"the engine is gone"}`, chat.CodeProviderServer, true},
		{`{"error":"the engine is gone"}`, chat.CodeProviderServer, true},
		{`{"error":["the engine is gone"]}`, chat.CodeProviderServer, true},
		{`{"errors":[{"message":"the engine is gone","code":7009}],"success":false,"result":{}}`, chat.CodeProviderServer, true},
		{`{"errors":["the engine is gone"]}`, chat.CodeProviderServer, true},
		{`{"object":"error","message":"the engine is gone","type":"InternalServerError","param":null,"code":500}`, chat.CodeProviderServer, true},
		{`{"object":"error","message":"the engine is gone","type":"BadRequestError","param":null,"code":400}`, chat.CodeProviderRefused, false},
		{`{"type":"error","message":"the engine is gone"}`, chat.CodeProviderServer, true},
		{`{"type":"error","error":{"type":"overloaded_error","message":"the engine is gone"}}`, chat.CodeProviderServer, true},
		{`{"type":"error","error":{"type":"rate_limit_error","message":"the engine is gone"}}`, chat.CodeProviderRateLimit, true},
		{`{"type":"error","error":{"type":"authentication_error","message":"the engine is gone"}}`, chat.CodeProviderAuth, false},
		{`{"type":"invalid_request_error","message":"the engine is gone"}`, chat.CodeProviderRefused, false},
		{`{"detail":"the engine is gone"}`, chat.CodeProviderServer, true},
		{`{"detail":[{"loc":["body"],"msg":"the engine is gone","type":"value_error"}]}`, chat.CodeProviderServer, true},
		{`{"detail":{"error":"the engine is gone"}}`, chat.CodeProviderServer, true},
		{`{"text":"the engine is gone","error_code":50001}`, chat.CodeProviderServer, true},
		{`{"text":"the engine is gone","error_code":50002,"choices":[]}`, chat.CodeProviderServer, true},
		{`{"message":"the engine is gone","statusCode":500,"error":"Internal Server Error"}`, chat.CodeProviderServer, true},
		{`{"message":"the engine is gone","statusCode":429}`, chat.CodeProviderRateLimit, true},
		{`{"status":401,"title":"Unauthorized","detail":"the engine is gone"}`, chat.CodeProviderAuth, false},
		{`{"status_code":"503","message":"the engine is gone"}`, chat.CodeProviderServer, true},
		{`{"message":"the engine is gone"}`, chat.CodeProviderServer, true},
		{`{"message":"the engine is gone","request_id":"x"}`, chat.CodeProviderServer, true},
		{`{"code":1302,"msg":"the engine is gone"}`, chat.CodeProviderServer, true},
		{`{"code":"InternalError.Algo","message":"the engine is gone","request_id":"x"}`, chat.CodeProviderServer, true},
		{`{"code":-1,"msg":"the engine is gone","data":null}`, chat.CodeProviderServer, true},
		{`{"error_code":336501,"error_msg":"the engine is gone"}`, chat.CodeProviderServer, true},
		{`{"status":"error","message":"the engine is gone"}`, chat.CodeProviderServer, true},
		{`{"status":"failed","reason":"the engine is gone"}`, chat.CodeProviderServer, true},
		{`{"success":false,"message":"the engine is gone"}`, chat.CodeProviderServer, true},
		{`{"event":"error","data":"the engine is gone"}`, chat.CodeProviderServer, true},
		{`{"type":"exception","description":"the engine is gone"}`, chat.CodeProviderServer, true},
		{`[{"error":{"code":503,"message":"the engine is gone","status":"UNAVAILABLE"}}]`, chat.CodeProviderServer, true},
		{`"the engine is gone"`, chat.CodeProviderServer, true},
		{`the engine is gone`, chat.CodeProviderServer, true},
		{"[ERROR] the engine is gone", chat.CodeProviderServer, true},
		{"the engine is gone\nevent: error", chat.CodeProviderServer, true},
		{"{\"message\":\"the engine is gone\"}\nevent: error", chat.CodeProviderServer, true},
		{"{\"x\":{\"message\":\"\"},\"detail\":\"the engine is gone\"}\nevent: exception", chat.CodeProviderServer, true},
		{`{"choices":[{"index":0,"delta":{},"error":{"message":"the engine is gone"}}]}`, chat.CodeProviderServer, true},
	} {
		t.Run(tc.event, func(t *testing.T) {
			failed := "data: " + tc.event + "\n\n"
			for where, body := range map[string]string{
				"at the beginning": failed + "data: [DONE]\n\n",
				"in the middle":    say("Half ", "an") + failed + "data: [DONE]\n\n",
				"and on":           say("Half ", "an") + failed + say(" answer.") + stop,
			} {
				g := replay(t, canned{body: body})
				e := modeltest.ErrorOf(t, g.Err, tc.code, tc.retryable)
				if !strings.Contains(e.Message, said) {
					t.Errorf("%s: %q does not say what was said", where, e.Message)
				}
				if where != "at the beginning" && g.Content != "Half an" {
					t.Errorf("%s: what came before is %q", where, g.Content)
				}
			}
			g := replay(t, canned{body: say("All of it.") + strings.TrimSuffix(stop, "data: [DONE]\n\n") + failed + "data: [DONE]\n\n"})
			if event := strings.Contains(tc.event, "event: "); !event && (g.Err != nil || g.Content != "All of it." || len(g.Notices) != 1 || !strings.Contains(g.Notices[0], said)) {
				t.Errorf("behind a whole answer: %+v", g)
			}
		})
	}
}

// A server whose framework has failed writes the failure without the form of an event.
func TestFailuresOutsideOfEventsAreRead(t *testing.T) {
	for _, bare := range []string{
		`{"error":{"message":"the engine is gone","type":"server_error"}}`, `{"detail":"the engine is gone"}`, `{"object":"error","message":"the engine is gone","code":500}`,
		"{\n  \"error\": {\n    \"message\": \"the engine is gone\"\n  }\n}", ` {"error":"the engine is gone"}`, `{"status":503,"title":"Down","detail":"the engine is gone"}`,
	} {
		for _, end := range []string{"", "\n", "\n\n", "\n\ndata: [DONE]\n\n", "\r\n\r\ndata: [DONE]\r\n\r\n"} {
			g := replay(t, canned{body: say("Half an") + bare + end})
			if e := modeltest.ErrorOf(t, g.Err, chat.CodeProviderServer, true); !strings.Contains(e.Message, "the engine is gone") || g.Content != "Half an" {
				t.Errorf("%q: %q, %v", bare+end, g.Content, e)
			}
		}
		g := replay(t, canned{body: say("All of it.") + strings.TrimSuffix(stop, "data: [DONE]\n\n") + bare + "\n\ndata: [DONE]\n\n"})
		if g.Err != nil || g.Content != "All of it." || len(g.Notices) != 1 {
			t.Errorf("%q behind a whole answer: %+v", bare, g)
		}
	}
	for _, harmless := range []string{`{"x":1}`, "{", "x: y", "retry: soon", "nothing", `{"error":null}`} {
		if g := replay(t, canned{body: say("Hello ") + harmless + "\n\n" + say("there.") + stop}); g.Err != nil || g.Content != "Hello there." {
			t.Errorf("%q: %+v", harmless, g)
		}
	}
}

// What says nothing of a failure is none.
func TestOtherEventsInAStreamAreHarmless(t *testing.T) {
	for _, event := range []string{
		`{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}`, `{"id":"c"}`, `{}`, `null`, `""`, `ping`, `"ping"`, `keep-alive`, `0`,
		`{"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}`,
		`{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`, `{"usage":{"total_tokens":3}}`, `{"type":"ping"}`, `{"event":"heartbeat"}`,
		`{"choices":null,"error":null}`, `{"choices":[],"error":{}}`, `{"choices":[],"error":{"code":0,"message":""}}`, `{"choices":[],"error":false,"errors":[]}`, `{"choices":[],"error_code":0}`,
		`{"object":"chat.completion.chunk","choices":[],"code":0,"message":""}`, `{"code":200,"choices":[],"status":"success"}`, `{"choices":[],"citations":["https://example.org/error"]}`,
		`{"choices":[{"index":0,"delta":{"content":""},"finish_reason":null}],"error":null}`, `{"choices":[{"index":0,"delta":null,"finish_reason":""}]}`,
		`{"choices":[{"index":0,"delta":{},"content_filter_results":{"error":{"code":"","message":""}}}]}`, "x\nevent: ping",
	} {
		body := say("Hello ") + "data: " + event + "\n\n" + say("there.") + "data: [DONE]\n\n"
		if g := replay(t, canned{body: body}); g.Err != nil || g.Content != "Hello there." || g.Finish.Reason != "stop" {
			t.Errorf("%s: %+v", event, g)
		}
	}
}

// An event that may be anything does not end an answer together with a bare [DONE];
// a finish reason does.
func TestABareEndBehindAnUnknownEventIsNone(t *testing.T) {
	for _, event := range []string{
		`{"type":"message_delta","delta":{"stop_reason":"end_turn"}}`, `{"response":"text"}`, `{"info":"shutting down"}`, `{"message":{"role":"assistant","content":"x"},"done":true}`,
	} {
		body := say("Half an") + "data: " + event + "\n\n"
		g := replay(t, canned{body: body + "data: [DONE]\n\n"})
		if e := modeltest.ErrorOf(t, g.Err, chat.CodeProviderCut, true); !strings.Contains(e.Message, event[:12]) || g.Content != "Half an" {
			t.Errorf("%s: %q, %v", event, g.Content, e)
		}
		if g := replay(t, canned{body: body + say(" answer.") + stop}); g.Err != nil || g.Content != "Half an answer." {
			t.Errorf("%s, and a finish reason: %+v", event, g)
		}
		modeltest.WantCode(t, replay(t, canned{body: "data: " + event + "\n\ndata: [DONE]\n\n"}).Err, chat.CodeProviderProtocol, false)
	}
}

// A server that could not go on says so in its finish reason, too.
func TestFinishReasonsThatAreFailures(t *testing.T) {
	for _, reason := range []string{"error", "ERROR", "abort", "insufficient_system_resource", "network_error", "server_error", "cancelled", "timeout"} {
		g := replay(t, canned{body: say("Half") + strings.Replace(stop, "stop", reason, 1)})
		if e := modeltest.ErrorOf(t, g.Err, chat.CodeProviderServer, true); !strings.Contains(e.Message, reason) || g.Content != "Half" {
			t.Errorf("%s: %q, %v", reason, g.Content, e)
		}
	}
}

// Answers without text say what came instead; asking again would not help.
func TestAnswersWithoutTextSayWhatCame(t *testing.T) {
	const image = `{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}`
	for _, tc := range []struct {
		event string
		code  chat.Code
		says  string
	}{
		{delta(`"content":"","images":[` + image + `]`), chat.CodeProviderNoText, "an image"},
		{delta(`"content":[` + image + `,` + image + `]`), chat.CodeProviderNoText, "2 images"},
		{delta(`"content":[{"type":"output_image","image_base64":"iVBORw0KGgo="}]`), chat.CodeProviderNoText, "an image"},
		{delta(`"content":[{"inline_data":{"mime_type":"image/png","data":"iVBORw0KGgo="}}]`), chat.CodeProviderNoText, "an image"},
		{delta(`"images":["https://example.org/a.png"]`), chat.CodeProviderNoText, "an image"},
		{delta(`"content":null,"audio":{"id":"a","data":"UklGRg=="}`), chat.CodeProviderNoText, "sound"},
		{delta(`"content":[{"type":"output_audio","audio":"UklGRg=="}]`), chat.CodeProviderNoText, "sound"},
		{delta(`"content":" \n\t "`), chat.CodeProviderEmpty, "without any text"},
		{delta(`"content":""`), chat.CodeProviderEmpty, "without any text"},
		{delta(`"role":"assistant"`), chat.CodeProviderEmpty, "without any text"},
		{`{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}`, chat.CodeProviderNoText, "a tool"},
		{`{"choices":[{"delta":{},"finish_reason":"SAFETY"}]}`, chat.CodeProviderFilter, "content filter"},
		{`{"choices":[{"delta":{},"finish_reason":"MAX_TOKENS"}]}`, chat.CodeProviderEmpty, "no room"},
		{`{"choices":[{"delta":{},"finish_reason":"pause_turn"}]}`, chat.CodeProviderEmpty, "pause_turn"},
	} {
		g := replay(t, canned{body: events(tc.event, "[DONE]")})
		if e := modeltest.ErrorOf(t, g.Err, tc.code, false); !strings.Contains(e.Message, tc.says) || !strings.Contains(e.Message, ": ") {
			t.Errorf("%s: %q", tc.event, e.Message)
		}
		if tc.code != chat.CodeProviderNoText || strings.Contains(tc.event, "finish_reason") {
			continue
		}
		g = replay(t, canned{body: say("Look:") + events(tc.event) + stop})
		if g.Err != nil || g.Content != "Look:" || len(g.Notices) != 1 || !strings.Contains(g.Notices[0], tc.says) {
			t.Errorf("with a text: %+v", g)
		}
	}
	if g := replay(t, canned{body: events(delta(`"content":null,"refusal":"I can't "`), delta(`"refusal":"do that."`)) + stop}); g.Err != nil || g.Content != "I can't do that." {
		t.Errorf("a refusal: %+v", g)
	}
}

// An event that is not understood spoils the end that comes right after it, and not the
// text that goes on after it.
func TestTextAfterAnUnknownEventShowsThatItWasNoEnd(t *testing.T) {
	const unknown = `data: {"metrics":{"n":12}}` + "\n\n"
	for body, whole := range map[string]bool{
		unknown + say("All", " of it.") + "data: [DONE]\n\n":           true,
		say("All") + unknown + say(" of it.") + "data: [DONE]\n\n":     true,
		say("All", " of it.") + unknown + "data: [DONE]\n\n":           false,
		unknown + say("All", " of it.") + unknown + "data: [DONE]\n\n": false,
	} {
		if g := replay(t, canned{body: body}); g.Content != "All of it." || (g.Err == nil) != whole {
			t.Errorf("%q: %q, %v", body, g.Content, g.Err)
		}
	}
}

// What a model is expected to begin with is its answer after all, if its server sends
// the reasoning apart.
func TestReasoningThatComesApartEndsAGuess(t *testing.T) {
	body := say("Let me see. ") + `data: {"choices":[{"index":0,"delta":{"reasoning_content":"2 and 2"}}]}` + "\n\n" + say("It is 4.") + stop
	r := newRegistry(t, providers.Config{BaseURL: "http://canned.test/v1", DefaultModel: "deepseek-r1", Transport: canned{body: body}})
	if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("2 + 2")); g.Err != nil || g.Content != "Let me see. It is 4." || g.Reasoning != "2 and 2" {
		t.Errorf("content %q, reasoning %q, %v", g.Content, g.Reasoning, g.Err)
	}
}
