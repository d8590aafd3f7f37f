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

// A database may lose an accepted message in a window of time, and then all of it. Its readers
// must still agree.
func TestLostMessagesAreJudged(t *testing.T) {
	t.Parallel()
	user := history.MessageRow{ID: "user", Role: "user", Content: "lie: mark=" + mark + "\n", Seq: 1}
	read := func(text string) *history.Follower {
		c := chat.Chunk{Type: chat.ChunkContent, Content: text, Attempt: 1}
		return &history.Follower{Kind: "steady", Conns: []*history.Conn{{Frames: []history.Frame{{ID: "1-0", Chunk: c}}}}}
	}
	for name, tt := range map[string]struct {
		accepted  time.Duration // since the window began
		rows      []history.MessageRow
		followers []*history.Follower
		want      string
	}{
		"within the window":              {accepted: time.Second},
		"before the window":              {accepted: -time.Second, want: "A1 A3"},
		"a part of it":                   {accepted: time.Second, rows: []history.MessageRow{user}, want: "A1 A2"},
		"readers who saw the same":       {accepted: time.Second, followers: []*history.Follower{read("a"), read("a")}},
		"readers who saw other contents": {accepted: time.Second, followers: []*history.Follower{read("a"), read("b")}, want: "C5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			h := &history.History{Rows: history.NewTables(tt.rows, nil)}
			h.MayLose(began, began.Add(2*time.Second))
			a := &history.Ask{Mark: mark, Content: user.Content, Key: mark, Chain: &history.Chain{}, Followers: tt.followers}
			a.AddPost(history.Post{At: began, Ended: began.Add(tt.accepted), Accepted: &chat.Accepted{TaskID: taskID, MessageID: messageID, UserMessageID: "user"}}, nil)
			h.Add(a)
			var broken []string
			for _, v := range judge.Judge(h, judge.Terms{}) {
				broken = append(broken, v.Promise)
			}
			slices.Sort(broken)
			if got := strings.Join(slices.Compact(broken), " "); got != tt.want {
				t.Errorf("broken: %q, want %q", got, tt.want)
			}
		})
	}
}

// A message may be stored and lost before its reply was read, and refused with its conversation
// afterwards. Only then may a refused message have called a provider.
func TestLostRefusalsAreJudged(t *testing.T) {
	t.Parallel()
	for began, want := range map[time.Duration]string{time.Second: "", -time.Second: "A8"} {
		now := time.Now()
		a := &history.Ask{Mark: mark, Content: "lie: mark=" + mark + "\n", Key: mark, Chain: &history.Chain{}}
		a.AddPost(history.Post{At: now, Ended: now, Status: http.StatusNotFound}, chat.Errorf(chat.CodeNotFound, "no such conversation"))
		h := &history.History{Calls: []modeltest.Call{{N: 1, Prompt: a.Content, Began: now.Add(began), Ended: now.Add(began), End: "gone"}}}
		h.MayLose(now, now.Add(2*time.Second))
		h.Add(a)
		var broken []string
		for _, v := range judge.Judge(h, judge.Terms{}) {
			broken = append(broken, v.Promise)
		}
		if got := strings.Join(broken, " "); got != want {
			t.Errorf("a call %s after the window began: %q, want %q", began, got, want)
		}
	}
}
