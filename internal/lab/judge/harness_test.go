package judge_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/internal/lab/history"
	"chat/internal/lab/judge"
)

const (
	mark      = "m-1"
	taskID    = "0190-0001"
	messageID = "0190-0002"
)

// word is token i of the provider's call n.
func word(n, i int) string { return modeltest.Marked(mark, n, i) }

// words are the tokens from and up to, without it, of call n.
func words(n, from, to int) (out []string) {
	for i := from; i < to; i++ {
		out = append(out, word(n, i))
	}
	return out
}

const tokens = 4 // of an answer

// answer is what the database has: all that the second call sent.
func answer() string { return strings.Join(words(2, 0, tokens), "") }

// promises judges a history of one message, which two calls were made for: the first was cut
// after three tokens. It returns the promises that the followers saw broken.
func promises(t *testing.T, state chat.TaskState, followers ...*history.Follower) string {
	t.Helper()
	began := time.Now()
	a := &history.Ask{Mark: mark, Content: "lie: mark=" + mark + "\n", Key: mark, Chain: &history.Chain{}, Followers: followers}
	a.Chain.Asks = []*history.Ask{a}
	acc := chat.Accepted{TaskID: taskID, MessageID: messageID, UserMessageID: "user"}
	a.AddPost(history.Post{At: began, Ended: began, Status: http.StatusAccepted, Accepted: &acc}, nil)
	if state == chat.TaskCancelled {
		a.SetCancelled(&history.Cancel{Asked: began.Add(time.Second), Answered: began.Add(time.Second), Won: true, State: state})
	}
	h := &history.History{
		Rows: history.NewTables([]history.MessageRow{
			{ID: "user", Role: "user", Content: a.Content, Seq: 1},
			{ID: messageID, Role: "assistant", Parent: "user", Content: answer(), Parts: chat.TextParts(answer()), Seq: 2},
		}, []history.TaskRow{{ID: taskID, Message: messageID, UserMessage: "user", State: state, Attempt: 2, Finished: began.Add(time.Second)}}),
		Calls: []modeltest.Call{
			{N: 1, Prompt: a.Content, Sent: strings.Join(words(1, 0, 3), ""), Tokens: 3, Began: began, Ended: began.Add(time.Millisecond), End: "gone"},
			{N: 2, Prompt: a.Content, Sent: answer(), Tokens: tokens, Began: began.Add(time.Second / 2), Ended: began.Add(time.Second), End: "done"},
		},
	}
	h.Add(a)
	var broken []string
	for _, v := range judge.Judge(h, judge.Terms{}) {
		t.Log(v)
		if !slices.Contains(broken, v.Promise) {
			broken = append(broken, v.Promise)
		}
	}
	slices.Sort(broken)
	return strings.Join(broken, " ")
}

// conn is a connection that ended as it should if its events do, and was cut otherwise.
func conn(end string, events ...[]history.Event) *history.Exchange {
	return &history.Exchange{Status: http.StatusOK, TaskID: taskID, Events: slices.Concat(events...), End: end}
}

const cut = "unexpected EOF"

// data are events without an id.
func data(lines ...string) (out []history.Event) {
	for _, l := range lines {
		out = append(out, history.Event{Data: l})
	}
	return out
}
