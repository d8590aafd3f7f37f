package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"chat"
	"chat/daemon/client"
)

// talk sends messages in one conversation to the daemon that runs, each after the answer to the
// one before, and fails if one of them has no answer: talk N.
func talk(ts *testscript.TestScript, neg bool, args []string) {
	n := 0
	if len(args) == 1 {
		n, _ = strconv.Atoi(args[0]) // 0 is refused below
	}
	if neg || n == 0 {
		ts.Fatalf("usage: talk N")
	}
	ctx := context.Background()
	s, err := starterIn(ts.Getenv)
	ts.Check(err)
	cl := client.New(s.Find, client.Options{})
	defer cl.Close()
	conversation := ""
	for i := range n {
		acc, err := cl.Submit(ctx, chat.Submission{ConversationID: conversation, Content: fmt.Sprintf("question %d", i)}, "")
		ts.Check(err)
		conversation = acc.ConversationID
		var parts chat.Parts
		var end chat.Chunk
		for e, err := range cl.Follow(ctx, acc.TaskID, chat.Start()) {
			ts.Check(err)
			if e.Chunk != nil {
				parts.Apply(*e.Chunk)
				end = *e.Chunk
			}
		}
		if end.State != chat.TaskDone || !strings.HasPrefix(parts.Text(), "answer ") {
			ts.Fatalf("question %d ended as %s: %s %q", i, end.State, end.Content, parts.Text())
		}
	}
	list, err := cl.Messages(ctx, conversation)
	ts.Check(err)
	if len(list) != 2*n {
		ts.Fatalf("the conversation has %d messages, want %d", len(list), 2*n)
	}
	for i := range n {
		if q, a := list[2*i], list[2*i+1]; q.Content != fmt.Sprintf("question %d", i) || a.ParentID != q.ID || !strings.HasPrefix(a.Content, "answer ") {
			ts.Fatalf("turn %d has %q and %q", i, q.Content, a.Content)
		}
	}
}
