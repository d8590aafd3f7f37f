package worker_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/worker"
)

const (
	wrong = `{"n":"one"}`
	right = `{"n":1}`
)

// says is a directive for one answer with that text.
func says(text string) string { return "chunks=1 text=" + url.QueryEscape(text) }

// asNumber asks for an object with a number n.
func asNumber(sub *chat.Submission) {
	sub.Parameters = &chat.Parameters{Format: &chat.Format{
		Schema: []byte(`{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}`), Repair: true,
	}}
}

// corrections waits until the provider has got n requests, of which the last is for a
// correction, and checks that SQL has the answer before.
func (h *harness) corrections(acc chat.Accepted, n int) {
	h.Helper()
	calls := h.calls("a correction is asked for", func(c []modeltest.Call) bool { return len(c) == n })
	if last := calls[n-1]; last.Messages != 3 || !strings.Contains(last.Prompt, "- /n: got string, want integer") {
		h.Errorf("the request: %+v", last)
	}
	if m := h.answer(acc); m.Content != wrong {
		h.Errorf("SQL has %q meanwhile", m.Content)
	}
}

func TestAnAnswerIsCorrected(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.work(workerOptions{})
	acc := h.submit("lie: "+says(wrong)+" then "+says(right), asNumber)
	task, m := h.endedAs(acc, chat.TaskDone, right)
	chunks := h.chunks(acc)
	if task.Error != nil || m.Error != nil || chunks[1].Type != chat.ChunkReset || chunks[1].Attempt != 1 || task.Usage == nil || task.Usage.TotalTokens != 16 {
		t.Errorf("%+v, usage %+v, log %s", task, task.Usage, formatChunks(chunks))
	}
	if len(task.Notices) != 1 || !strings.Contains(task.Notices[0], "/n: got string, want integer") {
		t.Errorf("notices %q", task.Notices)
	}
	acc = h.submit("lie: "+says(wrong)+" then "+says("no"), asNumber)
	task, m = h.endedAs(acc, chat.TaskDone, "no")
	chunks = h.chunks(acc)
	end := chunks[len(chunks)-1]
	if m.Error == nil || m.Error.Code != chat.CodeFormatMismatch || end.Mismatch() == nil || *end.Mismatch() != *task.Error || task.FinishReason != "stop" {
		t.Errorf("%+v, %+v, end %+v", task.Error, m.Error, end)
	}
}

// However a worker ends between an answer and its correction, the task has exactly one end, with
// a correction that one worker has read whole.
func TestAWorkerThatEndsDuringACorrection(t *testing.T) {
	t.Parallel()
	for name, end := range endings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{})
			old := h.oldWorker()
			acc := h.submit("lie: "+says(wrong)+" then fail=1 hang=0 "+says(right), asNumber)
			h.corrections(acc, 2)
			end(h, acc, old)
			h.work(workerOptions{id: "new"})
			task, _ := h.endedAs(acc, chat.TaskDone, right)
			if n := len(h.provider.Calls()); n != 4 || task.Attempt != 2 || task.Error != nil {
				t.Errorf("%d requests, attempt %d, %v", n, task.Attempt, task.Error)
			}
		})
	}
}

// Whatever ends a correction early, the answer before it is kept.
func TestACorrectionThatEndsEarly(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		then  string
		end   func(*harness, chat.Accepted, *runningWorker)
		state chat.TaskState
	}{
		"cancelled": {"hang=2", func(h *harness, acc chat.Accepted, w *runningWorker) {
			h.corrections(acc, 2)
			h.cancel(acc)
			w.Cancel(acc.TaskID)
		}, chat.TaskCancelled},
		"at its deadline": {"hang=2", nil, chat.TaskDone},
		"by the provider": {"error=2", nil, chat.TaskDone},
		"without a text":  {"empty", nil, chat.TaskDone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{})
			w := h.work(workerOptions{opts: worker.Options{Deadline: 2 * time.Second}})
			acc := h.submit("lie: "+says(wrong)+" then "+tc.then, asNumber)
			if tc.end != nil {
				tc.end(h, acc, w)
			}
			task, m := h.endedAs(acc, tc.state, wrong)
			if tc.state == chat.TaskDone && (m.Error == nil || m.Error.Code != chat.CodeFormatMismatch || len(task.Notices) != 2) {
				t.Errorf("%+v, notices %q", m.Error, task.Notices)
			}
			if n := len(h.provider.Calls()); n != 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// A complete answer that another attempt left is checked, and not made again.
func TestACompleteAnswerOfADeadWorkerIsChecked(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*harness, chat.Accepted){
		"by the next worker": func(h *harness, acc chat.Accepted) {
			h.expire(func() bool { return h.task(acc).State == chat.TaskQueued })
			h.work(workerOptions{})
		},
		"by the sweeper": func(h *harness, acc chat.Accepted) {
			for range chat.MaxAttempts - 1 {
				h.expire(func() bool { return h.task(acc).State == chat.TaskQueued })
				h.abandon(acc)
			}
			h.expire(func() bool { return h.task(acc).State.Terminal() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for text, code := range map[string]chat.Code{wrong: chat.CodeFormatMismatch, right: ""} {
				h := newHarness(t, setup{})
				acc := h.submit("hello", asNumber)
				h.write(h.abandon(acc), true, text)
				end(h, acc)
				task, m := h.ended(acc)
				if got := chat.CodeOf(asError(task.Error)); got != code || task.State != chat.TaskDone || m.Content != text || len(h.provider.Calls()) != 0 {
					t.Errorf("%s: %s, %v, %q", text, task.State, task.Error, m.Content)
				}
			}
		})
	}
}

// asError is an error without the type of a nil one.
func asError(e *chat.Error) error {
	if e == nil {
		return nil
	}
	return e
}

// A provider that keeps its answers makes the answer and its correction once each, also if a
// worker dies between the two.
func TestCorrectionsAtAProviderThatKeepsAnswers(t *testing.T) {
	t.Parallel()
	upstream := modeltest.NewBackground(t, modeltest.Reply{})
	upstream.Reply = func(n int) modeltest.Reply {
		return modeltest.Reply{Content: []string{[]string{wrong, right}[min(n, 2)-1]}}
	}
	upstream.Cut = func(n int) int { return map[bool]int{true: 1, false: -1}[n == 2] } // the correction, once
	h := newHarness(t, setup{background: upstream})
	old := h.work(workerOptions{id: "old"})
	acc := h.submit("hello", asNumber)
	h.eventually("the correction is asked for", func() bool { return upstream.Started() == 2 })
	old.kill()
	h.work(workerOptions{id: "new"})
	h.endedAs(acc, chat.TaskDone, right)
	if n := upstream.Started(); n != 2 {
		t.Errorf("%d answers were made", n)
	}
}
