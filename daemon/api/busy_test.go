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
	l := newLab(t, api.Options{})
	conv := l.conversation()
	path := "/conversations/" + conv.ID + "/messages"
	answers := make([]answer, 20)
	key := func(i int) with { return header("Idempotency-Key", "k"+string(rune('a'+i))) }
	var posts sync.WaitGroup
	for i := range answers {
		posts.Go(func() { answers[i] = l.call("POST", path, `{"content":"why?"}`, key(i)) })
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
	if again := l.call("POST", path, `{"content":"why?"}`, key(winner)); again.status != http.StatusAccepted || string(again.body) != string(answers[winner].body) {
		t.Errorf("the same again: %d %s", again.status, again.body)
	}
	var acc chat.Accepted
	answers[winner].into(t, &acc)
	for name, refused := range map[string]answer{
		"another answer":   l.call("POST", "/messages/"+acc.MessageID+"/regenerate", ""),
		"another question": l.call("POST", path, `{"content":"how?","parent_id":"root"}`),
	} {
		if refused.status != http.StatusConflict || refused.problem(t) != chat.CodeBusy {
			t.Errorf("%s: %d %s", name, refused.status, refused.body)
		}
	}
	if a := l.call("POST", "/tasks/"+acc.TaskID+"/cancel", ""); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for i := range answers { // a refusal does not use its key up
		if i != winner {
			if a := l.call("POST", path, `{"content":"why?"}`, key(i)); a.status != http.StatusAccepted {
				t.Errorf("after the end: %d %s", a.status, a.body)
			}
			break
		}
	}
}
