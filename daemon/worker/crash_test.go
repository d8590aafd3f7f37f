package worker_test

import (
	"testing"
	"time"

	"chat"
	"chat/daemon/provider/providertest"
	"chat/daemon/worker"
)

func TestAWorkerThatLostItsLeaseSaysNothingMore(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		renewal time.Duration // of the old worker
		goesOn  bool          // whether its provider goes on sending
	}{
		"it learns that from its log":     {time.Minute, true},
		"it learns that from its renewal": {100 * time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, setup{script: func(attempt int) string {
				if attempt == 1 {
					return "lie:chunks=1000,gate"
				}
				return "lie:chunks=20,pace=10ms"
			}})
			// Busy with its one task, the old worker cannot claim it again.
			l.work(on{id: "old", opts: worker.Options{Concurrency: 1, Renewal: tc.renewal, Lease: 10 * time.Minute}})
			acc := l.submit("hello")
			l.provider.Step(5)
			l.logged(acc, providertest.Answer(1, 5))
			// An old worker that knows is free, and may claim the task again.
			l.expire(func() bool { t := l.task(acc); return t.State == chat.TaskQueued || t.Attempt > 1 })
			l.work(on{id: "new"})
			l.calls("the new worker calls", func(c []providertest.Call) bool { return len(c) > 1 })
			if tc.goesOn {
				l.provider.Step(100)
			}
			l.calls("the old worker lets its provider go", func(c []providertest.Call) bool { return c[0].Gone() })
			task, _ := l.endedAs(acc, chat.TaskDone, providertest.Answer(2, 20))
			if task.Attempt != 2 || len(l.provider.Calls()) != 2 {
				t.Errorf("attempt %d, %d calls", task.Attempt, len(l.provider.Calls()))
			}
		})
	}
}

func TestTheTaskOfADeadWorkerIsMadeAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{})
	acc := l.submit("hello")
	l.write(l.abandon(acc), false, "half an ans")
	l.expire(func() bool { return l.task(acc).State == chat.TaskQueued })
	l.work(on{})
	task, _ := l.endedAs(acc, chat.TaskDone, providertest.Answer(1, 10))
	if task.Attempt != 2 || l.chunks(acc)[1].Type != chat.ChunkReset {
		t.Errorf("attempt %d, log %s", task.Attempt, told(l.chunks(acc)))
	}
}

func TestAnAnswerThatWasReceivedWholeIsNotBoughtAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{})
	acc := l.submit("hello")
	l.write(l.abandon(acc), true, "the whole answer")
	l.expire(func() bool { return l.task(acc).State == chat.TaskQueued })
	l.work(on{})
	task, _ := l.endedAs(acc, chat.TaskDone, "the whole answer")
	if len(l.provider.Calls()) != 0 || task.FinishReason != "stop" || task.Attempt != 2 {
		t.Errorf("%d calls, %+v", len(l.provider.Calls()), task)
	}
}

func TestAShutdownIsNoFailedAttempt(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{script: func(attempt int) string {
		if attempt <= 3 {
			return "lie:hang=4"
		}
		return "lie:status=503"
	}})
	acc := l.submit("hello")
	for n := 1; n <= 3; n++ {
		w := l.work(on{id: "w" + string(rune('0'+n)), opts: worker.Options{Drain: time.Millisecond}})
		l.logged(acc, providertest.Answer(n, 4))
		w.stop()
		task := l.task(acc)
		if task.State != chat.TaskQueued || task.Attempt != n {
			t.Fatalf("after shutdown %d: %s, attempt %d", n, task.State, task.Attempt)
		}
		if workers, err := l.store.Workers(t.Context()); err != nil || len(workers) != 0 {
			t.Errorf("after shutdown %d there are workers: %v (%v)", n, workers, err)
		}
	}
	l.work(on{})
	task, _ := l.endedAs(acc, chat.TaskInterrupted, providertest.Answer(1, 4))
	if n := len(l.provider.Calls()); n != 3+chat.MaxAttempts || task.Attempt != n {
		t.Errorf("%d calls, attempt %d: the shutdowns were counted", n, task.Attempt)
	}
}

func TestAKilledWorkerHandsItsTasksBackAtOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{})
	w := l.work(on{opts: worker.Options{Drain: time.Hour}})
	acc := l.submit("lie: hang=2")
	l.logged(acc, providertest.Answer(1, 2))
	began := time.Now()
	w.kill()
	if task := l.task(acc); task.State != chat.TaskQueued || time.Since(began) > 3*time.Second {
		t.Errorf("%s after %s", task.State, time.Since(began))
	}
	if m := l.answer(acc); m.Content != providertest.Answer(1, 2) {
		t.Errorf("what was received is lost: %q", m.Content)
	}
}

func TestAShutdownLetsRunningAnswersFinish(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{})
	w := l.work(on{opts: worker.Options{Drain: time.Minute}})
	acc := l.submit("lie: chunks=10 gate")
	l.provider.Step(5)
	l.logged(acc, providertest.Answer(1, 5))
	ended := make(chan struct{})
	go func() {
		w.stop()
		close(ended)
	}()
	late := l.submit("too late")
	l.provider.Step(5)
	l.within("the worker ends", ended)
	l.endedAs(acc, chat.TaskDone, providertest.Answer(1, 10))
	if task := l.task(late); task.State == chat.TaskRunning {
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
			l := newLab(t, setup{})
			acc := l.submit("a message that kills its worker")
			for n := 1; ; n++ {
				c := l.abandon(acc)
				if tc.text != "" {
					l.write(c, false, tc.text)
				}
				if c.LastAttempt {
					break
				}
				l.expire(func() bool { return l.task(acc).State == chat.TaskQueued })
			}
			if tc.cancel {
				l.cancel(acc)
			}
			l.expire(func() bool { return l.task(acc).State.Terminal() })
			task, m := l.ended(acc)
			if task.State != tc.state || m.Content != tc.text || task.Attempt != chat.MaxAttempts {
				t.Errorf("%s with %q after attempt %d", task.State, m.Content, task.Attempt)
			}
			if tc.code != "" && (task.Error == nil || task.Error.Code != tc.code || !task.Error.Retryable) {
				t.Errorf("error %+v", task.Error)
			}
			if len(l.provider.Calls()) != 0 {
				t.Error("somebody called")
			}
		})
	}
}

func TestASweeperRingsForALostBell(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{})
	acc := l.submit("hello")
	l.must(l.rdb.FlushAll(t.Context()).Err())
	l.must(l.sweeper().Sweep(t.Context()))
	if id, err := l.queue.Wait(t.Context(), time.Second); id != acc.TaskID || err != nil {
		t.Errorf("heard %q, %v", id, err)
	}
}
