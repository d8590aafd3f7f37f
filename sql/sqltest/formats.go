package sqltest

import (
	"slices"
	"strings"

	"chat"
)

// formatTests are about what the other wire formats store.
var formatTests = map[string]func(*suite){
	"a history is stored before the message": func(s *suite) {
		call := chat.Part{Type: chat.PartToolCall, CallID: "c1", Name: "f", Text: "{}"}
		sub := chat.Submission{
			Content: "and now?", System: "be brief", Temporary: true,
			History: []chat.Message{
				{Role: chat.RoleUser, Parts: chat.TextParts("one")},
				{Role: chat.RoleAssistant, Parts: chat.Parts{call}},
				{Role: chat.RoleUser, Parts: chat.Parts{{Type: chat.PartToolResult, CallID: "c1", Text: "42"}}},
			},
		}
		acc, _, err := s.Submit(s.Context(), owner, sub, chat.SubmitOptions{})
		s.must(err)
		system, thread, err := s.thread(acc.TaskID)
		s.must(err)
		if system != "be brief" || len(thread) != 4 || thread[0].Content != "one" || !thread[1].Parts.Equal(chat.Parts{call}) || thread[2].Parts[0].Text != "42" || thread[3].ID != acc.UserMessageID {
			s.Errorf("%q %+v", system, thread)
		}
		list, err := s.Messages(s.Context(), owner, acc.ConversationID)
		s.must(err)
		if len(list) != 5 || list[1].State != chat.TaskDone || list[1].TaskID != "" || list[4].ID != acc.MessageID {
			s.Errorf("%+v", list)
		}
	},

	"parameters and origin stay with the task, and a regenerated answer has the parameters": func(s *suite) {
		zero := 0.0
		sub := chat.Submission{Content: "x", Origin: `{"a":1}`, Parameters: &chat.Parameters{Temperature: &zero, MaxTokens: 9, Tools: []chat.Tool{{Name: "f"}}}}
		acc, _, err := s.Submit(s.Context(), owner, sub, chat.SubmitOptions{})
		s.must(err)
		claims := s.claim(1)
		if p := claims[0].Parameters; p == nil || p.MaxTokens != 9 || *p.Temperature != 0 || len(p.Tools) != 1 || claims[0].Origin != `{"a":1}` {
			s.Fatalf("%+v", claims[0])
		}
		s.must(s.SetOrigin(s.Context(), owner, acc.TaskID, "{}"))
		s.wantCode(s.SetOrigin(s.Context(), "eve", acc.TaskID, "{}"), chat.CodeNotFound)
		s.must(s.Finish(s.Context(), doneResult(claims[0], "text")))
		again, _, err := s.Regenerate(s.Context(), owner, acc.MessageID, chat.Regeneration{}, chat.SubmitOptions{})
		s.must(err)
		task, err := s.Task(s.Context(), owner, again.TaskID)
		if s.must(err); task.Parameters == nil || task.Parameters.MaxTokens != 9 || task.Origin != "" {
			s.Errorf("%+v", task)
		}
		list, err := s.Tasks(s.Context(), owner, chat.TaskQuery{})
		if s.must(err); len(list) != 2 || list[0].Parameters == nil || list[0].Parameters.MaxTokens != 9 {
			s.Errorf("%+v", list)
		}
		messages, err := s.Messages(s.Context(), owner, acc.ConversationID)
		if s.must(err); len(messages) != 3 || messages[1].Parameters == nil || messages[1].Parameters.MaxTokens != 9 || messages[1].Parameters.Tools != nil {
			s.Errorf("%+v", messages)
		}
	},

	"lists have no large parameters": func(s *suite) {
		sub := chat.Submission{Content: "x", Parameters: &chat.Parameters{MaxTokens: 9, Tools: []chat.Tool{{Name: "f", Description: strings.Repeat("x", 10_000)}}}}
		acc, _, err := s.Submit(s.Context(), owner, sub, chat.SubmitOptions{})
		s.must(err)
		list, err := s.Tasks(s.Context(), owner, chat.TaskQuery{})
		if s.must(err); list[0].Parameters != nil {
			s.Errorf("%+v", list[0].Parameters)
		}
		messages, err := s.Messages(s.Context(), owner, acc.ConversationID)
		if s.must(err); messages[1].Parameters != nil {
			s.Errorf("%+v", messages[1].Parameters)
		}
		if task, err := s.Task(s.Context(), owner, acc.TaskID); err != nil || task.Parameters == nil || len(task.Parameters.Tools) != 1 {
			s.Errorf("%+v, %v", task, err)
		}
	},

	"the log of an ended task is kept with it": func(s *suite) {
		c := s.claimNew()
		r := doneResult(c, "text")
		r.ChunkCount, r.Log = 3, []byte("packed\x00\xff")
		for range 2 { // the second after a lost reply
			s.must(s.Finish(s.Context(), r))
		}
		got, err := s.ChunkLog(s.Context(), owner, c.ID)
		if s.must(err); string(got) != "packed\x00\xff" {
			s.Errorf("%q", got)
		}
		if got, err := s.ChunkLog(s.Context(), "eve", c.ID); err != nil || got != nil {
			s.Errorf("another owner has %q, %v", got, err)
		}
		without := s.claimNew()
		s.must(s.Finish(s.Context(), doneResult(without, "text")))
		if got, err := s.ChunkLog(s.Context(), owner, without.ID); err != nil || got != nil {
			s.Errorf("%q, %v", got, err)
		}
		_, err = s.DeleteConversation(s.Context(), owner, c.ConversationID)
		s.must(err)
		if got, err := s.ChunkLog(s.Context(), owner, c.ID); err != nil || got != nil {
			s.Errorf("after its conversation: %q, %v", got, err)
		}
	},

	"temporary conversations are hidden": func(s *suite) {
		acc, _, err := s.Submit(s.Context(), owner, chat.Submission{Content: "a secret", Temporary: true}, chat.SubmitOptions{})
		s.must(err)
		for _, q := range []chat.ConversationQuery{{}, {Search: "secret"}} {
			for _, temporary := range []bool{false, true} {
				q.Temporary = temporary
				list, _, err := s.Conversations(s.Context(), owner, q)
				s.must(err)
				if found := slices.ContainsFunc(list, func(c chat.Conversation) bool { return c.ID == acc.ConversationID && c.Temporary }); found != temporary {
					s.Errorf("%+v: found %v", q, found)
				}
			}
		}
		byID, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{ID: acc.ConversationID})
		if s.must(err); len(byID) != 1 {
			s.Errorf("by its id: %+v", byID)
		}
	},

	"a conversation is created under a given id once": func(s *suite) {
		id := strings.Replace(s.newConversation().ID, "0", "1", 1)
		sub := chat.Submission{ConversationID: id, CreateMissing: true, Content: "one"}
		acc, _, err := s.Submit(s.Context(), owner, sub, chat.SubmitOptions{})
		s.must(err)
		if acc.ConversationID != id {
			s.Errorf("%+v", acc)
		}
		_, _, err = s.Submit(s.Context(), owner, sub, chat.SubmitOptions{})
		s.wantCode(err, chat.CodeBusy)
		_, _, err = s.Submit(s.Context(), "eve", sub, chat.SubmitOptions{})
		s.wantCode(err, chat.CodeNotFound)
	},

	"temporary conversations are deleted when nothing runs in them": func(s *suite) {
		submit := func(temporary bool) chat.Accepted {
			acc, _, err := s.Submit(s.Context(), owner, chat.Submission{Content: "x", Temporary: temporary}, chat.SubmitOptions{})
			s.must(err)
			return acc
		}
		kept, ended, running := submit(false), submit(true), submit(true)
		for _, acc := range []chat.Accepted{kept, ended} {
			_, _, err := s.Cancel(s.Context(), owner, acc.TaskID)
			s.must(err)
		}
		_, _, err := s.Sweep(s.Context())
		s.must(err)
		for acc, want := range map[chat.Accepted]bool{kept: true, ended: false, running: true} {
			_, err := s.Conversation(s.Context(), owner, acc.ConversationID)
			if (err == nil) != want {
				s.Errorf("%+v: %v, want kept %v", acc, err, want)
			}
		}
	},
}
