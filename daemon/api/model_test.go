package api_test

import (
	"net/http"
	"strings"
	"testing"

	"chat"
	"chat/daemon/api"
)

func TestAModelThatDoesNotExistIsRefusedBeforeAnythingIsStored(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	remote := bearer(token)
	conv := h.conversation()
	path := "/conversations/" + conv.ID
	var good chat.Accepted
	h.call("POST", path+"/messages", `{"content":"x","model":"lying"}`, header("Idempotency-Key", "good")).into(t, &good)
	for call, body := range map[string]string{
		"POST /conversations":        `{"model":"lynig"}`,
		"POST /messages":             `{"content":"x","model":"lynig"}`,
		"PATCH " + path:              `{"model":"lynig"}`,
		"POST " + path + "/messages": `{"content":"x","model":"lynig"}`,
		"POST /messages/" + good.MessageID + "/regenerate": `{"model":"lynig"}`,
	} {
		method, where, _ := strings.Cut(call, " ")
		a := h.remote(method, where, body, remote, header("Idempotency-Key", "bad "+call))
		if a.status != http.StatusBadRequest || a.problem(t) != chat.CodeProviderModel || !strings.Contains(string(a.body), "did you mean") {
			t.Errorf("%s: %d %s", call, a.status, a.body)
		}
	}
	if got, err := h.store.Conversation(t.Context(), chat.LocalOwner, conv.ID); err != nil || got.Model != "" {
		t.Errorf("the conversation: %+v, %v", got, err)
	}
	convs, _, err := h.store.Conversations(t.Context(), chat.LocalOwner, chat.ConversationQuery{})
	if h.must(err); len(convs) != 1 {
		t.Errorf("%d conversations", len(convs))
	}
	list, err := h.store.Messages(t.Context(), chat.LocalOwner, conv.ID)
	if h.must(err); len(list) != 2 {
		t.Errorf("%d messages", len(list))
	}
}

func TestAClientsOwnProviderSaysWhichModelsItHas(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	// Over the socket the messages may come with another provider than the server's.
	var conv chat.Conversation
	if a := h.call("POST", "/conversations", `{"model":"lynig-own"}`); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	} else {
		a.into(t, &conv)
	}
	path := "/conversations/" + conv.ID + "/messages"
	other := header("Chat-Provider-Key", "sk-other")
	if a := h.call("POST", path, `{"content":"x","model":"lynig-own"}`, other); a.status != http.StatusAccepted {
		t.Errorf("%d %s", a.status, a.body)
	}
	for name, own := range map[string]with{"a provider of its own": header("Chat-Provider-Key", "sk-own"), "the server's": func(*http.Request) {}} {
		if a := h.call("POST", path, `{"content":"x","model":"lynig"}`, own); a.problem(t) != chat.CodeProviderModel {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := h.call("POST", "/conversations", `{"model":"lynig"}`, header("Chat-Provider-Key", "sk-own")); a.problem(t) != chat.CodeProviderModel {
		t.Errorf("%d %s", a.status, a.body)
	}
	if len(h.provider.held) != 1 {
		t.Errorf("held for what was refused: %v", h.provider.held)
	}
}

func TestARepetitionIsAnsweredThoughItsModelIsGone(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	path := "/conversations/" + h.conversation().ID + "/messages"
	key, other := header("Idempotency-Key", "k"), header("Chat-Provider-Key", "sk-other")
	const body = `{"content":"x","model":"lynig"}`
	first := h.call("POST", path, body, key, other) // accepted while it was there
	again := h.call("POST", path, body, key)
	if first.status != http.StatusAccepted || again.status != http.StatusAccepted || string(first.body) != string(again.body) {
		t.Errorf("%d %s, then %d %s", first.status, first.body, again.status, again.body)
	}
}

func TestAProviderThatIsDownIsANotice(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	a := h.call("GET", "/models", "", header("Chat-Provider-Key", "sk-away"))
	want := `{"models":[{"id":"phi","provider":"ollama"}],"notice":"test cannot be reached","notice_code":"provider_connect"}`
	if got := strings.TrimSpace(string(a.body)); a.status != 200 || got != want {
		t.Errorf("%d %s", a.status, got)
	}
	if a := h.call("GET", "/models", "", header("Chat-Provider-Key", "sk-bad")); a.status != 502 || a.problem(t) != chat.CodeProviderAuth {
		t.Errorf("%d %s", a.status, a.body)
	}
}
