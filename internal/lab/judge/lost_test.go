package judge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"chat"
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
