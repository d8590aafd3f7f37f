package sqltest

import (
	"errors"
	"slices"
	"sync"

	"chat"
)

var cancelTests = map[string]func(*suite){
	"a queued task is cancelled immediately": func(s *suite) {
		acc := s.enqueue()
		for range 2 {
			task, won, err := s.Cancel(s.Context(), owner, acc.TaskID)
			s.must(err)
			if !won || task.State != chat.TaskCancelled || task.FinishReason != "cancelled" || task.Error != nil {
				s.Fatalf("won %v, %+v", won, task)
			}
		}
		s.wantState(acc.TaskID, chat.TaskCancelled)
		if len(s.claim(5)) != 0 {
			s.Fatal("a cancelled task was claimed")
		}
	},

	"a running task can only end as cancelled": func(s *suite) {
		c := s.claimNew()
		for range 2 {
			task, won, err := s.Cancel(s.Context(), owner, c.ID)
			s.must(err)
			if !won || task.State != chat.TaskRunning || !task.CancelRequested {
				s.Fatalf("won %v, %+v", won, task)
			}
		}
		for _, state := range []chat.TaskState{chat.TaskDone, chat.TaskFailed, chat.TaskInterrupted} {
			r := doneResult(c, "too late")
			r.State = state
			if err := s.Finish(s.Context(), r); !errors.Is(err, chat.ErrCancelWon) {
				s.Fatalf("ended as %s: %v, want ErrCancelWon", state, err)
			}
		}
		if err := s.Release(s.Context(), chat.Release{TaskID: c.ID, Attempt: c.Attempt}); !errors.Is(err, chat.ErrCancelWon) {
			s.Fatalf("queued again: %v, want ErrCancelWon", err)
		}
		if s.wantState(c.ID, chat.TaskRunning); s.answer(c.ID).Content != "" {
			s.Fatal("a refused result stored its text")
		}
		r := doneResult(c, "so far")
		r.State, r.FinishReason = chat.TaskCancelled, "cancelled"
		s.must(s.Finish(s.Context(), r))
		if task := s.wantState(c.ID, chat.TaskCancelled); task.CancelRequested || s.answer(c.ID).Content != "so far" {
			s.Fatalf("ended as %+v", task)
		}
		if _, won, err := s.Cancel(s.Context(), owner, c.ID); err != nil || !won {
			s.Fatalf("repeated: won %v, %v", won, err)
		}
	},

	"has no effect after another outcome": func(s *suite) {
		for _, state := range []chat.TaskState{chat.TaskDone, chat.TaskFailed, chat.TaskInterrupted} {
			c := s.claimNew()
			r := doneResult(c, "text")
			r.State = state
			s.must(s.Finish(s.Context(), r))
			task, won, err := s.Cancel(s.Context(), owner, c.ID)
			s.must(err)
			if won || task.State != state || task.CancelRequested {
				s.Fatalf("won %v against %s: %+v", won, state, task)
			}
		}
	},

	"and finish have one winner": func(s *suite) {
		for range 20 {
			c := s.claimNew()
			var won bool
			var cancelErr, finishErr error
			start := make(chan struct{})
			var wg sync.WaitGroup
			wg.Go(func() { <-start; _, won, cancelErr = s.Cancel(s.Context(), owner, c.ID) })
			wg.Go(func() { <-start; finishErr = s.Finish(s.Context(), doneResult(c, "text")) })
			close(start)
			wg.Wait()
			s.must(cancelErr)
			switch {
			case won && errors.Is(finishErr, chat.ErrCancelWon):
				s.wantState(c.ID, chat.TaskRunning)
				s.must(s.Finish(s.Context(), chat.Result{TaskID: c.ID, Attempt: c.Attempt, State: chat.TaskCancelled}))
			case !won && finishErr == nil:
				s.wantState(c.ID, chat.TaskDone)
			default:
				s.Fatalf("cancel won: %v; finish: %v", won, finishErr)
			}
		}
	},
}

var finishTests = map[string]func(*suite){
	"every outcome is stored completely": func(s *suite) {
		for _, state := range []chat.TaskState{chat.TaskDone, chat.TaskFailed, chat.TaskCancelled, chat.TaskInterrupted} {
			c := s.claimNew()
			r := doneResult(c, "text of "+string(state))
			r.State, r.Parts = state, chat.AnswerParts("thoughts", 2500, "because")
			r.Notices = []string{"seed was left out", "so were the pictures:\nnone is taken"}
			if state == chat.TaskFailed || state == chat.TaskInterrupted {
				r.Err, r.Usage = chat.Retryable(chat.Errorf(chat.CodeProviderIdle, "silence")), nil
			}
			s.must(s.Finish(s.Context(), r))
			task := s.wantState(c.ID, state)
			if task.Attempt != 1 || task.ChunkCount != 5 || task.FinishReason != "stop" || task.Worker != "" {
				s.Errorf("task %+v", task)
			}
			if (task.Error != nil) != (r.Err != nil) || task.Error != nil && (task.Error.Code != r.Err.Code || !task.Error.Retryable || task.Error.Message != "silence") {
				s.Errorf("error %+v, want %+v", task.Error, r.Err)
			}
			if (task.Usage != nil) != (r.Usage != nil) || task.Usage != nil && *task.Usage != *r.Usage {
				s.Errorf("usage %+v, want %+v", task.Usage, r.Usage)
			}
			m := s.answer(c.ID)
			notices := []string{"seed was left out", "so were the pictures: none is taken"}
			if !slices.Equal(task.Notices, notices) || !slices.Equal(m.Notices, notices) {
				s.Errorf("notices %q of the task, %q of the message", task.Notices, m.Notices)
			}
			if !m.Parts.Equal(r.Parts) || m.Content != "because" || m.Reasoning != "thoughts" || m.ReasoningMS != 2500 || m.State != state || m.UpdatedAt.Before(m.CreatedAt) {
				s.Errorf("message %+v", m)
			}
		}
	},

	"a state that is not terminal is refused": func(s *suite) {
		c := s.claimNew()
		for _, state := range []chat.TaskState{chat.TaskQueued, chat.TaskRunning, ""} {
			r := doneResult(c, "x")
			r.State = state
			s.wantCode(s.Finish(s.Context(), r), chat.CodeInternal)
			s.wantCode(s.EndExpired(s.Context(), r), chat.CodeInternal)
		}
		s.wantState(c.ID, chat.TaskRunning)
	},

	"is fenced": func(s *suite) {
		queued := s.enqueue()
		fenced := func(what, id string, attempt int) {
			s.Helper()
			r := chat.Result{TaskID: id, Attempt: attempt, State: chat.TaskDone, Parts: chat.TextParts("stale")}
			if err := s.Finish(s.Context(), r); !errors.Is(err, chat.ErrFenced) {
				s.Errorf("finishing %s: %v, want ErrFenced", what, err)
			}
			if err := s.EndExpired(s.Context(), r); !errors.Is(err, chat.ErrFenced) {
				s.Errorf("ending %s: %v, want ErrFenced", what, err)
			}
			if id == queued.TaskID && attempt == 0 {
				return // it is queued already
			}
			if err := s.Release(s.Context(), chat.Release{TaskID: id, Attempt: attempt, Parts: chat.TextParts("stale")}); !errors.Is(err, chat.ErrFenced) {
				s.Errorf("queueing %s again: %v, want ErrFenced", what, err)
			}
		}
		fenced("a task without a claim", queued.TaskID, 0)
		fenced("a later attempt", queued.TaskID, 1)
		fenced("an unknown task", missingID, 1)
		fenced("nonsense", "\x00", 1)
		c := s.claim(1)[0]
		fenced("a later attempt", c.ID, 2)
		s.expireLeases()
		s.sweep()
		again := s.claim(1)[0]
		if again.Attempt != 2 {
			s.Fatalf("attempt %d, want 2", again.Attempt)
		}
		fenced("the earlier attempt", c.ID, 1)
		if m := s.answer(c.ID); m.Content != "" {
			s.Fatalf("a stale attempt wrote %q", m.Content)
		}
		s.must(s.Finish(s.Context(), doneResult(again, "fresh")))
		fenced("the earlier attempt, after the end", c.ID, 1)
		fenced("an ended task with another result", c.ID, 2)
		if m := s.answer(c.ID); m.Content != "fresh" {
			s.Fatalf("the answer became %q", m.Content)
		}
	},

	"can be repeated after a lost reply": func(s *suite) {
		c := s.claimNew()
		s.must(s.Finish(s.Context(), doneResult(c, "text")))
		first := s.task(c.ID)
		s.must(s.Finish(s.Context(), doneResult(c, "text")))
		if again := s.task(c.ID); !again.FinishedAt.Equal(*first.FinishedAt) {
			s.Fatal("the repetition changed the task")
		}
		longer := doneResult(c, "text")
		longer.ChunkCount++
		if err := s.Finish(s.Context(), longer); !errors.Is(err, chat.ErrFenced) {
			s.Fatalf("another result: %v, want ErrFenced", err)
		}
	},

	"has one winner": func(s *suite) {
		for range 10 {
			c := s.claimNew()
			errs := make([]error, 4)
			start := make(chan struct{})
			var wg sync.WaitGroup
			for i := range errs {
				wg.Go(func() {
					<-start
					r := doneResult(c, "text")
					r.ChunkCount = 10 + i
					errs[i] = s.Finish(s.Context(), r)
				})
			}
			close(start)
			wg.Wait()
			winners := 0
			for i, err := range errs {
				switch {
				case err == nil:
					winners++
					if task := s.task(c.ID); task.ChunkCount != 10+i {
						s.Errorf("%d and %d both won", 10+i, task.ChunkCount)
					}
				case !errors.Is(err, chat.ErrFenced):
					s.Error(err)
				}
			}
			if winners != 1 {
				s.Fatalf("%d winners", winners)
			}
		}
	},
}
