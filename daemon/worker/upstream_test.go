package worker_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/transport"
	"chat/daemon/worker"
)

func words(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("word %d ", i)
	}
	return out
}

// started is the beginning of an answer of ten words whose upstream waits after four.
func started(t *testing.T) (h *harness, upstream *modeltest.Background, text string) {
	t.Helper()
	reply := modeltest.Reply{Content: words(10)}
	upstream = modeltest.NewBackground(t, reply)
	upstream.Hold(7) // after created, in_progress, item.added and four words
	return newHarness(t, setup{background: upstream}), upstream, reply.Text()
}

var firstWords = strings.Join(words(4), "")

// However a worker ends in the middle of an answer, the next attempt finishes it, and the
// provider makes no other.
func TestAnAnswerOfAnotherAttemptIsFinished(t *testing.T) {
	t.Parallel()
	for name, end := range endings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, upstream, text := started(t)
			old := h.oldWorker()
			acc := h.submit("hello")
			h.logged(acc, firstWords)
			end(h, acc, old)
			h.work(workerOptions{id: "new"})
			h.eventually("the new worker reads", func() bool { return upstream.Connections() == 2 })
			upstream.Hold(0)
			task, _ := h.endedAs(acc, chat.TaskDone, text)
			if task.Attempt != 2 || upstream.Started() != 1 || len(upstream.Cancelled()) != 0 {
				t.Errorf("attempt %d, %d answers, cancelled %v", task.Attempt, upstream.Started(), upstream.Cancelled())
			}
		})
	}
}

func TestACancelIsPassedOn(t *testing.T) {
	t.Parallel()
	h, upstream, _ := started(t)
	w := h.work(workerOptions{})
	acc := h.submit("hello")
	h.logged(acc, firstWords)
	h.cancel(acc)
	w.Cancel(acc.TaskID)
	h.endedAs(acc, chat.TaskCancelled, firstWords)
	if len(upstream.Cancelled()) != 1 {
		t.Error("the provider goes on")
	}
}

func TestAnAttemptAfterAFailedUpstreamAsksAnew(t *testing.T) {
	t.Parallel()
	h, upstream, text := started(t)
	good := upstream.Reply
	upstream.Reply = func(n int) modeltest.Reply {
		if n == 1 {
			return modeltest.Reply{Content: words(2), Status: "failed", Error: "server_error"}
		}
		return good(n)
	}
	upstream.Hold(0)
	h.work(workerOptions{})
	acc := h.submit("hello")
	task, _ := h.endedAs(acc, chat.TaskDone, text)
	if task.Attempt != 2 || upstream.Started() != 2 {
		t.Errorf("attempt %d, %d answers", task.Attempt, upstream.Started())
	}
}

func TestAnUpstreamThatBeginsAgainIsFollowed(t *testing.T) {
	t.Parallel()
	h, upstream, _ := started(t)
	reply := modeltest.Reply{Voided: words(3), Reasoning: []string{"now ", "then"}, Content: words(5)}
	upstream.Reply = func(int) modeltest.Reply { return reply }
	upstream.Hold(0)
	h.work(workerOptions{})
	acc := h.submit("hello")
	if task, m := h.endedAs(acc, chat.TaskDone, reply.Text()); task.Attempt != 1 || m.Reasoning != "now then" {
		t.Errorf("attempt %d, reasoning %q", task.Attempt, m.Reasoning)
	}
}

// When no attempt is left, the provider is told so, once.
func TestTheLastAttemptEndsTheUpstream(t *testing.T) {
	t.Parallel()
	upstream := modeltest.NewBackground(t, modeltest.Reply{Content: words(10)})
	upstream.Hold(7)
	h := newHarness(t, setup{background: upstream, limits: transport.Limits{Headers: testTimeout, FirstToken: testTimeout, Idle: 50 * time.Millisecond}})
	h.work(workerOptions{})
	acc := h.submit("hello")
	task, _ := h.endedAs(acc, chat.TaskInterrupted, firstWords)
	if task.Attempt != chat.MaxAttempts || upstream.Started() != 1 || len(upstream.Cancelled()) != 1 {
		t.Errorf("attempt %d, %d answers, cancelled %v", task.Attempt, upstream.Started(), upstream.Cancelled())
	}
}

// The same holds where no worker is left to do it.
func TestASweeperThatEndsATaskEndsTheUpstream(t *testing.T) {
	t.Parallel()
	h, upstream, _ := started(t)
	acc := h.submit("hello")
	claim := h.abandon(acc)
	for e, err := range h.models.Stream(t.Context(), claim.Task, modeltest.Ask("hello")) {
		h.must(err)
		if e.Upstream != "" {
			h.must(h.store.SetUpstream(t.Context(), claim.ID, claim.Attempt, e.Upstream))
			break
		}
	}
	h.cancel(acc)
	h.expire(func() bool { return h.task(acc).State.Terminal() })
	if state := h.task(acc).State; state != chat.TaskCancelled || upstream.Started() != 1 || len(upstream.Cancelled()) != 1 {
		t.Errorf("the task is %s; %d answers, cancelled %v", state, upstream.Started(), upstream.Cancelled())
	}
}

// flaky is a store that cannot be reached when an upstream is to be stored, for some time.
type flaky struct {
	worker.Store
	left atomic.Int32
}

func (f *flaky) SetUpstream(ctx context.Context, taskID string, attempt int, upstream string) error {
	if f.left.Add(-1) >= 0 {
		return chat.Retryable(chat.Errorf(chat.CodeUnavailable, "the database cannot be reached"))
	}
	return f.Store.SetUpstream(ctx, taskID, attempt, upstream)
}

func TestAnAnswerWaitsUntilItCanBeFoundAgain(t *testing.T) {
	t.Parallel()
	h, upstream, text := started(t)
	upstream.Hold(0)
	store := &flaky{Store: h.store}
	store.left.Store(2)
	h.work(workerOptions{store: store})
	acc := h.submit("hello")
	h.endedAs(acc, chat.TaskDone, text)
	if task := h.task(acc); task.Upstream == "" || store.left.Load() >= 0 {
		t.Errorf("stored %q", task.Upstream)
	}
}
