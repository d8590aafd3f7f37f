package worker_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/worker"
	"chat/internal/services"
)

func (h *harness) cancel(acc chat.Accepted) bool {
	h.Helper()
	_, won, err := h.store.Cancel(h.Context(), owner, acc.TaskID)
	h.must(err)
	return won
}

func TestACancelledTaskThatWaitsIsNeverCalledFor(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	cancelled := h.submit("never")
	for range 2 {
		if !h.cancel(cancelled) {
			t.Error("the cancel of a queued task did not win, or not twice")
		}
	}
	h.work(workerOptions{})
	other := h.submit("hello")
	h.endedAs(other, chat.TaskDone, modeltest.Answer(1, 10))
	if calls := h.provider.Calls(); len(calls) != 1 || calls[0].Prompt != "hello" {
		t.Errorf("calls: %+v", calls)
	}
	if task := h.task(cancelled); task.State != chat.TaskCancelled || task.Attempt != 0 {
		t.Errorf("%+v", task)
	}
}

func TestACancelStopsARunningAnswer(t *testing.T) {
	t.Parallel()
	for name, hinted := range map[string]bool{"when the hint comes": true, "with the next renewal": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{})
			w := h.work(workerOptions{opts: worker.Options{Renewal: 300 * time.Millisecond}})
			acc := h.submit("lie: chunks=1000 gate")
			h.provider.Step(5)
			h.logged(acc, modeltest.Answer(1, 5))
			began := time.Now()
			if !h.cancel(acc) {
				t.Fatal("the cancel lost although nothing ended the task")
			}
			if hinted {
				w.Cancel(acc.TaskID)
			}
			h.calls("the provider's connection is closed", func(c []modeltest.Call) bool { return c[0].Gone() })
			if took := time.Since(began); took > time.Second {
				t.Errorf("closed after %s", took)
			}
			task, _ := h.endedAs(acc, chat.TaskCancelled, modeltest.Answer(1, 5))
			chunks := h.chunks(acc)
			if end := chunks[len(chunks)-1]; end.Type != chat.ChunkDone || end.FinishReason != "cancelled" || task.Error != nil {
				t.Errorf("the terminal chunk is %+v, the task's error %v", end, task.Error)
			}
			if !h.cancel(acc) {
				t.Error("a repeated cancel returned another result")
			}
			if len(h.provider.Calls()) != 1 || h.models.deleted[acc.TaskID] != 1 {
				t.Errorf("%d calls, deleted %v", len(h.provider.Calls()), h.models.deleted)
			}
		})
	}
}

func TestACancelBeforeARetryWins(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.work(workerOptions{opts: worker.Options{RetryBase: time.Minute, RetryLimit: time.Minute}})
	acc := h.submit("lie: cut=4")
	h.eventually("the task waits for its retry", func() bool { s := h.task(acc); return s.State == chat.TaskQueued && s.Attempt == 1 })
	if !h.cancel(acc) {
		t.Fatal("the cancel lost")
	}
	task, m := h.ended(acc)
	if task.State != chat.TaskCancelled || m.Content != modeltest.Answer(1, 4) || len(h.provider.Calls()) != 1 {
		t.Errorf("%s with %q after %d calls", task.State, m.Content, len(h.provider.Calls()))
	}
}

func TestCancelAndFinishHaveOneWinner(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		url    func(*testing.T) string
		rounds int
	}{
		"SQLite":     {func(*testing.T) string { return "" }, 12},
		"PostgreSQL": {func(t *testing.T) string { return services.Postgres(t) }, 40},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{databaseURL: tc.url(t)})
			accepted := make([]chat.Accepted, tc.rounds)
			for i := range accepted {
				accepted[i] = h.submit(fmt.Sprintf("lie: chunks=5 pace=5ms tag=%d-", i))
			}
			w := h.work(workerOptions{opts: worker.Options{Concurrency: 8}})
			outcomes := make([]chat.TaskState, tc.rounds)
			var won atomic.Int32
			var cancels sync.WaitGroup
			for i, acc := range accepted {
				cancels.Go(func() {
					h.sent(fmt.Sprintf("lie: chunks=5 pace=5ms tag=%d-", i), i%6)
					_, first, err := h.store.Cancel(t.Context(), owner, acc.TaskID)
					outcomes[i] = chat.TaskDone
					if first {
						w.Cancel(acc.TaskID)
						outcomes[i] = chat.TaskCancelled
						won.Add(1)
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
			cancels.Wait()
			for i, acc := range accepted {
				task, m := h.ended(acc)
				if task.State != outcomes[i] {
					t.Errorf("the cancel returned %s, the task is %s", outcomes[i], task.State)
				}
				h.endedAs(acc, task.State, m.Content)
			}
			t.Logf("%d of %d cancels won", won.Load(), tc.rounds)
			if len(h.provider.Calls()) != tc.rounds {
				t.Errorf("%d calls", len(h.provider.Calls()))
			}
		})
	}
}

// sent waits until the call with the prompt has sent so many tokens, or, for one
// more than it has, until it has ended.
func (h *harness) sent(prompt string, tokens int) {
	ctx, cancel := context.WithTimeout(h.Context(), testTimeout)
	defer cancel()
	h.check(h.provider.Wait(ctx, func(calls []modeltest.Call) bool {
		for _, c := range calls {
			if c.Prompt == prompt {
				return c.Tokens >= max(tokens, 1) || c.End != ""
			}
		}
		return false
	}))
}

// forgetful is a store that commits no result, and says when it was to.
type forgetful struct {
	worker.Store
	asked chan struct{}
}

func (f forgetful) Finish(context.Context, chat.Result) error {
	select {
	case f.asked <- struct{}{}:
	default:
	}
	return chat.Retryable(chat.Errorf(chat.CodeUnavailable, "the database cannot be reached"))
}

// TestACancelThatTheDatabaseLostIsNoWholeAnswer: a worker has stopped for a cancel and
// says so in the log, and then the database loses the cancel (a replica without it
// takes over) before the worker can commit. What was received is no answer.
func TestACancelThatTheDatabaseLostIsNoWholeAnswer(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{script: func(attempt int) string {
		if attempt == 1 {
			return "lie:chunks=1000,gate"
		}
		return "lie:chunks=20"
	}})
	settled := make(chan struct{}, 1)
	first := h.work(workerOptions{id: "first", store: forgetful{h.store, settled}, opts: worker.Options{ShutdownTimeout: time.Millisecond}})
	acc := h.submit("hello")
	h.provider.Step(5)
	h.logged(acc, modeltest.Answer(1, 5))
	first.Cancel(acc.TaskID)
	h.calls("the provider's connection is closed", func(c []modeltest.Call) bool { return c[0].Gone() })
	h.within("the log is settled for the cancel", settled)
	first.kill()
	h.expire(func() bool { return h.task(acc).State == chat.TaskQueued })
	h.work(workerOptions{id: "second"})
	task, _ := h.endedAs(acc, chat.TaskDone, modeltest.Answer(2, 20))
	if n := len(h.provider.Calls()); n != 2 || task.FinishReason != "stop" {
		t.Errorf("%d calls, %+v", n, task)
	}
}
