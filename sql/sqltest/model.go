package sqltest

import (
	"chat"
)

// failedModel returns the result of a task whose model the provider does not have.
func failedModel(c chat.Claim) chat.Result {
	return chat.Result{
		TaskID: c.ID, Attempt: c.Attempt, State: chat.TaskFailed, Model: c.Model,
		Err: chat.Errorf(chat.CodeProviderModel, "the provider has no such model"),
	}
}

var modelTests = map[string]func(*suite){
	"a model that the provider does not have is removed from the conversation": func(s *suite) {
		conv, err := s.CreateConversation(s.Context(), owner, chat.Conversation{Model: "gtp-4o"})
		s.must(err)
		s.send(conv.ID, chat.Submission{Content: "x"})
		c := s.claim(1)[0]
		if c.Model != "gtp-4o" {
			s.Fatalf("the task's model is %q", c.Model)
		}
		for range 2 { // repeated after a lost reply
			s.must(s.Finish(s.Context(), failedModel(c)))
		}
		s.wantModel(conv.ID, "")
		if got := s.answer(c.ID); got.Model != "gtp-4o" || got.Error == nil {
			s.Fatalf("the message lost the requested model: %+v", got)
		}
	},

	"a model that has answered before stays": func(s *suite) {
		for _, m := range []struct{ asked, answered string }{
			{"gpt-4o", "gpt-4o-2024-08-06"}, {"ollama/qwen3", "qwen3:latest"}, {"org/name", "org/name"},
		} {
			conv, err := s.CreateConversation(s.Context(), owner, chat.Conversation{Model: m.asked})
			s.must(err)
			s.send(conv.ID, chat.Submission{Content: "x"})
			r := doneResult(s.claim(1)[0], "text")
			r.Model = m.answered
			s.must(s.Finish(s.Context(), r))
			s.send(conv.ID, chat.Submission{Content: "y"})
			s.must(s.Finish(s.Context(), failedModel(s.claim(1)[0])))
			s.wantModel(conv.ID, m.asked)
		}
	},

	"a model of another message does not change the conversation's": func(s *suite) {
		conv, err := s.CreateConversation(s.Context(), owner, chat.Conversation{Model: "good"})
		s.must(err)
		s.send(conv.ID, chat.Submission{Content: "x", Model: "bad"})
		s.must(s.Finish(s.Context(), failedModel(s.claim(1)[0])))
		s.wantModel(conv.ID, "good")
	},

	"a model stays after another failure": func(s *suite) {
		conv, err := s.CreateConversation(s.Context(), owner, chat.Conversation{Model: "good"})
		s.must(err)
		s.send(conv.ID, chat.Submission{Content: "x"})
		r := failedModel(s.claim(1)[0])
		r.Err = chat.Errorf(chat.CodeProviderRefused, "no")
		s.must(s.Finish(s.Context(), r))
		s.wantModel(conv.ID, "good")
	},
}

func (s *suite) wantModel(conversationID, want string) {
	s.Helper()
	conv, err := s.Conversation(s.Context(), owner, conversationID)
	s.must(err)
	if conv.Model != want {
		s.Fatalf("the conversation's model is %q, want %q", conv.Model, want)
	}
}
