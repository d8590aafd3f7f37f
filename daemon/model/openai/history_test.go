package openai_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
)

// orderly accepts what every provider does, and refuses all else.
func orderly(a modeltest.Asked) (int, string) {
	if fault := a.Disorder(); fault != "" {
		return 400, fmt.Sprintf(`{"error":{"message":%q}}`, fault)
	}
	return 0, ""
}

func user(content string) chat.Message { return chat.Message{Role: chat.RoleUser, Content: content} }

func assistant(content string) chat.Message {
	return chat.Message{Role: chat.RoleAssistant, Content: content}
}

// refusedAnswer is the empty answer to a message that the provider refused.
func refusedAnswer(code chat.Code) chat.Message {
	return chat.Message{Role: chat.RoleAssistant, Error: &chat.Error{Code: code}}
}

func TestEveryHistoryIsOneThatProvidersAccept(t *testing.T) {
	t.Parallel()
	picture := pictureNamed(t, "sky.png").Block()
	for name, tc := range map[string]struct {
		thread []chat.Message
		want   string // role:text, a line each
	}{
		"a plain one":               {[]chat.Message{user("a"), assistant("b"), user("c")}, "user:a|assistant:b|user:c"},
		"a failed answer":           {[]chat.Message{user("a"), assistant(""), user("c")}, "user:a\n\nc"},
		"two failed answers":        {[]chat.Message{user("a"), assistant(""), user("b"), refusedAnswer("provider_server"), user("c")}, "user:a\n\nb\n\nc"},
		"no answer at all":          {[]chat.Message{user("a"), user("c")}, "user:a\n\nc"},
		"an answer of white space":  {[]chat.Message{user("a"), assistant(" \n\t "), user("c")}, "user:a\n\nc"},
		"a partial answer":          {[]chat.Message{user("a"), assistant("b is"), user("c")}, "user:a|assistant:b is|user:c"},
		"an answer first":           {[]chat.Message{assistant("hi"), user("c")}, "user:(The conversation begins with the assistant.)|assistant:hi|user:c"},
		"an empty answer first":     {[]chat.Message{assistant(""), user("c")}, "user:c"},
		"two answers":               {[]chat.Message{user("a"), assistant("b"), assistant("c"), user("d")}, "user:a|assistant:b\n\nc|user:d"},
		"answers apart by nothing":  {[]chat.Message{user("a"), assistant("b"), user(" "), assistant("c"), user("d")}, "user:a|assistant:b\n\nc|user:d"},
		"an empty message first":    {[]chat.Message{user(""), assistant("b"), user("c")}, "user:(The conversation begins with the assistant.)|assistant:b|user:c"},
		"nothing but empty ones":    {[]chat.Message{user(""), assistant(""), user("\n"), user("c")}, "user:c"},
		"no-break space":            {[]chat.Message{user("a"), assistant("\u00a0\u2003"), user("c")}, "user:a\n\nc"},
		"a picture unanswered":      {[]chat.Message{user("a\n\n" + picture), assistant(""), user("c")}, "user+1:a\n\nc"},
		"a picture alone":           {[]chat.Message{user(picture), assistant(""), user(picture)}, "user+2:"},
		"a picture between answers": {[]chat.Message{user("a"), assistant("b"), user(picture), assistant("c"), user("d")}, "user:a|assistant:b|user+1:|assistant:c|user:d"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, system := range []string{"", "be brief", " \n"} {
				p, r := picky(t, orderly)
				if g := modeltest.Collect(t.Context(), t, r, model.Request{System: system, Messages: tc.thread}); g.Err != nil || len(g.Notices) != 0 {
					t.Fatalf("%v, notices %q", g.Err, g.Notices)
				}
				var got []string
				for _, m := range p.Requests()[0].Messages {
					role := m.Role
					if m.Images > 0 {
						role += fmt.Sprintf("+%d", m.Images)
					}
					if m.Parts != (m.Images > 0) {
						t.Errorf("parts %v for %d images", m.Parts, m.Images)
					}
					got = append(got, role+":"+m.Text)
				}
				want := tc.want
				if strings.TrimSpace(system) != "" {
					want = "system:be brief|" + want
				}
				if s := strings.Join(got, "|"); s != want {
					t.Errorf("sent %q, want %q", s, want)
				}
			}
		})
	}
}

func TestAnyHistoryAtAllIsAccepted(t *testing.T) {
	t.Parallel()
	p, r := picky(t, orderly)
	picture := pictureNamed(t, "x.png").Block()
	contents := []string{"", " ", "\n\n", "text", "text\n\n" + picture, picture, "more text\n"}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for n := range 500 {
		req := model.Request{System: contents[random.IntN(4)]}
		for range random.IntN(8) {
			m := user(contents[random.IntN(len(contents))])
			if random.IntN(2) == 0 {
				m = assistant(contents[random.IntN(4)])
				if random.IntN(2) == 0 {
					m.Error = &chat.Error{Code: chat.CodeProviderRefused}
				}
			}
			req.Messages = append(req.Messages, m)
		}
		req.Messages = append(req.Messages, user("the question"))
		if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil || len(g.Notices) != 0 || len(p.Requests()) != n+1 {
			t.Fatalf("seed %d: %+v: %v, notices %q", seed, req, g.Err, g.Notices)
		}
	}
}

func TestWithoutAQuestionThereIsNothingToAnswer(t *testing.T) {
	t.Parallel()
	p, r := picky(t, orderly)
	for _, thread := range [][]chat.Message{nil, {user(" ")}, {assistant("hi")}, {user("a"), assistant("b"), user("")}} {
		g := modeltest.Collect(t.Context(), t, r, model.Request{System: "be brief", Messages: thread})
		modeltest.WantCode(t, g.Err, chat.CodeInvalid, false)
	}
	if n := len(p.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// A message that the provider refuses is sent again with the next one, which may be for
// another model, and left out when it is refused again.
func TestARefusedMessageDoesNotBlockTheConversation(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code   chat.Code
		status int
		body   string
	}{
		"a policy":          {chat.CodeProviderFilter, 400, `{"error":{"message":"Your request was rejected by the content management policy.","code":"content_filter"}}`},
		"too long":          {chat.CodeProviderContext, 400, `{"error":{"message":"maximum context length is 10 tokens","code":"context_length_exceeded"}}`},
		"too large":         {chat.CodeProviderRefused, 413, `Payload Too Large`},
		"not understood":    {chat.CodeProviderRefused, 422, `{"detail":"no"}`},
		"moderation":        {chat.CodeProviderFilter, 403, `{"error":{"code":403,"message":"picky requires moderation and your input was flagged for \"x\"","metadata":{"reasons":["x"]}}}`},
		"in the stream":     {chat.CodeProviderRefused, 200, `{"error":{"message":"Prompt rejected","code":400}}`},
		"a filtered answer": {chat.CodeProviderFilter, 200, `{"choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}` + "\n\ndata: [DONE]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, r := picky(t, func(a modeltest.Asked) (int, string) {
				for _, m := range a.Messages {
					if strings.Contains(m.Text, "forbidden") {
						return tc.status, tc.body
					}
				}
				return orderly(a)
			})
			thread := []chat.Message{user("one"), assistant("two"), {ID: "3", Role: chat.RoleUser, Content: "a forbidden word"}}
			g := modeltest.Collect(t.Context(), t, r, model.Request{Messages: thread})
			modeltest.WantCode(t, g.Err, tc.code, false)
			thread = append(thread, refusedAnswer(chat.CodeOf(g.Err)), user("and now?"))
			before := len(p.Requests())
			for range 2 {
				g = modeltest.Collect(t.Context(), t, r, model.Request{Messages: thread})
				if g.Err != nil || len(g.Notices) != 1 || !strings.Contains(g.Notices[0], `"a forbidden word" was left out`) {
					t.Fatalf("%v, notices %q", g.Err, g.Notices)
				}
			}
			all := p.Requests()
			if len(all) != before+3 || all[len(all)-1].Roles() != "user assistant user" || all[len(all)-1].Last().Text != "and now?" {
				t.Errorf("%+v", all)
			}
			other := model.Request{Model: "other", Messages: thread}
			if g := modeltest.Collect(t.Context(), t, r, other); g.Err != nil || p.Requests()[len(all)].Last().Text != "a forbidden word\n\nand now?" {
				t.Errorf("%v, another model is sent %+v", g.Err, p.Requests()[len(all)])
			}
		})
	}
}

// Only what belongs to the refused message is left out, as long as that helps.
func TestTheOtherPicturesAreKept(t *testing.T) {
	t.Parallel()
	good, bad := pictureNamed(t, "good.png"), pictureNamed(t, "bad.png")
	p, r := picky(t, func(a modeltest.Asked) (int, string) {
		if a.Images() > 1 {
			return 400, `{"error":{"message":"Invalid PNG image."}}`
		}
		return orderly(a)
	})
	g := modeltest.Collect(t.Context(), t, r, model.Request{Messages: []chat.Message{
		user("look\n\n" + good.Block()), assistant("nice"), user("and this?\n\n" + bad.Block()), refusedAnswer(chat.CodeProviderRefused), user("hello"),
	}})
	if g.Err != nil || len(g.Notices) != 1 || !strings.Contains(g.Notices[0], "the image bad.png was left out") {
		t.Errorf("%v, notices %q", g.Err, g.Notices)
	}
	if last := p.Requests()[1]; last.Images() != 1 || last.Last().Text != "and this?\n\n[image bad.png left out: the model did not accept it]\n\nhello" {
		t.Errorf("%+v", last)
	}
}

// A model that takes pictures after all is sent those of earlier messages again.
func TestAModelMayLearnToSee(t *testing.T) {
	t.Parallel()
	blind := true
	p, r := picky(t, func(a modeltest.Asked) (int, string) {
		if blind && a.Images() > 0 {
			return 400, `{"error":"this model does not support image input"}`
		}
		return orderly(a)
	})
	picture := pictureNamed(t, "x.png").Block()
	thread := []chat.Message{user(picture), assistant("a"), user("b")}
	ask := func(notices, requests int, messages ...chat.Message) {
		t.Helper()
		before := len(p.Requests())
		g := modeltest.Collect(t.Context(), t, r, model.Request{Messages: messages})
		if g.Err != nil || len(g.Notices) != notices || len(p.Requests()) != before+requests {
			t.Errorf("%v, notices %q, %d requests", g.Err, g.Notices, len(p.Requests())-before)
		}
	}
	ask(1, 2, thread...)
	ask(1, 1, thread...)
	blind = false
	ask(0, 1, user(picture))
	ask(0, 1, thread...)
}
