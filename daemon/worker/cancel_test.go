package worker_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chat"
	"chat/daemon/provider/providertest"
	"chat/daemon/worker"
	"chat/internal/services"
)

func (l *lab) cancel(acc chat.Accepted) bool {
	l.Helper()
	_, won, err := l.store.Cancel(l.Context(), owner, acc.TaskID)
	l.must(err)
	return won
}

func TestACancelledTaskThatWaitsIsNeverCalledFor(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{})
	cancelled := l.submit("never")
	for range 2 {
		if !l.cancel(cancelled) {
			t.Error("the cancel of a queued task did not win, or not twice")
		}
	}
	l.work(on{})
	other := l.submit("hello")
	l.endedAs(other, chat.TaskDone, providertest.Answer(1, 10))
	if calls := l.provider.Calls(); len(calls) != 1 || calls[0].Prompt != "hello" {
		t.Errorf("calls: %+v", calls)
	}
	if task := l.task(cancelled); task.State != chat.TaskCancelled || task.Attempt != 0 {
		t.Errorf("%+v", task)
	}
}

func TestACancelStopsARunningAnswer(t *testing.T) {
	t.Parallel()
	for name, hinted := range map[string]bool{"when the hint comes": true, "with the next renewal": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, setup{})
			w := l.work(on{opts: worker.Options{Renewal: 300 * time.Millisecond}})
			acc := l.submit("lie: chunks=1000 gate")
			l.provider.Step(5)
			l.logged(acc, providertest.Answer(1, 5))
			began := time.Now()
			if !l.cancel(acc) {
				t.Fatal("the cancel lost against nobody")
			}
			if hinted {
				w.Cancel(acc.TaskID)
			}
			l.calls("the provider's connection is closed", func(c []providertest.Call) bool { return c[0].Gone() })
			if took := time.Since(began); took > time.Second {
				t.Errorf("closed after %s", took)
			}
			task, _ := l.endedAs(acc, chat.TaskCancelled, providertest.Answer(1, 5))
			chunks := l.chunks(acc)
			if end := chunks[len(chunks)-1]; end.Type != chat.ChunkDone || end.FinishReason != "cancelled" || task.Error != nil {
				t.Errorf("the terminal chunk is %+v, the task's error %v", end, task.Error)
			}
			if !l.cancel(acc) {
				t.Error("a repeated cancel is told something else")
			}
			if len(l.provider.Calls()) != 1 || l.models.forgotten[acc.TaskID] != 1 {
				t.Errorf("%d calls, forgotten %v", len(l.provider.Calls()), l.models.forgotten)
			}
		})
	}
}

func TestACancelBeforeARetryWins(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{})
	l.work(on{opts: worker.Options{RetryBase: time.Minute, RetryLimit: time.Minute}})
	acc := l.submit("lie: cut=4")
	l.eventually("the task waits for its retry", func() bool { s := l.task(acc); return s.State == chat.TaskQueued && s.Attempt == 1 })
	if !l.cancel(acc) {
		t.Fatal("the cancel lost")
	}
	task, m := l.ended(acc)
	if task.State != chat.TaskCancelled || m.Content != providertest.Answer(1, 4) || len(l.provider.Calls()) != 1 {
		t.Errorf("%s with %q after %d calls", task.State, m.Content, len(l.provider.Calls()))
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
			l := newLab(t, setup{databaseURL: tc.url(t)})
			accepted := make([]chat.Accepted, tc.rounds)
			for i := range accepted {
				accepted[i] = l.submit(fmt.Sprintf("lie: chunks=5 pace=5ms tag=%d-", i))
			}
			w := l.work(on{opts: worker.Options{Concurrency: 8}})
			told := make([]chat.TaskState, tc.rounds)
			var won atomic.Int32
			var cancels sync.WaitGroup
			for i, acc := range accepted {
				cancels.Go(func() {
					l.sent(fmt.Sprintf("lie: chunks=5 pace=5ms tag=%d-", i), i%6)
					_, first, err := l.store.Cancel(t.Context(), owner, acc.TaskID)
					told[i] = chat.TaskDone
					if first {
						w.Cancel(acc.TaskID)
						told[i] = chat.TaskCancelled
						won.Add(1)
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
			cancels.Wait()
			for i, acc := range accepted {
				task, m := l.ended(acc)
				if task.State != told[i] {
					t.Errorf("the cancel was told %s, the task is %s", told[i], task.State)
				}
				l.endedAs(acc, task.State, m.Content)
			}
			t.Logf("%d of %d cancels won", won.Load(), tc.rounds)
			if len(l.provider.Calls()) != tc.rounds {
				t.Errorf("%d calls", len(l.provider.Calls()))
			}
		})
	}
}

// sent waits until the call with the prompt has sent so many tokens, or, for one
// more than it has, until it has ended.
func (l *lab) sent(prompt string, tokens int) {
	ctx, cancel := context.WithTimeout(l.Context(), patience)
	defer cancel()
	l.check(l.provider.Wait(ctx, func(calls []providertest.Call) bool {
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
	l := newLab(t, setup{script: func(attempt int) string {
		if attempt == 1 {
			return "lie:chunks=1000,gate"
		}
		return "lie:chunks=20"
	}})
	settled := make(chan struct{}, 1)
	first := l.work(on{id: "first", store: forgetful{l.store, settled}, opts: worker.Options{ShutdownTimeout: time.Millisecond}})
	acc := l.submit("hello")
	l.provider.Step(5)
	l.logged(acc, providertest.Answer(1, 5))
	first.Cancel(acc.TaskID)
	l.calls("the provider's connection is closed", func(c []providertest.Call) bool { return c[0].Gone() })
	l.within("the log is settled for the cancel", settled)
	first.kill()
	l.expire(func() bool { return l.task(acc).State == chat.TaskQueued })
	l.work(on{id: "second"})
	task, _ := l.endedAs(acc, chat.TaskDone, providertest.Answer(2, 20))
	if n := len(l.provider.Calls()); n != 2 || task.FinishReason != "stop" {
		t.Errorf("%d calls, %+v", n, task)
	}
}
