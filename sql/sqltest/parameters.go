package sqltest

import (
	"chat"
	"chat/internal/transcript"
)

// parameters builds parameters as a user writes them: a name, its value, and so on.
func (s *suite) parameters(pairs ...string) *chat.Parameters {
	p := &chat.Parameters{}
	for i := 0; i < len(pairs); i += 2 {
		if problem := p.Set(pairs[i], pairs[i+1]); problem != "" {
			s.Fatalf("%s %s", pairs[i], problem)
		}
	}
	return p
}

// answered sends a message, ends its answer, and returns it with the task's parameters.
func (s *suite) answered(sub chat.Submission, want string) chat.Accepted {
	acc, _, err := s.Submit(s.Context(), owner, sub, chat.SubmitOptions{})
	s.must(err)
	s.end(acc, want)
	return acc
}

// end claims and ends the answer of a task whose parameters must be want.
func (s *suite) end(acc chat.Accepted, want string) {
	claims := s.claim(1)
	if len(claims) != 1 || claims[0].ID != acc.TaskID {
		s.Fatalf("claimed %+v", claims)
	}
	if got := claims[0].Parameters.String(); got != want {
		s.Errorf("the task has %q, want %q", got, want)
	}
	s.must(s.Finish(s.Context(), doneResult(claims[0], "text")))
}

// wantParameters checks the parameters of a conversation.
func (s *suite) wantParameters(id, want string) {
	c, err := s.Conversation(s.Context(), owner, id)
	s.must(err)
	if got := c.Parameters.String(); got != want {
		s.Errorf("the conversation has %q, want %q", got, want)
	}
}

var parameterTests = map[string]func(*suite){
	"a conversation keeps the parameters of its first message": func(s *suite) {
		first := s.parameters("temperature", "0", "stop", "END", "seed", "7")
		first.Tools = []chat.Tool{{Name: "f"}}
		id := s.answered(chat.Submission{Content: "one", Parameters: first}, `temperature 0, stop "END", seed 7`).ConversationID
		s.wantParameters(id, `temperature 0, stop "END", seed 7`)
		inherits := s.answered(chat.Submission{ConversationID: id, Content: "two"}, `temperature 0, stop "END", seed 7`)
		task, err := s.Task(s.Context(), owner, inherits.TaskID)
		if s.must(err); len(task.Parameters.Tools) > 0 {
			s.Errorf("the tools of another message: %+v", task.Parameters)
		}
		s.answered(chat.Submission{ConversationID: id, Content: "three", Parameters: s.parameters("temperature", "1")}, `temperature 1, stop "END", seed 7`)
		s.answered(chat.Submission{ConversationID: id, Content: "four", ModelDefaults: s.parameters("seed", "1", "top_p", "0.5")}, `temperature 0, top_p 0.5, stop "END", seed 7`)
		s.wantParameters(id, `temperature 0, stop "END", seed 7`)
		fork, _, err := s.Fork(s.Context(), owner, id, "", "", chat.SubmitOptions{})
		s.must(err)
		s.wantParameters(fork.ID, `temperature 0, stop "END", seed 7`)
	},

	"the parameters of a conversation can be changed and cleared": func(s *suite) {
		c, err := s.CreateConversation(s.Context(), owner, chat.Conversation{Parameters: s.parameters("effort", "low")})
		s.must(err)
		s.answered(chat.Submission{ConversationID: c.ID, Content: "one"}, "effort low")
		title := "other"
		_, err = s.UpdateConversation(s.Context(), owner, c.ID, chat.ConversationPatch{Title: &title})
		s.must(err)
		s.wantParameters(c.ID, "effort low")
		_, err = s.UpdateConversation(s.Context(), owner, c.ID, chat.ConversationPatch{Parameters: s.parameters("max_tokens", "9")})
		s.must(err)
		s.answered(chat.Submission{ConversationID: c.ID, Content: "two"}, "max_tokens 9")
		changed, err := s.UpdateConversation(s.Context(), owner, c.ID, chat.ConversationPatch{Parameters: &chat.Parameters{}})
		if s.must(err); changed.Parameters != nil {
			s.Errorf("%+v", changed.Parameters)
		}
		s.answered(chat.Submission{ConversationID: c.ID, Content: "three"}, "")
	},

	"a standalone message neither inherits parameters nor leaves any": func(s *suite) {
		id := s.answered(chat.Submission{Content: "one", Parameters: s.parameters("seed", "7"), Standalone: true}, "seed 7").ConversationID
		s.wantParameters(id, "")
		_, err := s.UpdateConversation(s.Context(), owner, id, chat.ConversationPatch{Parameters: s.parameters("temperature", "0")})
		s.must(err)
		for _, origin := range []string{"", "{}"} {
			s.answered(chat.Submission{ConversationID: id, Content: "two", Standalone: true, Origin: origin}, "")
			s.answered(chat.Submission{ConversationID: id, Content: "three", Parameters: s.parameters("top_p", "1"), Standalone: true, Origin: origin}, "top_p 1")
		}
	},

	"a regenerated answer has the parameters of the old one, and the changes": func(s *suite) {
		p, text := s.parameters("temperature", "0", "seed", "7"), "be brief"
		p.Tools, p.Instructions, p.Format = []chat.Tool{{Name: "f"}}, &text, &chat.Format{Name: "g"}
		acc := s.answered(chat.Submission{Content: "one", Parameters: p}, "temperature 0, seed 7")
		_, err := s.UpdateConversation(s.Context(), owner, acc.ConversationID, chat.ConversationPatch{Parameters: &chat.Parameters{}})
		s.must(err)
		for change, want := range map[string]string{"": "temperature 0, seed 7", "1": "temperature 0, seed 1"} {
			r := chat.Regeneration{}
			if change != "" {
				r.Parameters = s.parameters("seed", change)
			}
			again, _, err := s.Regenerate(s.Context(), owner, acc.MessageID, r, chat.SubmitOptions{})
			s.must(err)
			s.end(again, want)
			task, err := s.Task(s.Context(), owner, again.TaskID)
			if s.must(err); len(task.Parameters.Tools) != 1 || task.Parameters.Instructions == nil || task.Parameters.Format == nil {
				s.Errorf("not those of one message: %+v", task.Parameters)
			}
		}
	},

	"parameters are exported and imported": func(s *suite) {
		t := tree()
		t.Parameters = s.parameters("temperature", "0.5")
		t.Messages[1].Parameters = s.parameters("stop", `"a", "b"`)
		s.must(t.Check())
		s.importAs(owner, t, transcript.Imported{Status: transcript.ImportCreated, Messages: 7, Added: 7})
		s.wantParameters(t.ID, "temperature 0.5")
		if got := s.export(t.ID).Messages[1].Parameters.String(); got != `stop "a","b"` {
			s.Errorf("the answer has %s", got)
		}
	},
}
