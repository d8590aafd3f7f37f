package worker_test

import (
	"strings"
	"testing"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/worker"
)

// enqueue stores a task of a kind that reads a conversation up to an answer.
func (h *harness) enqueue(kind chat.TaskKind, after chat.Accepted) chat.Accepted {
	h.Helper()
	id, made, err := h.store.Enqueue(h.Context(), owner, chat.KindTask{Kind: kind, ConversationID: after.ConversationID, LastMessageID: after.MessageID})
	h.must(err)
	if !made {
		h.Fatalf("there is a %s already", kind)
	}
	_ = h.queue.Notify(h.Context(), chat.PriorityNormal, id)
	return chat.Accepted{TaskID: id, ConversationID: after.ConversationID}
}

func (h *harness) summaries(acc chat.Accepted) []chat.Summary {
	h.Helper()
	list, err := h.store.Summaries(h.Context(), owner, acc.ConversationID)
	h.must(err)
	return list
}

func TestATaskOfAKindIsMadeAsAnAnswerIs(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.work(workerOptions{})
	acc := h.submit("lie: then status=500 fail=1")
	h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 10))

	sum := h.enqueue(chat.KindSummary, acc)
	task, _ := h.endedAs(sum, chat.TaskDone, modeltest.Answer(3, 10))
	if task.Attempt != 2 || task.Usage == nil {
		t.Errorf("it was not retried, or has no usage: %+v", task)
	}
	if got := h.summaries(acc); len(got) != 1 || got[0].ID != sum.TaskID || got[0].Text != modeltest.Answer(3, 10) || got[0].MessageID != acc.MessageID {
		t.Errorf("summaries %+v", got)
	}
	calls := h.provider.Calls()
	if last := calls[len(calls)-1]; !strings.Contains(last.Prompt, "Summarize") {
		t.Errorf("the model was asked: %q", last.Prompt)
	}
}

func TestATaskOfAKindThatIsStoppedChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	w := h.work(workerOptions{})
	acc := h.submit("lie: then chunks=1000 gate")
	h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 10))
	sum := h.enqueue(chat.KindSummary, acc)
	h.provider.Step(5)
	h.logged(sum, modeltest.Answer(2, 5))
	if !h.cancel(sum) {
		t.Fatal("the cancel lost")
	}
	w.Cancel(sum.TaskID)
	h.endedAs(sum, chat.TaskCancelled, modeltest.Answer(2, 5))
	if got := h.summaries(acc); len(got) != 0 {
		t.Errorf("summaries %+v", got)
	}
}

func TestAnIncompleteTextOfAKindIsNotUsed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.work(workerOptions{})
	acc := h.submit("lie: then finish=length")
	h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 10))
	sum := h.enqueue(chat.KindSummary, acc)
	task, _ := h.endedAs(sum, chat.TaskInterrupted, modeltest.Answer(2, 10))
	if task.Error == nil || !strings.Contains(task.Error.Message, "no complete summary") {
		t.Errorf("the error is %v", task.Error)
	}
	if got := h.summaries(acc); len(got) != 0 {
		t.Errorf("summaries %+v", got)
	}
}

func TestASweeperUsesTheCompleteTextOfATaskOfAKind(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	w := h.work(workerOptions{opts: worker.Options{}})
	acc := h.submit("hello")
	h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 10))
	w.stop()
	sum := h.enqueue(chat.KindSummary, acc)
	for n := range chat.MaxAttempts {
		h.write(h.abandon(sum), n == chat.MaxAttempts-1, "the sum")
		h.expire(func() bool { s := h.task(sum).State; return s == chat.TaskQueued || s.Terminal() })
	}
	if task := h.task(sum); task.State != chat.TaskDone {
		t.Errorf("ended as %s", task.State)
	}
	if got := h.summaries(acc); len(got) != 1 || got[0].Text != "the sum" {
		t.Errorf("summaries %+v", got)
	}
}
