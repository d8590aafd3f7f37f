package sqltest

import (
	"errors"
	"slices"

	"chat"
)

func release(c chat.Claim, counts bool, content, reasoning string) chat.Release {
	return chat.Release{TaskID: c.ID, Attempt: c.Attempt, Counts: counts, Parts: chat.AnswerParts(reasoning, 0, content)}
}

var requeueTests = map[string]func(*suite){
	"a failed attempt counts, a release at shutdown does not": func(s *suite) {
		s.enqueue()
		for n, step := range []struct{ counts, last bool }{
			{true, false}, {false, false}, {false, false}, {true, false}, {false, true}, {false, true}, {true, true},
		} {
			claims := s.claim(1)
			if len(claims) != 1 {
				s.Fatalf("claim %d got nothing", n+1)
			}
			c := claims[0]
			if c.Attempt != n+1 || c.LastAttempt != step.last {
				s.Fatalf("claim %d: attempt %d, last %v, want %v", n+1, c.Attempt, c.LastAttempt, step.last)
			}
			s.must(s.Release(s.Context(), release(c, step.counts, "", "")))
			if task := s.wantState(c.ID, chat.TaskQueued); task.Worker != "" {
				s.Fatalf("a queued task has a worker: %+v", task)
			}
		}
		// The last attempt should have ended the task. A released one neither adds an
		// attempt nor leaves the task in the queue.
		if len(s.claim(1)) != 0 {
			s.Fatal("a spent task was claimed")
		}
		if _, spent := s.sweep(); len(spent) != 1 {
			s.Fatalf("spent: %+v, want the one task", spent)
		}
	},

	"keeps the longest text of all attempts": func(s *suite) {
		s.enqueue()
		for _, step := range []struct{ content, reasoning, wantContent, wantReasoning string }{
			{"three", "", "three", ""},
			{"two", "", "three", ""},
			{"a", "long thoughts", "a", "long thoughts"},
			{"same length...", "", "a", "long thoughts"},
			{"", "", "a", "long thoughts"},
			{"äöü äöü äöü", "", "äöü äöü äöü", ""}, // counted in bytes, as everywhere
		} {
			c := s.claim(1)[0]
			s.must(s.Release(s.Context(), release(c, false, step.content, step.reasoning)))
			saved, err := s.Partial(s.Context(), c.ID)
			s.must(err)
			if !saved.Parts.Equal(chat.AnswerParts(step.wantReasoning, 0, step.wantContent)) || saved.Attempt != c.Attempt || saved.Complete {
				s.Fatalf("after %+v: %+v", step, saved)
			}
		}
	},

	"a later attempt knows the upstream of an earlier one": func(s *suite) {
		c := s.claimNew()
		s.must(s.SetUpstream(s.Context(), c.ID, 1, "first"))
		s.must(s.SetUpstream(s.Context(), c.ID, 1, "second"))
		for _, attempt := range []int{0, 2} {
			if err := s.SetUpstream(s.Context(), c.ID, attempt, "other"); !errors.Is(err, chat.ErrFenced) {
				s.Fatalf("attempt %d: %v", attempt, err)
			}
		}
		s.must(s.Release(s.Context(), release(c, false, "", "")))
		for _, id := range []string{c.ID, missingID, "no id"} { // the task is queued
			if err := s.SetUpstream(s.Context(), id, 1, "other"); !errors.Is(err, chat.ErrFenced) {
				s.Fatalf("%s: %v", id, err)
			}
		}
		if again := s.claim(1)[0]; c.Upstream != "" || again.Upstream != "second" {
			s.Fatalf("it was %q, and is %q", c.Upstream, again.Upstream)
		}
	},

	"a checkpoint saves a longer text of the running attempt only": func(s *suite) {
		c := s.claimNew()
		save := func(attempt int, content, want string) {
			s.Helper()
			s.must(s.Checkpoint(s.Context(), c.ID, attempt, chat.Answer{Parts: chat.TextParts(content)}))
			if saved, err := s.Partial(s.Context(), c.ID); err != nil || saved.Parts.Text() != want {
				s.Fatalf("after %q of attempt %d: %+v, %v", content, attempt, saved, err)
			}
		}
		save(1, "so far", "so far")
		save(1, "shorter"[:5], "so far")
		save(1, "so far, and on", "so far, and on")
		save(2, "of a later attempt", "so far, and on")
		s.must(s.Release(s.Context(), release(c, false, "", "")))
		save(1, "of an earlier attempt", "so far, and on")
		s.must(s.Checkpoint(s.Context(), missingID, 1, chat.Answer{Parts: chat.TextParts("x")}))
	},

	"keeps the notices of an attempt": func(s *suite) {
		c := s.claimNew()
		h := release(c, true, "", "")
		h.Notices = []string{"seed was left out", "so was a picture"}
		s.must(s.Release(s.Context(), h))
		again := s.claim(1)[0]
		if !slices.Equal(again.Notices, h.Notices) {
			s.Errorf("the next attempt has %q", again.Notices)
		}
		s.must(s.Finish(s.Context(), doneResult(again, "text"))) // without notices of its own
		if m := s.answer(c.ID); !slices.Equal(m.Notices, h.Notices) {
			s.Errorf("the message has %q", m.Notices)
		}
	},

	"can be repeated after a lost reply": func(s *suite) {
		c := s.claimNew()
		h := release(c, false, "text", "")
		s.must(s.Release(s.Context(), h))
		s.must(s.Release(s.Context(), h))
		again := s.claim(1)[0]
		if again.Attempt != 2 {
			s.Fatalf("attempt %d, want 2", again.Attempt)
		}
		if err := s.Release(s.Context(), h); !errors.Is(err, chat.ErrFenced) {
			s.Fatalf("after the next claim: %v, want ErrFenced", err)
		}
		s.wantState(c.ID, chat.TaskRunning)
	},

	"a requeued task can be cancelled and keeps its text": func(s *suite) {
		c := s.claimNew()
		h := release(c, true, "so far", "")
		h.Err = chat.Errorf(chat.CodeProviderCut, "cut")
		s.must(s.Release(s.Context(), h))
		task, won, err := s.Cancel(s.Context(), owner, c.ID)
		s.must(err)
		if m := s.answer(c.ID); !won || task.Error != nil || m.State != chat.TaskCancelled || m.Content != "so far" || m.Error != nil {
			s.Fatalf("won %v, task %+v, message %+v", won, task, m)
		}
	},

	"keeps the position in the queue": func(s *suite) {
		first := s.claimNew()
		second := s.enqueue()
		s.must(s.Release(s.Context(), release(first, true, "", "")))
		if got := ids(s.claim(2), claimID); len(got) != 2 || got[0] != first.ID || got[1] != second.TaskID {
			s.Fatalf("claimed %v", got)
		}
	},
}
