package sqltest

import (
	"slices"
	"time"

	"chat"
)

var overviewTests = map[string]func(*suite){
	"sums the tokens of ended answers by model": func(s *suite) {
		for i, model := range []string{"m-1", "m-2", "m-1"} {
			c := s.claimNew()
			r := doneResult(c, "text")
			r.Model = model
			if i == 2 {
				r.State, r.Usage, r.Err = chat.TaskFailed, nil, chat.Errorf(chat.CodeProviderServer, "no")
			}
			s.must(s.Finish(s.Context(), r))
		}
		s.enqueue() // has not ended
		want := []chat.ModelUsage{
			{Model: "m-1", Answers: 2, Reported: 1, Usage: *usage()},
			{Model: "m-2", Answers: 1, Reported: 1, Usage: *usage()},
		}
		for name, since := range map[string]time.Time{"all": {}, "of late": time.Now().Add(-time.Hour)} {
			if got, err := s.Usage(s.Context(), owner, since); err != nil || !slices.Equal(got, want) {
				s.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		for name, got := range map[string]func() ([]chat.ModelUsage, error){
			"of another":  func() ([]chat.ModelUsage, error) { return s.Usage(s.Context(), otherOwner, time.Time{}) },
			"of tomorrow": func() ([]chat.ModelUsage, error) { return s.Usage(s.Context(), owner, time.Now().Add(time.Hour)) },
		} {
			if list, err := got(); err != nil || len(list) != 0 {
				s.Errorf("%s: %+v, %v", name, list, err)
			}
		}
	},

	"lists the owner's running tasks, the oldest first, with their titles": func(s *suite) {
		c, err := s.CreateConversation(s.Context(), owner, chat.Conversation{Title: "Tuning"})
		s.must(err)
		s.send(c.ID, chat.Submission{Content: "one"})
		second := s.newConversation()
		s.send(second.ID, chat.Submission{Content: "two"})
		theirs, err := s.CreateConversation(s.Context(), otherOwner, chat.Conversation{Title: "secret"})
		s.must(err)
		_, _, err = s.Submit(s.Context(), otherOwner, chat.Submission{ConversationID: theirs.ID, Content: "three"}, chat.SubmitOptions{})
		s.must(err)
		first := s.claim(1)
		s.claim(5)
		s.enqueue()

		all, err := s.Running(s.Context(), owner, 10)
		s.must(err)
		if len(all) != 2 || all[0].Task.ID != first[0].ID || all[0].Task.Worker != worker || all[0].Task.StartedAt == nil {
			s.Fatalf("%+v", all)
		}
		titles := map[string]string{all[0].Task.ConversationID: all[0].Title, all[1].Task.ConversationID: all[1].Title}
		if titles[c.ID] != "Tuning" {
			s.Fatalf("titles %v", titles)
		}
		some, err := s.Running(s.Context(), owner, 1)
		s.must(err)
		if len(some) != 1 || some[0].Task.ID != first[0].ID {
			s.Fatalf("the oldest of them: %+v", some)
		}
	},

	"lists the newest failures": func(s *suite) {
		var ended []string
		for _, state := range []chat.TaskState{chat.TaskFailed, chat.TaskDone, chat.TaskInterrupted} {
			c := s.claimNew()
			r := chat.Result{TaskID: c.ID, Attempt: c.Attempt, State: state}
			if state != chat.TaskDone {
				r.Err = chat.Errorf(chat.CodeProviderAuth, "the provider refused the key")
			}
			s.must(s.Finish(s.Context(), r))
			ended = append(ended, c.ID)
		}
		s.enqueue()
		failures, err := s.Failures(s.Context(), owner, 10)
		s.must(err)
		if len(failures) != 2 || failures[0].Task.ID != ended[2] || failures[1].Task.ID != ended[0] || failures[1].Task.Error == nil {
			s.Fatalf("%+v", failures)
		}
		if theirs, err := s.Failures(s.Context(), otherOwner, 10); err != nil || len(theirs) != 0 {
			s.Fatalf("another's: %+v, %v", theirs, err)
		}
	},
}
