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
	"a failed attempt counts, a hand-back at shutdown does not": func(s *suite) {
		s.queued()
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
			s.must(s.Requeue(s.Context(), release(c, step.counts, "", "")))
			if task := s.wantState(c.ID, chat.TaskQueued); task.Worker != "" {
				s.Fatalf("a waiting task has a worker: %+v", task)
			}
		}
		// The last attempt should have ended the task. That it was handed back does
		// not make it a fourth one, nor leave it waiting for ever.
		if len(s.claim(1)) != 0 {
			s.Fatal("a spent task was claimed")
		}
		if _, spent := s.sweep(); len(spent) != 1 {
			s.Fatalf("spent: %+v, want the one task", spent)
		}
	},

	"keeps the longest text of all attempts": func(s *suite) {
		s.queued()
		for _, step := range []struct{ content, reasoning, wantContent, wantReasoning string }{
			{"three", "", "three", ""},
			{"two", "", "three", ""},
			{"a", "long thoughts", "a", "long thoughts"},
			{"same length...", "", "a", "long thoughts"},
			{"", "", "a", "long thoughts"},
			{"äöü äöü äöü", "", "äöü äöü äöü", ""}, // counted in bytes, as everywhere
		} {
			c := s.claim(1)[0]
			s.must(s.Requeue(s.Context(), release(c, false, step.content, step.reasoning)))
			saved, err := s.Partial(s.Context(), c.ID)
			s.must(err)
			if !saved.Parts.Equal(chat.AnswerParts(step.wantReasoning, 0, step.wantContent)) || saved.Attempt != c.Attempt || saved.Complete {
				s.Fatalf("after %+v: %+v", step, saved)
			}
		}
	},

	"a checkpoint saves a longer text, and only of the running attempt": func(s *suite) {
		c := s.claimed()
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
		save(2, "of an attempt that does not run yet", "so far, and on")
		s.must(s.Requeue(s.Context(), release(c, false, "", "")))
		save(1, "of an attempt that does not run any more", "so far, and on")
		s.must(s.Checkpoint(s.Context(), nobody, 1, chat.Answer{Parts: chat.TextParts("x")}))
	},

	"keeps the notices of an attempt for the next one, and for the end": func(s *suite) {
		c := s.claimed()
		h := release(c, true, "", "")
		h.Notices = []string{"seed was left out", "so was a picture"}
		s.must(s.Requeue(s.Context(), h))
		again := s.claim(1)[0]
		if !slices.Equal(again.Notices, h.Notices) {
			s.Errorf("the next attempt has %q", again.Notices)
		}
		s.must(s.Finish(s.Context(), done(again, "text"))) // by one who does not know of them
		if m := s.answer(c.ID); !slices.Equal(m.Notices, h.Notices) {
			s.Errorf("the message has %q", m.Notices)
		}
	},

	"succeeds again after a lost reply": func(s *suite) {
		c := s.claimed()
		h := release(c, false, "text", "")
		s.must(s.Requeue(s.Context(), h))
		s.must(s.Requeue(s.Context(), h))
		again := s.claim(1)[0]
		if again.Attempt != 2 {
			s.Fatalf("attempt %d, want 2", again.Attempt)
		}
		if err := s.Requeue(s.Context(), h); !errors.Is(err, chat.ErrFenced) {
			s.Fatalf("after the next claim: %v, want ErrFenced", err)
		}
		s.wantState(c.ID, chat.TaskRunning)
	},

	"a task that waits again can be cancelled and keeps its text": func(s *suite) {
		c := s.claimed()
		h := release(c, true, "so far", "")
		h.Err = chat.Errorf(chat.CodeProviderCut, "cut")
		s.must(s.Requeue(s.Context(), h))
		task, won, err := s.Cancel(s.Context(), owner, c.ID)
		s.must(err)
		if m := s.answer(c.ID); !won || task.Error != nil || m.State != chat.TaskCancelled || m.Content != "so far" || m.Error != nil {
			s.Fatalf("won %v, task %+v, message %+v", won, task, m)
		}
	},

	"keeps its place": func(s *suite) {
		first := s.claimed()
		second := s.queued()
		s.must(s.Requeue(s.Context(), release(first, true, "", "")))
		if got := ids(s.claim(2), claimID); len(got) != 2 || got[0] != first.ID || got[1] != second.TaskID {
			s.Fatalf("claimed %v", got)
		}
	},
}
