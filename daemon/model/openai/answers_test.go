package openai_test

import (
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
	"chat/daemon/model/transport"
)

// Every way of sending a good answer arrives as the text that was sent.
func TestAnswersArriveWholeHoweverTheyAreSent(t *testing.T) {
	for _, tc := range []struct {
		lie    string
		reason string
		usage  bool
	}{
		{"", "stop", true},
		{"chunks=300 reasoning=7", "stop", true},
		{"reasoning=3 names=reasoning", "stop", true},
		{"reasoning=3 names=both", "stop", true},
		{"reasoning=3 names=parts", "stop", true},
		{"reasoning=3 names=tags", "stop", true},
		{"reasoning=3 names=tags bytes", "stop", true},
		{"reasoning=3 names=unopened", "stop", true},
		{"reasoning=3 names=unopened bytes eol=cr", "stop", true},
		{"comments=400 chunks=3", "stop", true},
		{"bom comments=1", "stop", true},
		{"eol=cr", "stop", true},
		{"eol=crlf bytes bom", "stop", true},
		{"eol=cr bytes", "stop", true},
		{"bytes reasoning=2", "stop", true},
		{"oneline chunks=500", "stop", true},
		{"split chunks=20", "stop", true},
		{"split chunks=20 bytes", "stop", true},
		{"surrogates chunks=20", "stop", true},
		{"finish=length", "length", true},
		{"finish=content_filter", "content_filter", true},
		{"nofinish", "stop", true},
		{"nodone", "stop", true},
		{"nousage", "stop", false},
		{"usage=absurd", "stop", false},
		{"extra=after-the-end", "stop", true},
		{"gzip chunks=50", "stop", true},
		{"json reasoning=4", "stop", true},
		{"json type=text/event-stream", "stop", true},
		{"type=application/json", "stop", true},
		{"type=text/plain", "stop", true},
		{"strict", "stop", true},
		{"text=%E2%80%A8%0D%0Adata:+x%0A%0A", "stop", true},
		{"text=%EF%BB%BF+%22%5C%08%1F", "stop", true},
	} {
		t.Run(tc.lie, func(t *testing.T) {
			t.Parallel()
			server, r := newFake(t)
			g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: "+tc.lie+"\nhello"))
			if g.Err != nil {
				t.Fatal(g.Err)
			}
			calls := server.Calls()
			c := calls[len(calls)-1]
			if g.Content != c.Sent || g.Reasoning != c.Reasoning || g.Content == "" {
				t.Fatalf("got %q and %q,\nsent %q and %q", g.Content, g.Reasoning, c.Sent, c.Reasoning)
			}
			if strings.Contains(g.Content, "\uFFFD") {
				t.Fatalf("a character was broken: %q", g.Content)
			}
			if g.Finish.Reason != tc.reason || (g.Finish.Usage != nil) != tc.usage || g.Finish.Model != "lying" {
				t.Fatalf("finish %+v", g.Finish)
			}
		})
	}
}

func TestTextIsNormalisedBeforeItLeaves(t *testing.T) {
	for lie, want := range map[string]string{
		"chunks=1 invalid":     "c1t0 \uFFFD ",
		"chunks=2 nul":         "c1t0 c1t1 ",
		"chunks=1 text=%F0%9F": "\uFFFD", // half a character and then the end
	} {
		_, r := newFake(t)
		if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: "+lie)); g.Err != nil || g.Content != want {
			t.Errorf("%s: %q, %v, want %q", lie, g.Content, g.Err, want)
		}
	}
}

// Every way of failing has its own code, and keeps what came before.
func TestFailuresHaveTheirCodes(t *testing.T) {
	for _, tc := range []struct {
		lie       string
		code      chat.Code
		retryable bool
		says      string
	}{
		{"cut=4", chat.CodeProviderCut, true, "send again"},
		{"cut=0", chat.CodeProviderCut, true, ""},
		{"cut=4 eol=cr bytes", chat.CodeProviderCut, true, ""},
		{"abort=4", chat.CodeProviderCut, true, ""},
		{"rst=4", chat.CodeProviderCut, true, ""},
		{"nofinish nodone", chat.CodeProviderCut, true, ""},
		{"cut=4 gzip", chat.CodeProviderCut, true, ""},
		{"error=4", chat.CodeProviderServer, true, "as commanded"},
		{"error=0", chat.CodeProviderServer, true, "as commanded"},
		{"error=4 style=space", chat.CodeProviderServer, true, "as commanded"},
		{"error=4 style=string", chat.CodeProviderServer, true, "as commanded"},
		{"error=4 style=chunk", chat.CodeProviderServer, true, "as commanded"},
		{"error=4 style=choice", chat.CodeProviderServer, true, "as commanded"},
		{"error=4 style=comment", chat.CodeProviderServer, true, "as commanded"},
		{"error=4 style=event", chat.CodeProviderServer, true, "as commanded"},
		{"error=4 style=bare", chat.CodeProviderServer, true, "as commanded"},
		{"error=4 kind=insufficient_quota", chat.CodeProviderQuota, false, "add credit"},
		{"error=4 kind=rate_limit_exceeded", chat.CodeProviderRateLimit, true, ""},
		{"error=4 kind=429", chat.CodeProviderRateLimit, true, ""},
		{"error=4 kind=invalid_request_error", chat.CodeProviderRefused, false, ""},
		{"malformed=4", chat.CodeProviderProtocol, false, "OPENAI_BASE_URL"},
		{"html", chat.CodeProviderProtocol, false, "It works!"},
		{"html type=text/event-stream", chat.CodeProviderProtocol, false, "web page"},
		{"redirect=http://127.0.0.1:1/v1/chat/completions", chat.CodeProviderProtocol, false, "redirects"},
		{"huge=2000000", chat.CodeAnswerTooLarge, false, "1048576"},
		{"endless text=" + strings.Repeat("x", 60000), chat.CodeAnswerTooLarge, false, "2097152"},
		{"gzip bomb", chat.CodeProviderProtocol, false, "without end"},
		{"empty", chat.CodeProviderEmpty, false, "without any text"},
		{"chunks=3 text=%00", chat.CodeProviderEmpty, false, ""},
		{"empty finish=length", chat.CodeProviderEmpty, false, "larger context"},
		{"empty finish=content_filter", chat.CodeProviderFilter, false, ""},
		{"status=400", chat.CodeProviderRefused, false, "as commanded"},
		{"status=400 kind=context_length_exceeded", chat.CodeProviderContext, false, "larger context"},
		{"status=400 kind=model_not_found", chat.CodeProviderModel, false, "chat models"},
		{"status=401", chat.CodeProviderAuth, false, "OPENAI_API_KEY"},
		{"status=401 message=bad+key+" + modeltest.Key, chat.CodeProviderAuth, false, "(the key)"},
		{"status=402", chat.CodeProviderQuota, false, ""},
		{"status=403", chat.CodeProviderAuth, false, ""},
		{"status=404", chat.CodeProviderModel, false, "chat models"},
		{"status=408", chat.CodeProviderServer, true, ""},
		{"status=409", chat.CodeProviderServer, true, ""},
		{"status=413", chat.CodeProviderRefused, false, ""},
		{"status=422 shape=detail", chat.CodeProviderRefused, false, "as commanded"},
		{"status=429", chat.CodeProviderRateLimit, true, ""},
		{"status=429 kind=insufficient_quota", chat.CodeProviderQuota, false, ""},
		{"status=500 shape=string", chat.CodeProviderServer, true, "as commanded"},
		{"status=502 shape=html message=502+Bad+Gateway", chat.CodeProviderServer, true, "502 Bad Gateway"},
		{"status=503 shape=text", chat.CodeProviderServer, true, "as commanded"},
		{"status=503 shape=message", chat.CodeProviderServer, true, "as commanded"},
		{"status=400 shape=array", chat.CodeProviderRefused, false, "as commanded"},
		{"status=400 shape=empty", chat.CodeProviderRefused, false, ""},
		{"status=400 message=a%1B%5B2J%0Ab", chat.CodeProviderRefused, false, "a[2J b"},
		{"status=204", chat.CodeProviderProtocol, false, "204"},
	} {
		t.Run(tc.lie[:min(len(tc.lie), 60)], func(t *testing.T) {
			t.Parallel()
			server, r := newFake(t, func(c *providers.Config) {
				c.Limits = transport.DefaultLimits()
				c.Limits.MaxAnswer = 2 << 20
			})
			g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: "+tc.lie))
			e := modeltest.ErrorOf(t, g.Err, tc.code, tc.retryable)
			if !strings.Contains(e.Message, tc.says) {
				t.Errorf("%q does not say %q", e.Message, tc.says)
			}
			c := server.Calls()[0]
			if tc.code != chat.CodeAnswerTooLarge && !strings.HasPrefix(c.Sent, strings.ReplaceAll(g.Content, "\x00", "")) && g.Content != "" {
				t.Errorf("got %q, sent %q", g.Content, c.Sent)
			}
			// An RST may overtake what was sent before it; all others keep it all.
			if strings.Contains(tc.lie, "=4") && !strings.Contains(tc.lie, "status") && !strings.Contains(tc.lie, "rst") && g.Content != modeltest.Answer(1, 4) {
				t.Errorf("what came before is %q", g.Content)
			}
		})
	}
}

func TestNoServerRefusesStreamOptionsTwice(t *testing.T) {
	server, r := newFake(t)
	for range 2 {
		if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: strict")); g.Err != nil {
			t.Fatal(g.Err)
		}
	}
	if n := len(server.Calls()); n != 3 {
		t.Errorf("%d calls, want 3: one refused, two answered", n)
	}
}

func TestARefusalThatStaysIsARefusal(t *testing.T) {
	server, r := newFake(t)
	g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: status=400 message=stream_options"))
	modeltest.WantCode(t, g.Err, chat.CodeProviderRefused, false)
	if n := len(server.Calls()); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

func TestLongTextsComeInPieces(t *testing.T) {
	_, r := newFake(t)
	g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: chunks=1 text="+strings.Repeat("%F0%9F%98%80", 20000)))
	if g.Err != nil || g.Events < 2 || g.Content != strings.Repeat("😀", 20000) {
		t.Fatalf("%d events, %d bytes, %v", g.Events, len(g.Content), g.Err)
	}
}

func TestRequestsCarryTheConversation(t *testing.T) {
	server, r := newFake(t)
	req := model.Request{System: "be kind", Messages: []chat.Message{
		{Role: chat.RoleUser, Content: "one"},
		{Role: chat.RoleAssistant, Content: ""}, // a failed answer
		{Role: chat.RoleUser, Content: "two"},
	}}
	if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil {
		t.Fatal(g.Err)
	}
	c := server.Calls()[0]
	if c.Messages != 2 || c.Prompt != "one\n\ntwo" || c.Header.Get("Authorization") != "Bearer "+modeltest.Key {
		t.Errorf("call %+v with %v", c, c.Header)
	}
	g := modeltest.Collect(t.Context(), t, r, model.Request{System: "be kind"})
	modeltest.WantCode(t, g.Err, chat.CodeInvalid, false)
}
