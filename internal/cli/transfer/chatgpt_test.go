package transfer

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"chat"
	"chat/internal/cli/foreign"
)

func TestAConversationOfChatGPT(t *testing.T) {
	raw, err := os.ReadFile("testdata/chatgpt.json")
	if err != nil {
		t.Fatal(err)
	}
	a, err := openArchive(strings.NewReader(string(raw)), "conversations.json")
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := a.next()
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Check(); err != nil {
		t.Fatal(err)
	}
	if got.Title != "Trees and branches" || got.System != "Answer like a gardener." || got.Model != "" || got.CreatedAt.Format("2006-01-02 15:04:05.000") != "2024-05-01 10:00:00.250" {
		t.Errorf("%+v", got.Conversation)
	}
	var tree []string
	for _, m := range got.Messages {
		parent := slices.IndexFunc(got.Messages, func(p chat.Message) bool { return p.ID == m.ParentID })
		tree = append(tree, fmt.Sprintf("%d %s %q %s %s", parent, m.Role, m.Content, m.Model, m.FinishReason))
	}
	want := []string{
		`-1 user "What is a tree?"  `,
		`0 assistant "A plant." gpt-4 stop`,
		`0 assistant "Let me look.\n\nA plant with a trunk." gpt-4o stop`,
		`2 user "[image]\n\nAnd this?"  `,
		`3 assistant "An oak, prob" gpt-4o length`,
	}
	if !slices.Equal(tree, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(tree, "\n"), strings.Join(want, "\n"))
	}
	if got.Messages[2].Reasoning != "Searching\nI should look it up." {
		t.Errorf("%q", got.Messages[2].Reasoning)
	}
	again, _, err := foreign.Read(raw[1:strings.LastIndex(string(raw), "]")])
	if err == nil {
		t.Errorf("several at once are one: %+v", again)
	}
	if second, _, err := a.next(); err != nil || second.Title != "no title here" || len(second.Messages) != 1 || second.Check() != nil {
		t.Errorf("%+v, %v", second, err)
	}
}
