package worker_test

import (
	"testing"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/worker"
)

func TestAWorkerThatLostItsLeaseSaysNothingMore(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		renewal   time.Duration // of the old worker
		continues bool          // the provider continues to send
	}{
		"it learns that from its log":     {time.Minute, true},
		"it learns that from its renewal": {100 * time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{script: func(attempt int) string {
				if attempt == 1 {
					return "lie:chunks=1000,gate"
				}
				return "lie:chunks=20,pace=10ms"
			}})
			// Busy with its one task, the old worker cannot claim it again.
			h.work(workerOptions{id: "old", opts: worker.Options{Concurrency: 1, Renewal: tc.renewal, Lease: 10 * time.Minute}})
			acc := h.submit("hello")
			h.provider.Step(5)
			h.logged(acc, modeltest.Answer(1, 5))
			// An old worker that knows is free, and may claim the task again.
			h.expire(func() bool { t := h.task(acc); return t.State == chat.TaskQueued || t.Attempt > 1 })
			h.work(workerOptions{id: "new"})
			h.calls("the new worker calls", func(c []modeltest.Call) bool { return len(c) > 1 })
			if tc.continues {
				h.provider.Step(100)
			}
			h.calls("the old worker lets its provider go", func(c []modeltest.Call) bool { return c[0].Gone() })
			task, _ := h.endedAs(acc, chat.TaskDone, modeltest.Answer(2, 20))
			if task.Attempt != 2 || len(h.provider.Calls()) != 2 {
				t.Errorf("attempt %d, %d calls", task.Attempt, len(h.provider.Calls()))
			}
		})
	}
}

func TestTheTaskOfADeadWorkerIsMadeAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	acc := h.submit("hello")
	h.write(h.abandon(acc), false, "half an ans")
	h.expire(func() bool { return h.task(acc).State == chat.TaskQueued })
	h.work(workerOptions{})
	task, _ := h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 10))
	if task.Attempt != 2 || h.chunks(acc)[1].Type != chat.ChunkReset {
		t.Errorf("attempt %d, log %s", task.Attempt, formatChunks(h.chunks(acc)))
	}
}

func TestAnAnswerThatWasReceivedWholeIsNotBoughtAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	acc := h.submit("hello")
	h.write(h.abandon(acc), true, "the whole answer")
	h.expire(func() bool { return h.task(acc).State == chat.TaskQueued })
	h.work(workerOptions{})
	task, _ := h.endedAs(acc, chat.TaskDone, "the whole answer")
	if len(h.provider.Calls()) != 0 || task.FinishReason != "stop" || task.Attempt != 2 {
		t.Errorf("%d calls, %+v", len(h.provider.Calls()), task)
	}
}

func TestAShutdownIsNoFailedAttempt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{script: func(attempt int) string {
		if attempt <= 3 {
			return "lie:hang=4"
		}
		return "lie:status=503"
	}})
	acc := h.submit("hello")
	for n := 1; n <= 3; n++ {
		w := h.work(workerOptions{id: "w" + string(rune('0'+n)), opts: worker.Options{Drain: time.Millisecond}})
		h.logged(acc, modeltest.Answer(n, 4))
		w.stop()
		task := h.task(acc)
		if task.State != chat.TaskQueued || task.Attempt != n {
			t.Fatalf("after shutdown %d: %s, attempt %d", n, task.State, task.Attempt)
		}
		if workers, err := h.store.Workers(t.Context()); err != nil || len(workers) != 0 {
			t.Errorf("after shutdown %d there are workers: %v (%v)", n, workers, err)
		}
	}
	h.work(workerOptions{})
	task, _ := h.endedAs(acc, chat.TaskInterrupted, modeltest.Answer(1, 4))
	if n := len(h.provider.Calls()); n != 3+chat.MaxAttempts || task.Attempt != n {
		t.Errorf("%d calls, attempt %d: the shutdowns were counted", n, task.Attempt)
	}
}

func TestAKilledWorkerReleasesItsTasksImmediately(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	w := h.work(workerOptions{opts: worker.Options{Drain: time.Hour}})
	acc := h.submit("lie: hang=2")
	h.logged(acc, modeltest.Answer(1, 2))
	began := time.Now()
	w.kill()
	if task := h.task(acc); task.State != chat.TaskQueued || time.Since(began) > 3*time.Second {
		t.Errorf("%s after %s", task.State, time.Since(began))
	}
	if m := h.answer(acc); m.Content != modeltest.Answer(1, 2) {
		t.Errorf("what was received is lost: %q", m.Content)
	}
}

func TestAShutdownLetsRunningAnswersFinish(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	w := h.work(workerOptions{opts: worker.Options{Drain: time.Minute}})
	acc := h.submit("lie: chunks=10 gate")
	h.provider.Step(5)
	h.logged(acc, modeltest.Answer(1, 5))
	ended := make(chan struct{})
	go func() {
		w.stop()
		close(ended)
	}()
	late := h.submit("too late")
	h.provider.Step(5)
	h.within("the worker ends", ended)
	h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 10))
	if task := h.task(late); task.State == chat.TaskRunning {
		t.Errorf("a task was left %s behind", task.State)
	}
}

func TestTheSweeperEndsWhatNoWorkerWill(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text   string
		cancel bool
		state  chat.TaskState
		code   chat.Code
	}{
		"with what the log holds": {"half an answer", false, chat.TaskInterrupted, chat.CodeAttemptsSpent},
		"without any text":        {"", false, chat.TaskFailed, chat.CodeAttemptsSpent},
		"as cancelled":            {"half an answer", true, chat.TaskCancelled, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{})
			acc := h.submit("a message that kills its worker")
			for n := 1; ; n++ {
				c := h.abandon(acc)
				if tc.text != "" {
					h.write(c, false, tc.text)
				}
				if c.LastAttempt {
					break
				}
				h.expire(func() bool { return h.task(acc).State == chat.TaskQueued })
			}
			if tc.cancel {
				h.cancel(acc)
			}
			h.expire(func() bool { return h.task(acc).State.Terminal() })
			task, m := h.ended(acc)
			if task.State != tc.state || m.Content != tc.text || task.Attempt != chat.MaxAttempts {
				t.Errorf("%s with %q after attempt %d", task.State, m.Content, task.Attempt)
			}
			if tc.code != "" && (task.Error == nil || task.Error.Code != tc.code || !task.Error.Retryable) {
				t.Errorf("error %+v", task.Error)
			}
			if len(h.provider.Calls()) != 0 {
				t.Error("the provider was called")
			}
		})
	}
}

func TestASweeperReplacesALostWakeUp(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	acc := h.submit("hello")
	h.must(h.rdb.FlushAll(t.Context()).Err())
	h.must(h.sweeper().Sweep(t.Context()))
	if id, err := h.queue.Wait(t.Context(), time.Second); id != acc.TaskID || err != nil {
		t.Errorf("heard %q, %v", id, err)
	}
}
