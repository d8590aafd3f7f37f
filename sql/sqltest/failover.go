package sqltest

import (
	"errors"
	"slices"
	"time"

	"chat"
)

// claimWith returns the claim of a new task with other models.
func (s *suite) claimWith(f *chat.Failover) chat.Claim {
	s.Helper()
	s.send(s.newConversation().ID, chat.Submission{Content: "why?", Model: "a/first", Failover: f})
	return s.claim(1)[0]
}

// switched makes the second model answer a claimed task, after the first said text.
func (s *suite) switched(c chat.Claim, text string) (from chat.Release, f chat.Failover) {
	s.Helper()
	f = *c.Failover
	f.Failed = append(slices.Clip(f.Failed), chat.ModelFailure{Model: c.Model, Reason: "503", Partial: text != ""})
	from = release(c, false, text, "")
	from.Model = c.Model
	s.must(s.SwitchModel(s.Context(), from, f.Models[len(f.Failed)-1], f))
	return from, f
}

func (s *suite) wantModels(id, task, message string, failed int) {
	s.Helper()
	t := s.wantState(id, chat.TaskRunning)
	if t.Model != task || len(t.Failover.Failed) != failed || s.answer(id).Model != message {
		s.Fatalf("the task has %q and %d failures (%+v), the message %q", t.Model, len(t.Failover.Failed), t.Failover, s.answer(id).Model)
	}
}

var others = &chat.Failover{Models: []string{"b/second", "c/third"}}

var failoverTests = map[string]func(*suite){
	"the next attempt knows which models failed": func(s *suite) {
		c := s.claimWith(others)
		s.must(s.SetUpstream(s.Context(), c.ID, c.Attempt, "at the first"))
		s.switched(c, "")
		s.wantModels(c.ID, "b/second", "b/second", 1)
		s.must(s.Release(s.Context(), release(c, true, "", "")))
		again := s.claim(1)[0]
		if again.Model != "b/second" || again.Upstream != "" || again.Failover.Failed[0] != (chat.ModelFailure{Model: "a/first", Reason: "503"}) {
			s.Fatalf("the next attempt got %+v", again.Task)
		}
	},

	"the longest text keeps the model that made it": func(s *suite) {
		c := s.claimWith(others)
		s.switched(c, "of the first")
		s.wantModels(c.ID, "b/second", "a/first", 1)
		h := release(c, true, "short", "")
		h.Model = "b/second"
		s.must(s.Release(s.Context(), h))
		if saved, err := s.Partial(s.Context(), c.ID); err != nil || saved.Model != "a/first" || saved.Parts.Text() != "of the first" {
			s.Fatalf("saved %+v, %v", saved, err)
		}
		c = s.claim(1)[0]
		h = release(c, false, "longer than that of the first", "")
		h.Model = "b/second"
		s.must(s.Release(s.Context(), h))
		if saved, err := s.Partial(s.Context(), c.ID); err != nil || saved.Model != "b/second" {
			s.Fatalf("saved %+v, %v", saved, err)
		}
	},

	"a release can ask the first model again": func(s *suite) {
		c := s.claimWith(others)
		s.switched(c, "")
		h := release(c, true, "", "")
		h.Again = true
		s.must(s.Release(s.Context(), h))
		if again := s.claim(1)[0]; again.Model != "a/first" || len(again.Failover.Failed) != 0 || len(again.Failover.Models) != 2 {
			s.Fatalf("the next attempt got %+v", again.Task)
		}
	},

	"a switch is fenced": func(s *suite) {
		c := s.claimWith(others)
		from, f := s.switched(c, "")
		s.must(s.SwitchModel(s.Context(), from, "b/second", f)) // the reply was lost
		for _, change := range []func(*chat.Release){
			func(from *chat.Release) { from.Attempt++ }, func(from *chat.Release) { from.TaskID = missingID }, func(from *chat.Release) { from.TaskID = "no id" },
		} {
			other := from
			change(&other)
			if err := s.SwitchModel(s.Context(), other, "b/second", f); !errors.Is(err, chat.ErrFenced) {
				s.Fatalf("%+v: %v", other, err)
			}
		}
		_, _, err := s.Cancel(s.Context(), owner, c.ID)
		s.must(err)
		if err := s.SwitchModel(s.Context(), from, "b/second", f); !errors.Is(err, chat.ErrCancelWon) {
			s.Fatalf("after a cancel: %v", err)
		}
	},

	"a regenerated answer asks the first model": func(s *suite) {
		f := *others
		f.AfterText = true
		acc := s.send(s.newConversation().ID, chat.Submission{Content: "why?", Model: "a/first", Failover: &f})
		c := s.claim(1)[0]
		s.switched(c, "")
		r := doneResult(c, "answer")
		r.Model = "b/second"
		s.must(s.Finish(s.Context(), r))
		_, _, err := s.Regenerate(s.Context(), owner, acc.MessageID, chat.Regeneration{}, chat.SubmitOptions{})
		s.must(err)
		if again := s.claim(1)[0]; again.Model != "a/first" || !again.Failover.AfterText || len(again.Failover.Failed) != 0 || len(again.Failover.Models) != 2 {
			s.Fatalf("regenerated with %+v, %+v", again.Task, again.Failover)
		}
	},

	"a task says what it waits for": func(s *suite) {
		c := s.claimNew()
		h := release(c, false, "", "")
		h.Delay, h.Waiting = time.Hour, "the rate limit of a"
		s.must(s.Release(s.Context(), h))
		t := s.wantState(c.ID, chat.TaskQueued)
		if t.Waiting == nil || t.Waiting.For != "the rate limit of a" || !t.Waiting.Until.Equal(t.RunAfter) || t.StartedAt != nil || !t.RunAfter.After(t.CreatedAt.Add(59*time.Minute)) {
			s.Fatalf("it waits as %+v", t)
		}
		if len(s.claim(1)) != 0 {
			s.Fatal("it was claimed before its time")
		}
		h.Delay, h.Waiting = 0, "the rate limit of b"
		c = s.claimNew()
		h.TaskID, h.Attempt = c.ID, c.Attempt
		s.must(s.Release(s.Context(), h))
		again := s.claim(1)[0]
		if again.Waiting == nil || again.Counted != 1 {
			s.Fatalf("the worker does not know that it waited: %+v", again)
		}
		if t := s.wantState(c.ID, chat.TaskRunning); t.Waiting != nil || t.StartedAt == nil {
			s.Fatalf("a running task waits: %+v", t)
		}
	},
}
