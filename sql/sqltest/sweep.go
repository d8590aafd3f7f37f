package sqltest

import (
	"errors"
	"sync"
	"time"

	"chat"
)

var sweepTests = map[string]func(*suite){
	"changes no live lease": func(s *suite) {
		c := s.claimNew()
		requeued, spent := s.sweep()
		if len(requeued)+len(spent) != 0 {
			s.Fatalf("swept %v and %v", requeued, spent)
		}
		if err := s.EndExpired(s.Context(), doneResult(c, "x")); !errors.Is(err, chat.ErrFenced) {
			s.Fatalf("ended under a live lease: %v", err)
		}
		s.wantState(c.ID, chat.TaskRunning)
	},

	"requeues a task whose lease has expired": func(s *suite) {
		c := s.claimNew()
		n, err := s.ReleaseLeases(s.Context())
		if err != nil || n != 1 {
			s.Fatalf("released %d leases, %v", n, err)
		}
		requeued, spent := s.sweep()
		if len(requeued) != 1 || len(spent) != 0 || requeued[0].ID != c.ID || requeued[0].Worker != worker || requeued[0].Attempt != 1 {
			s.Fatalf("swept %+v and %+v", requeued, spent)
		}
		s.wantState(c.ID, chat.TaskQueued)
		if again := s.claim(1)[0]; again.Attempt != 2 || !again.StartedAt.Equal(*c.StartedAt) {
			s.Fatalf("claimed again as %+v", again)
		}
	},

	"a late finish wins before another claim": func(s *suite) {
		c := s.claimNew()
		s.expireLeases()
		s.must(s.Finish(s.Context(), doneResult(c, "just in time")))
		if requeued, spent := s.sweep(); len(requeued)+len(spent) != 0 {
			s.Fatalf("swept %v and %v", requeued, spent)
		}
		s.wantState(c.ID, chat.TaskDone)
	},

	"returns a task without attempts as spent": func(s *suite) {
		c := s.exhaustAttempts()
		if c.Attempt != chat.MaxAttempts {
			s.Fatalf("the last attempt is %d, want %d", c.Attempt, chat.MaxAttempts)
		}
		for range 2 {
			requeued, spent := s.sweep()
			if len(requeued) != 0 || len(spent) != 1 || spent[0].ID != c.ID || spent[0].Attempt != c.Attempt {
				s.Fatalf("swept %+v and %+v", requeued, spent)
			}
		}
		s.wantState(c.ID, chat.TaskRunning)
		lost := chat.Errorf(chat.CodeAttemptsSpent, "lost")
		s.must(s.EndExpired(s.Context(), chat.Result{TaskID: c.ID, Attempt: c.Attempt, State: chat.TaskInterrupted, Parts: chat.TextParts("what the log held"), Err: lost, ChunkCount: 3}))
		task := s.wantState(c.ID, chat.TaskInterrupted)
		if task.Error == nil || task.Error.Code != lost.Code || task.ChunkCount != 3 || s.answer(c.ID).Content != "what the log held" {
			s.Fatalf("ended as %+v", task)
		}
		if requeued, spent := s.sweep(); len(requeued)+len(spent) != 0 {
			s.Fatal("an ended task was swept")
		}
	},

	"keeps the longer text": func(s *suite) {
		for _, tt := range []struct {
			saved, given, want string
			chunks             int
		}{
			{"saved by an attempt", "short", "saved by an attempt", 0},
			{"short", "longer in the log", "longer in the log", 4},
			{"", "", "", 4},
		} {
			s.enqueue()
			s.must(s.Release(s.Context(), release(s.claim(1)[0], true, tt.saved, "")))
			for range 2 {
				s.claim(1)
				s.expireLeases()
				s.sweep()
			}
			_, spent := s.sweep()
			r := chat.Result{TaskID: spent[0].ID, Attempt: spent[0].Attempt, State: chat.TaskInterrupted, Parts: chat.TextParts(tt.given), ChunkCount: 4, Err: chat.Errorf(chat.CodeAttemptsSpent, "lost")}
			s.must(s.EndExpired(s.Context(), r))
			s.must(s.EndExpired(s.Context(), r)) // after a lost reply
			state := chat.TaskInterrupted
			if tt.want == "" {
				state = chat.TaskFailed // no text was received
			}
			if task := s.wantState(r.TaskID, state); s.answer(r.TaskID).Content != tt.want || task.ChunkCount != tt.chunks {
				s.Errorf("saved %q, given %q: kept %q, %d chunks", tt.saved, tt.given, s.answer(r.TaskID).Content, task.ChunkCount)
			}
		}
	},

	"a complete answer replaces a longer saved text": func(s *suite) {
		s.enqueue()
		s.must(s.Release(s.Context(), release(s.claim(1)[0], true, "a long text that was cut", "with long thoughts")))
		for range chat.MaxAttempts - 1 {
			s.claim(1)
			s.expireLeases()
			s.sweep()
		}
		_, spent := s.sweep()
		r := chat.Result{TaskID: spent[0].ID, Attempt: spent[0].Attempt, State: chat.TaskDone, Parts: chat.TextParts("whole"), FinishReason: "stop", ChunkCount: 4}
		s.must(s.EndExpired(s.Context(), r))
		s.must(s.EndExpired(s.Context(), r)) // after a lost reply
		task, m := s.wantState(r.TaskID, chat.TaskDone), s.answer(r.TaskID)
		if m.Content != "whole" || m.Reasoning != "" || task.ChunkCount != 4 || task.FinishReason != "stop" {
			s.Fatalf("ended as %+v with %q and %q", task, m.Content, m.Reasoning)
		}
	},

	"a cancel keeps the longer text, even over a complete answer": func(s *suite) {
		s.enqueue()
		s.must(s.Release(s.Context(), release(s.claim(1)[0], true, "a long text that was cut", "")))
		c := s.claim(1)[0]
		_, _, err := s.Cancel(s.Context(), owner, c.ID)
		s.must(err)
		s.expireLeases()
		s.must(s.EndExpired(s.Context(), doneResult(c, "whole")))
		task := s.wantState(c.ID, chat.TaskCancelled)
		if m := s.answer(c.ID); m.Content != "a long text that was cut" || task.ChunkCount != 0 {
			s.Fatalf("ended as %+v with %q", task, m.Content)
		}
	},

	"a requested cancel ends the task of a dead worker": func(s *suite) {
		c := s.claimNew()
		_, _, err := s.Cancel(s.Context(), owner, c.ID)
		s.must(err)
		s.expireLeases()
		requeued, spent := s.sweep()
		if len(requeued) != 0 || len(spent) != 1 || !spent[0].CancelRequested {
			s.Fatalf("swept %+v and %+v", requeued, spent)
		}
		r := chat.Result{TaskID: c.ID, Attempt: c.Attempt, State: chat.TaskInterrupted, Parts: chat.TextParts("so far"), Err: chat.Errorf(chat.CodeAttemptsSpent, "lost")}
		s.must(s.EndExpired(s.Context(), r))
		task := s.wantState(c.ID, chat.TaskCancelled)
		if task.Error != nil || task.FinishReason != "cancelled" || s.answer(c.ID).Content != "so far" {
			s.Fatalf("ended as %+v", task)
		}
	},

	"a renewed lease prevents the end": func(s *suite) {
		c := s.exhaustAttempts()
		if leases, err := s.Renew(s.Context(), worker, []string{c.ID}); err != nil || len(leases) != 1 {
			s.Fatalf("renewed %v, %v", leases, err)
		}
		if err := s.EndExpired(s.Context(), doneResult(c, "x")); !errors.Is(err, chat.ErrFenced) {
			s.Fatalf("ended under a renewed lease: %v", err)
		}
		s.must(s.Finish(s.Context(), doneResult(c, "alive after all")))
	},

	"concurrent sweeps requeue each task once": func(s *suite) {
		const count = 20
		for range count {
			s.enqueue()
		}
		s.claim(count)
		s.expireLeases()
		var mu sync.Mutex
		swept := map[string]int{}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				requeued, _, err := s.Sweep(s.Context())
				if err != nil {
					s.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, t := range requeued {
					swept[t.ID]++
				}
			})
		}
		wg.Wait()
		for id, n := range swept {
			if n != 1 {
				s.Errorf("%s was swept %d times", id, n)
			}
		}
		if len(swept) != count {
			s.Fatalf("%d swept, want %d", len(swept), count)
		}
	},
}

var workerTests = map[string]func(*suite){
	"are listed while they send heartbeats": func(s *suite) {
		started := time.Now().UTC().Truncate(time.Microsecond)
		w := chat.Worker{ID: worker, Host: "h", PID: 42, Version: "v1", Concurrency: 8, StartedAt: started}
		s.must(s.Heartbeat(s.Context(), w))
		w.Running = 3 // its own count
		s.must(s.Heartbeat(s.Context(), w))
		s.claimNew()
		w.Running = 1 // the store counts tasks
		s.must(s.Heartbeat(s.Context(), chat.Worker{ID: "worker-2", StartedAt: started.Add(time.Second)}))
		list, err := s.Workers(s.Context())
		s.must(err)
		if len(list) != 2 || list[1].ID != "worker-2" {
			s.Fatalf("listed %+v", list)
		}
		if ago := time.Since(list[0].SeenAt); ago > time.Minute || ago < -time.Minute {
			s.Errorf("seen %v ago", ago)
		}
		w.SeenAt = list[0].SeenAt
		if list[0] != w {
			s.Errorf("listed %+v, want %+v", list[0], w)
		}
		s.must(s.RemoveWorker(s.Context(), worker))
		s.must(s.RemoveWorker(s.Context(), worker))
		if list, err = s.Workers(s.Context()); err != nil || len(list) != 1 {
			s.Fatalf("after its end: %+v, %v", list, err)
		}
	},

	"an open database answers a ping": func(s *suite) {
		s.must(s.Ping(s.Context()))
	},
}
