package sqltest

import (
	"strings"

	"chat"
)

// continueTests are about answers that continue others.
var continueTests = map[string]func(*suite){
	"a continuation is a sibling with the same text": func(s *suite) {
		old := s.cutAnswer("Once upon")
		o := chat.SubmitOptions{IdempotencyKey: "k", BodyHash: "h"}
		acc, _, err := s.Regenerate(s.Context(), owner, old.MessageID, chat.Regeneration{Continue: true}, o)
		s.must(err)
		again, replayed, err := s.Regenerate(s.Context(), owner, old.MessageID, chat.Regeneration{Continue: true}, o)
		if s.must(err); !replayed || again != acc {
			s.Errorf("repeated: %+v, %v", again, replayed)
		}
		m, err := s.Answer(s.Context(), owner, acc.TaskID)
		if s.must(err); m.Content != "Once upon" || m.ParentID != old.UserMessageID || m.ID == old.MessageID || m.State != chat.TaskQueued {
			s.Errorf("%+v", m)
		}
		begun, err := s.Beginning(s.Context(), acc.TaskID)
		if s.must(err); begun.Text() != "Once upon" {
			s.Errorf("it begins with %+v", begun)
		}
		claim := s.claim(1)[0]
		if claim.Continues != old.MessageID || claim.Parameters == nil || claim.Parameters.MaxTokens != 9 {
			s.Errorf("%+v", claim)
		}
		thread, err := s.Thread(s.Context(), acc.TaskID)
		if s.must(err); len(thread.Messages) != 1 || thread.Messages[0].ID != old.UserMessageID {
			s.Errorf("%+v", thread)
		}
		s.must(s.Finish(s.Context(), doneResult(claim, "Once upon a time")))
		list, err := s.Messages(s.Context(), owner, old.ConversationID)
		if s.must(err); len(list) != 3 || list[1].Content != "Once upon" || list[2].Content != "Once upon a time" {
			s.Errorf("%+v", list)
		}
		found, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{Search: "time"})
		if s.must(err); len(found) != 1 {
			s.Errorf("a search finds %+v", found)
		}
	},

	"a continuation that waits is stopped with its text": func(s *suite) {
		old := s.cutAnswer("Once upon")
		acc, _, err := s.Regenerate(s.Context(), owner, old.MessageID, chat.Regeneration{Continue: true}, chat.SubmitOptions{})
		s.must(err)
		_, _, err = s.Cancel(s.Context(), owner, acc.TaskID)
		s.must(err)
		if m, err := s.Answer(s.Context(), owner, acc.TaskID); err != nil || m.Content != "Once upon" || m.State != chat.TaskCancelled {
			s.Errorf("%+v, %v", m, err)
		}
	},

	"only an answer that was cut is continued": func(s *suite) {
		acc := s.enqueue()
		more := chat.Regeneration{Continue: true}
		_, _, err := s.Regenerate(s.Context(), owner, acc.MessageID, more, chat.SubmitOptions{})
		s.wantCode(err, chat.CodeBusy)
		s.must(s.Finish(s.Context(), doneResult(s.claim(1)[0], "whole")))
		_, _, err = s.Regenerate(s.Context(), owner, acc.MessageID, more, chat.SubmitOptions{})
		s.wantCode(err, chat.CodeConflict)
		if !strings.Contains(err.Error(), "complete") {
			s.Error(err)
		}
		_, _, err = s.Regenerate(s.Context(), owner, acc.UserMessageID, more, chat.SubmitOptions{})
		s.wantCode(err, chat.CodeInvalid)
		_, _, err = s.Regenerate(s.Context(), otherOwner, acc.MessageID, more, chat.SubmitOptions{})
		s.wantCode(err, chat.CodeNotFound)
		_, err = s.Beginning(s.Context(), acc.TaskID)
		s.wantCode(err, chat.CodeNotFound)
	},
}

// cutAnswer submits a message and ends its answer by a limit on its length.
func (s *suite) cutAnswer(text string) chat.Accepted {
	s.Helper()
	acc := s.send(s.newConversation().ID, chat.Submission{Content: "why?", Parameters: &chat.Parameters{MaxTokens: 9}})
	r := doneResult(s.claim(1)[0], text)
	r.FinishReason = "length"
	s.must(s.Finish(s.Context(), r))
	return acc
}
