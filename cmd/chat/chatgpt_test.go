package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"chat"
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
	again, _, err := readConversation(raw[1:strings.LastIndex(string(raw), "]")])
	if err == nil {
		t.Errorf("several at once are one: %+v", again)
	}
	if second, _, err := a.next(); err != nil || second.Title != "no title here" || len(second.Messages) != 1 || second.Check() != nil {
		t.Errorf("%+v, %v", second, err)
	}
}

func TestAHostileMapping(t *testing.T) {
	for name, raw := range map[string]string{
		"a circle":        `{"id":"x","mapping":{"a":{"parent":"b","children":["b"]},"b":{"parent":"a","children":["a"]}},"current_node":"a"}`,
		"itself":          `{"id":"x","mapping":{"a":{"parent":null,"children":["a","a"],"message":{"author":{"role":"user"},"content":{"content_type":"text","parts":["x"]}}}}}`,
		"a missing child": `{"id":"x","mapping":{"a":{"parent":null,"children":["zzz"]}},"current_node":"zzz"}`,
		"odd times":       `{"id":"x","create_time":1e300,"update_time":-1,"mapping":{}}`,
	} {
		got, _, err := readConversation([]byte(raw))
		if errors.As(err, new(nothingError)) {
			continue
		}
		if err == nil {
			err = got.Check()
		}
		if err != nil || len(got.Messages) > 1 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	// A chain that no recursion would survive.
	var b strings.Builder
	b.WriteString(`{"id":"x","mapping":{"n0":{"children":["n1"]}`)
	const deep = 100_000
	for i := 1; i < deep; i++ {
		fmt.Fprintf(&b, `,"n%d":{"parent":"n%d","children":["n%d"]}`, i, i-1, i+1)
	}
	b.WriteString(`}}`)
	if _, _, err := readConversation([]byte(b.String())); !errors.As(err, new(nothingError)) {
		t.Error(err)
	}
}
