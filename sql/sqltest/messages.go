package sqltest

import (
	"strings"

	"chat"
)

var messageTests = map[string]func(*suite){
	"have the outcome of their task": func(s *suite) {
		c := s.claimNew()
		if m := s.answer(c.ID); m.State != chat.TaskRunning || m.TaskID != c.ID {
			s.Fatalf("while it runs: %+v", m)
		}
		s.must(s.Finish(s.Context(), doneResult(c, "because")))
		m := s.answer(c.ID)
		if m.State != chat.TaskDone || m.Content != "because" || m.FinishReason != "stop" || m.Model != "m-1" || m.Usage == nil || m.Usage.TotalTokens != 7 || m.Error != nil {
			s.Fatalf("after its end: %+v", m)
		}
		list, err := s.Messages(s.Context(), owner, c.ConversationID)
		s.must(err)
		if got := list[1]; got.Usage == nil || *got.Usage != *m.Usage || got.Content != m.Content || got.TaskID != m.TaskID {
			s.Fatalf("listed as %+v, want %+v", got, m)
		}
	},

	"an error of an attempt is not an outcome": func(s *suite) {
		c := s.claimNew()
		broken := chat.Retryable(chat.Errorf(chat.CodeProviderServer, "503"))
		s.must(s.Release(s.Context(), chat.Release{TaskID: c.ID, Attempt: c.Attempt, Counts: true, Err: broken}))
		if m := s.answer(c.ID); m.Error != nil {
			s.Errorf("the message has error %v before the next attempt", m.Error)
		}
		if task := s.task(c.ID); task.Error == nil || task.Error.Code != chat.CodeProviderServer {
			s.Errorf("the queued task has no error: %v", task.Error)
		}
		s.must(s.Finish(s.Context(), chat.Result{TaskID: c.ID, Attempt: s.claim(1)[0].Attempt, State: chat.TaskFailed, Err: broken}))
		m := s.answer(c.ID)
		if m.Error == nil || m.Error.Code != broken.Code || m.Error.Message != broken.Message || !m.Error.Retryable {
			s.Errorf("the message has error %+v, want %+v", m.Error, broken)
		}
	},

	"a thread is the path from the root to the question": func(s *suite) {
		conv, err := s.CreateConversation(s.Context(), owner, chat.Conversation{System: "be brief"})
		s.must(err)
		finish := func(content string) {
			s.Helper()
			s.must(s.Finish(s.Context(), doneResult(s.claim(1)[0], content)))
		}
		first := s.send(conv.ID, chat.Submission{Content: "q1"})
		finish("a1")
		s.send(conv.ID, chat.Submission{Content: "q2"})
		finish("") // no text
		s.send(conv.ID, chat.Submission{Content: "q3"})
		finish("a3")
		s.send(conv.ID, chat.Submission{Content: "fork", ParentID: first.MessageID})
		finish("elsewhere")
		last := s.send(conv.ID, chat.Submission{Content: "q2'", ParentID: first.MessageID})

		system, thread, err := s.thread(last.TaskID)
		s.must(err)
		var texts []string
		for _, m := range thread {
			texts = append(texts, string(m.Role)+":"+m.Content)
		}
		if got, want := strings.Join(texts, " "), "user:q1 assistant:a1 user:q2'"; got != want || system != "be brief" {
			s.Errorf("thread %q, system %q; want %q", got, system, want)
		}
		tasks, err := s.Tasks(s.Context(), owner, chat.TaskQuery{})
		s.must(err)
		_, thread, err = s.thread(tasks[2].ID) // q3
		s.must(err)
		if len(thread) != 4 || thread[2].Content != "q2" || thread[3].Content != "q3" {
			s.Errorf("an answer without text is in the thread: %+v", thread)
		}
		_, _, err = s.thread(missingID)
		s.wantCode(err, chat.CodeNotFound)
		_, err = s.Partial(s.Context(), missingID)
		s.wantCode(err, chat.CodeNotFound)
	},

	"a thread says why an answer has no content": func(s *suite) {
		conv := s.newConversation()
		for _, state := range []chat.TaskState{chat.TaskFailed, chat.TaskCancelled, chat.TaskFailed} {
			s.send(conv.ID, chat.Submission{Content: "q"})
			r := doneResult(s.claim(1)[0], "")
			if r.State = state; state == chat.TaskFailed {
				r.Err = chat.Errorf(chat.CodeProviderRefused, "refused")
			}
			s.must(s.Finish(s.Context(), r))
		}
		last := s.send(conv.ID, chat.Submission{Content: "q"})
		_, thread, err := s.thread(last.TaskID)
		s.must(err)
		var roles []string
		for _, m := range thread {
			if roles = append(roles, string(m.Role)); m.Role == chat.RoleAssistant && !chat.IsCode(m.Error, chat.CodeProviderRefused) {
				s.Errorf("the error is %v", m.Error)
			}
		}
		if got, want := strings.Join(roles, " "), "user assistant user user assistant user"; got != want {
			s.Errorf("thread %q, want %q", got, want)
		}
	},

	"a long text is stored completely": func(s *suite) {
		long := strings.Repeat("0123456789äöü漢字🚀\n", 40_000)
		acc := s.send(s.newConversation().ID, chat.Submission{Content: long})
		c := s.claim(1)[0]
		s.must(s.Finish(s.Context(), chat.Result{TaskID: c.ID, Attempt: c.Attempt, State: chat.TaskDone, Parts: chat.AnswerParts(long, 0, long)}))
		list, err := s.Messages(s.Context(), owner, acc.ConversationID)
		s.must(err)
		if list[0].Content != long || list[1].Content != long || list[1].Reasoning != long {
			s.Fatal("the text changed")
		}
	},
}
