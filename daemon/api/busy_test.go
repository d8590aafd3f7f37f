package api_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"chat"
	"chat/daemon/api"
)

// TestAConversationTakesOneMessageAtATime sends many at the same time: one is
// accepted, and a repetition of it is answered like the first time.
func TestAConversationTakesOneMessageAtATime(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	conv := h.conversation()
	path := "/conversations/" + conv.ID + "/messages"
	answers := make([]answer, 20)
	key := func(i int) with { return header("Idempotency-Key", "k"+string(rune('a'+i))) }
	var posts sync.WaitGroup
	for i := range answers {
		posts.Go(func() { answers[i] = h.call("POST", path, `{"content":"why?"}`, key(i)) })
	}
	posts.Wait()
	winner := -1
	for i, a := range answers {
		switch {
		case a.status == http.StatusAccepted && winner < 0:
			winner = i
		case a.status != http.StatusConflict || a.problem(t) != chat.CodeBusy || !strings.Contains(string(a.body), "still being answered"):
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if winner < 0 {
		t.Fatal("none was accepted")
	}
	if again := h.call("POST", path, `{"content":"why?"}`, key(winner)); again.status != http.StatusAccepted || string(again.body) != string(answers[winner].body) {
		t.Errorf("the same again: %d %s", again.status, again.body)
	}
	var acc chat.Accepted
	answers[winner].into(t, &acc)
	for name, refused := range map[string]answer{
		"another answer":   h.call("POST", "/messages/"+acc.MessageID+"/regenerate", ""),
		"its rest":         h.call("POST", "/messages/"+acc.MessageID+"/continue", ""),
		"another question": h.call("POST", path, `{"content":"how?","parent_id":"root"}`),
	} {
		if refused.status != http.StatusConflict || refused.problem(t) != chat.CodeBusy {
			t.Errorf("%s: %d %s", name, refused.status, refused.body)
		}
	}
	if a := h.call("POST", "/tasks/"+acc.TaskID+"/cancel", ""); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for i := range answers { // a refusal does not use its key up
		if i != winner {
			if a := h.call("POST", path, `{"content":"why?"}`, key(i)); a.status != http.StatusAccepted {
				t.Errorf("after the end: %d %s", a.status, a.body)
			}
			break
		}
	}
}

// TestAMessageMakesItsConversation: one call stores the conversation with the message, or
// nothing.
func TestAMessageMakesItsConversation(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	a := h.call("POST", "/messages", `{"content":"Why is\nthe sky blue?","model":"m","system":"be brief"}`, header("Idempotency-Key", "once"))
	var acc chat.Accepted
	if a.status != http.StatusAccepted || a.header.Get("Location") == "" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	a.into(t, &acc)
	conv, err := h.store.Conversation(t.Context(), chat.LocalOwner, acc.ConversationID)
	if h.must(err); conv.Title != "Why is" || conv.Model != "m" || conv.System != "be brief" {
		t.Errorf("%+v", conv)
	}
	list, err := h.store.Messages(t.Context(), chat.LocalOwner, conv.ID)
	if h.must(err); len(list) != 2 || list[0].ID != acc.UserMessageID || list[1].TaskID != acc.TaskID || list[1].ParentID != acc.UserMessageID {
		t.Errorf("%+v", list)
	}
	again := h.call("POST", "/messages", `{"content":"Why is\nthe sky blue?","model":"m","system":"be brief"}`, header("Idempotency-Key", "once"))
	if again.status != http.StatusAccepted || string(again.body) != string(a.body) || again.header.Get("Idempotent-Replay") != "true" {
		t.Errorf("the same again: %d %s", again.status, again.body)
	}
	for body, want := range map[string]struct {
		status int
		code   chat.Code
	}{
		`{"content":"and?","conversation_id":"` + conv.ID + `"}`: {409, chat.CodeBusy},
		`{"content":""}`: {400, chat.CodeInvalid},
		`{"content":"x","conversation_id":"` + unknownID + `"}`:                                    {404, chat.CodeNotFound},
		`{"content":"x","parent_id":"` + acc.MessageID + `"}`:                                      {400, chat.CodeInvalid},
		`{"content":"x","model":"lynig"}`:                                                          {400, chat.CodeProviderModel},
		`{"content":"x","conversation_id":"` + conv.ID + `","system":"other"}`:                     {400, chat.CodeInvalid},
		`{"content":"x","system":"` + strings.Repeat("a", chat.MaxSystem+1) + `"}`:                 {413, chat.CodeTooLarge},
		`{"content":"x","conversation_id":"` + conv.ID + `","title":"` + "other" + `","model":""}`: {400, chat.CodeInvalid},
	} {
		if a := h.call("POST", "/messages", body); a.status != want.status || a.problem(t) != want.code {
			t.Errorf("%.80s: %d %s, want %d %s", body, a.status, a.body, want.status, want.code)
		}
	}
	if all, _, err := h.store.Conversations(t.Context(), chat.LocalOwner, chat.ConversationQuery{}); err != nil || len(all) != 1 {
		t.Errorf("a refusal stored something: %+v, %v", all, err)
	}
	if a := h.call("POST", "/conversations/"+conv.ID+"/messages", `{"content":"x","conversation_id":"`+unknownID+`"}`); a.status != http.StatusBadRequest {
		t.Errorf("two conversations: %d %s", a.status, a.body)
	}
}

// A task that is cancelled between two attempts has no worker that could pass the cancel on.
func TestTheProviderLearnsOfACancelBetweenAttempts(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.submitted()
	claims, err := h.store.Claim(t.Context(), "w", 1, false)
	h.must(err)
	h.must(h.store.SetUpstream(t.Context(), acc.TaskID, claims[0].Attempt, "there"))
	h.must(h.store.Release(t.Context(), chat.Release{TaskID: acc.TaskID, Attempt: claims[0].Attempt}))
	for range 2 {
		if a := h.call("POST", "/tasks/"+acc.TaskID+"/cancel", ""); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if len(h.provider.abandoned) == 0 || h.provider.abandoned[0] != "there" {
		t.Errorf("abandoned %q", h.provider.abandoned)
	}
}
