package sqltest

import (
	"sync"

	"chat"
)

var submitTests = map[string]func(*suite){
	"stores both messages and the task": func(s *suite) {
		c := s.newConversation()
		acc := s.send(c.ID, chat.Submission{Content: "Why is\nthe sky blue?", Model: "m", Priority: chat.PriorityUrgent, DeadlineSeconds: 9})
		if acc.ConversationID != c.ID || acc.Status != chat.StatusProcessing {
			s.Fatalf("accepted %+v", acc)
		}
		list, err := s.Messages(s.Context(), owner, c.ID)
		s.must(err)
		if len(list) != 2 {
			s.Fatalf("%d messages, want 2", len(list))
		}
		user, answer := list[0], list[1]
		if user.ID != acc.UserMessageID || user.Role != chat.RoleUser || user.ParentID != "" || user.Content != "Why is\nthe sky blue?" || user.TaskID != "" || user.State != "" {
			s.Errorf("the user's message is %+v", user)
		}
		if answer.ID != acc.MessageID || answer.Role != chat.RoleAssistant || answer.ParentID != user.ID || answer.Content != "" ||
			answer.TaskID != acc.TaskID || answer.State != chat.TaskQueued || answer.Model != "m" || answer.Usage != nil || answer.Error != nil {
			s.Errorf("the answer is %+v", answer)
		}
		task := s.wantState(acc.TaskID, chat.TaskQueued)
		if task.Owner != owner || task.ConversationID != c.ID || task.MessageID != answer.ID || task.UserMessageID != user.ID ||
			task.Priority != chat.PriorityUrgent || task.Model != "m" || task.DeadlineSeconds != 9 || task.Attempt != 0 || task.Worker != "" || task.StartedAt != nil {
			s.Errorf("the task is %+v", task)
		}
		after, err := s.Conversation(s.Context(), owner, c.ID)
		s.must(err)
		if after.Title != "Why is" || after.UpdatedAt.Before(c.UpdatedAt) {
			s.Errorf("the conversation became %+v", after)
		}
	},

	"creates the conversation, or stores nothing": func(s *suite) {
		acc, _, err := s.Submit(s.Context(), owner, chat.Submission{Content: "Why is\nthat?", Model: "m", System: "be brief"}, chat.SubmitOptions{})
		s.must(err)
		c, err := s.Conversation(s.Context(), owner, acc.ConversationID)
		s.must(err)
		if c.Title != "Why is" || c.Model != "m" || c.System != "be brief" {
			s.Errorf("%+v", c)
		}
		if claims := s.claim(10); len(claims) != 1 || claims[0].ID != acc.TaskID || claims[0].Model != "m" {
			s.Errorf("%+v", claims)
		}
		if list := s.export(acc.ConversationID).Messages; len(list) != 2 || list[0].Content != "Why is\nthat?" || list[1].ParentID != list[0].ID {
			s.Errorf("%+v", list)
		}
		_, _, err = s.Submit(s.Context(), owner, chat.Submission{Content: "x", ParentID: acc.MessageID}, chat.SubmitOptions{})
		s.wantCode(err, chat.CodeInvalid)
		named, _, err := s.Submit(s.Context(), owner, chat.Submission{Content: "x", Title: "T"}, chat.SubmitOptions{IdempotencyKey: "k", BodyHash: "h"})
		s.must(err)
		again, replayed, err := s.Submit(s.Context(), owner, chat.Submission{Content: "x", Title: "T"}, chat.SubmitOptions{IdempotencyKey: "k", BodyHash: "h"})
		if s.must(err); !replayed || again != named {
			s.Errorf("%+v, then %+v (%v)", named, again, replayed)
		}
		list, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{})
		if s.must(err); len(list) != 2 || list[0].Title != "T" {
			s.Errorf("%+v", list)
		}
	},

	"uses the caller's task id": func(s *suite) {
		acc, _, err := s.Submit(s.Context(), owner, chat.Submission{ConversationID: s.newConversation().ID, Content: "x"}, chat.SubmitOptions{TaskID: missingID})
		s.must(err)
		if acc.TaskID != missingID {
			s.Fatalf("task %s, want %s", acc.TaskID, missingID)
		}
		s.wantState(missingID, chat.TaskQueued)
	},

	"the model is the message's, else the conversation's": func(s *suite) {
		c, err := s.CreateConversation(s.Context(), owner, chat.Conversation{Title: "kept", Model: "theirs"})
		s.must(err)
		if task := s.task(s.sendAndCancel(c.ID, chat.Submission{Content: "x"}).TaskID); task.Model != "theirs" {
			s.Errorf("model %q, want the conversation's", task.Model)
		}
		if task := s.task(s.send(c.ID, chat.Submission{Content: "x", Model: "own"}).TaskID); task.Model != "own" {
			s.Errorf("model %q, want the message's", task.Model)
		}
		if got, err := s.Conversation(s.Context(), owner, c.ID); err != nil || got.Title != "kept" || got.Model != "theirs" {
			s.Errorf("the conversation became %+v, %v", got, err)
		}
	},

	"continues the newest message, or the named parent": func(s *suite) {
		c := s.newConversation()
		first := s.sendAndCancel(c.ID, chat.Submission{Content: "1"})
		second := s.sendAndCancel(c.ID, chat.Submission{Content: "2"})
		fork := s.sendAndCancel(c.ID, chat.Submission{Content: "2'", ParentID: first.MessageID})
		third := s.sendAndCancel(c.ID, chat.Submission{Content: "3"})
		root := s.sendAndCancel(c.ID, chat.Submission{Content: "1'", ParentID: chat.RootParent})
		parents := map[string]string{}
		list, err := s.Messages(s.Context(), owner, c.ID)
		s.must(err)
		for _, m := range list {
			parents[m.ID] = m.ParentID
		}
		for child, want := range map[string]string{
			first.UserMessageID: "", second.UserMessageID: first.MessageID,
			fork.UserMessageID: first.MessageID, third.UserMessageID: fork.MessageID, root.UserMessageID: "",
		} {
			if parents[child] != want {
				s.Errorf("parent of %s is %q, want %q", child, parents[child], want)
			}
		}
	},

	"a refused message stores nothing": func(s *suite) {
		c, elsewhere := s.newConversation(), s.enqueue()
		for _, parent := range []string{missingID, "x\x00", elsewhere.MessageID, elsewhere.UserMessageID} {
			_, _, err := s.Submit(s.Context(), owner, chat.Submission{ConversationID: c.ID, Content: "x", ParentID: parent}, chat.SubmitOptions{IdempotencyKey: "k"})
			s.wantCode(err, chat.CodeInvalid)
		}
		list, err := s.Messages(s.Context(), owner, c.ID)
		s.must(err)
		got, err := s.Conversation(s.Context(), owner, c.ID)
		s.must(err)
		if len(list) != 0 || got != c {
			s.Fatalf("left behind: %v, %+v", list, got)
		}
		_, replayed, err := s.Submit(s.Context(), owner, chat.Submission{ConversationID: c.ID, Content: "y"}, chat.SubmitOptions{IdempotencyKey: "k", BodyHash: "h"})
		if err != nil || replayed {
			s.Fatalf("the key of a refused request is taken: %v, %v", replayed, err)
		}
	},

	"concurrent messages keep the order of acceptance": func(s *suite) {
		const crowd, each = 8, 5
		c := s.newConversation()
		var wg sync.WaitGroup
		for range crowd {
			wg.Go(func() {
				for accepted := 0; accepted < each; {
					acc, _, err := s.Submit(s.Context(), owner, chat.Submission{ConversationID: c.ID, Content: "x"}, chat.SubmitOptions{})
					if chat.IsCode(err, chat.CodeBusy) {
						continue
					}
					if err == nil {
						accepted++
						_, _, err = s.Cancel(s.Context(), owner, acc.TaskID)
					}
					if err != nil {
						s.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		list, err := s.Messages(s.Context(), owner, c.ID)
		s.must(err)
		if len(list) != 2*crowd*each {
			s.Fatalf("%d messages, want %d", len(list), 2*crowd*each)
		}
		for i, m := range list {
			want := ""
			if i > 0 {
				want = list[i-1].ID
			}
			if m.ParentID != want {
				s.Fatalf("message %d continues %q, want the one before it", i, m.ParentID)
			}
		}
	},

	"text is unchanged, except for characters that no database stores": func(s *suite) {
		for sent, want := range map[string]string{
			"a\x00b":                  "ab",
			"bad \xff\xfe utf-8":      "bad \uFFFD utf-8",
			"line\u2028sep\u2029":     "line\u2028sep\u2029",
			`'; DROP TABLE tasks; --`: `'; DROP TABLE tasks; --`,
			"\ufeffBOM \r\n\t «»":     "\ufeffBOM \r\n\t «»",
			`{"a":"\u0000"} \' $1 ?`:  `{"a":"\u0000"} \' $1 ?`,
			"👩‍👩‍👧 \u202e rtl":        "👩‍👩‍👧 \u202e rtl",
		} {
			acc := s.send(s.newConversation().ID, chat.Submission{Content: sent, Model: sent})
			list, err := s.Messages(s.Context(), owner, acc.ConversationID)
			s.must(err)
			claim := s.claim(1)[0]
			s.must(s.Finish(s.Context(), chat.Result{
				TaskID: claim.ID, Attempt: claim.Attempt, State: chat.TaskInterrupted, Parts: chat.AnswerParts(sent, 0, sent), FinishReason: sent,
				Err: chat.Errorf(chat.CodeProviderCut, "%s", sent),
			}))
			answer := s.answer(acc.TaskID)
			for place, got := range map[string]string{
				"question": list[0].Content, "model": claim.Model, "answer": answer.Content,
				"reasoning": answer.Reasoning, "finish reason": answer.FinishReason, "error": answer.Error.Message,
			} {
				if got != want {
					s.Errorf("%q came back as %s %q, want %q", sent, place, got, want)
				}
			}
		}
	},

	"regenerate adds a sibling": func(s *suite) {
		c := s.claimNew()
		s.must(s.Finish(s.Context(), doneResult(c, "one")))
		acc, _, err := s.Regenerate(s.Context(), owner, c.MessageID, chat.Regeneration{Priority: chat.PriorityBackground}, chat.SubmitOptions{})
		s.must(err)
		if acc.UserMessageID != c.UserMessageID || acc.ConversationID != c.ConversationID || acc.MessageID == c.MessageID || acc.TaskID == c.ID {
			s.Fatalf("accepted %+v beside %+v", acc, c)
		}
		list, err := s.Messages(s.Context(), owner, c.ConversationID)
		s.must(err)
		if len(list) != 3 || list[2].ID != acc.MessageID || list[2].ParentID != list[1].ParentID || list[1].Content != "one" || list[2].Content != "" {
			s.Fatalf("messages %+v", list)
		}
		if task := s.wantState(acc.TaskID, chat.TaskQueued); task.Priority != chat.PriorityBackground {
			s.Errorf("priority %s", task.Priority)
		}
		_, thread, err := s.thread(acc.TaskID)
		s.must(err)
		if len(thread) != 1 || thread[0].ID != c.UserMessageID {
			s.Fatalf("the sibling answers %+v, want the question alone", thread)
		}
		_, _, err = s.Regenerate(s.Context(), owner, c.UserMessageID, chat.Regeneration{}, chat.SubmitOptions{})
		s.wantCode(err, chat.CodeInvalid)
	},

	"regenerate uses the given model, the conversation's, or the answer's": func(s *suite) {
		c := s.newConversation()
		acc := s.sendAndCancel(c.ID, chat.Submission{Content: "x", Model: "first"})
		model := func(given string) string {
			s.Helper()
			again, _, err := s.Regenerate(s.Context(), owner, acc.MessageID, chat.Regeneration{Model: given}, chat.SubmitOptions{})
			s.must(err)
			_, _, err = s.Cancel(s.Context(), owner, again.TaskID)
			s.must(err)
			return s.task(again.TaskID).Model
		}
		if got := model("given"); got != "given" {
			s.Errorf("model %q, want the one given", got)
		}
		if got := model(""); got != "first" {
			s.Errorf("model %q, want the answer's", got)
		}
		theirs := "theirs"
		_, err := s.UpdateConversation(s.Context(), owner, c.ID, chat.ConversationPatch{Model: &theirs})
		s.must(err)
		if got := model(""); got != theirs {
			s.Errorf("model %q, want the conversation's", got)
		}
	},
}
