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
	begun = "Once upon a time a fox met a cr"
	ended = "ow, and the crow sang."
)

// cutAnswer submits a message whose answer is cut, and returns how it was accepted. then is the
// directive of the continuation.
func (h *harness) cutAnswer(then string) chat.Accepted {
	h.Helper()
	acc := h.submit("lie: finish=length " + says(begun) + " then " + then)
	h.endedAs(acc, chat.TaskDone, begun)
	return acc
}

// resume accepts the continuation of an answer.
func (h *harness) resume(acc chat.Accepted) chat.Accepted {
	h.Helper()
	again, _, err := h.store.Regenerate(h.Context(), owner, acc.MessageID, chat.Regeneration{Continue: true}, chat.SubmitOptions{})
	h.must(err)
	_ = h.queue.Notify(h.Context(), chat.PriorityNormal, again.TaskID) // the worker polls
	return again
}

func TestACutAnswerIsContinued(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]string{
		"exactly":                   says(ended),
		"with the last words again": says("a fox met a cr" + ended),
		"with everything again":     says(begun + ended),
		"with an introduction":      says("Sure, continuing:\n\n" + ended),
		"after reasoning":           "reasoning=3 " + says(ended),
		"after reasoning in tags":   "reasoning=3 names=tags " + says(ended),
		"after unmarked reasoning":  "reasoning=3 names=unopened " + says(ended),
		"in a second attempt":       "fail=1 cut=0 " + says(ended),
		"not streamed":              "json " + says(ended),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{})
			h.work(workerOptions{})
			first := h.cutAnswer(then)
			acc := h.resume(first)
			task, m := h.endedAs(acc, chat.TaskDone, begun+ended)
			if task.Continues != first.MessageID || task.Usage == nil || m.FinishReason != "stop" || len(m.Parts) != 1 || acc.MessageID == first.MessageID {
				t.Errorf("task %+v, message %+v", task, m)
			}
			chunks := h.chunks(acc)
			if name == "exactly" && (!strings.HasPrefix(chunks[0].Content, begun) || chunks[0].Attempt != 1) {
				t.Errorf("the log: %s", formatChunks(chunks))
			}
			if old := h.answer(first); old.Content != begun || old.FinishReason != "length" {
				t.Errorf("the old answer: %+v", old)
			}
			calls := h.provider.Calls()
			if last := calls[len(calls)-1]; last.Messages != 3 || !strings.Contains(last.Prompt, "fox met a cr") {
				t.Errorf("the request: %+v", last)
			}
		})
	}
}

// Whatever ends a continuation early, it keeps at least the text with which it begins.
func TestAContinuationThatEndsEarly(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		then  string
		end   func(*harness, chat.Accepted, *runningWorker)
		state chat.TaskState
		want  string
	}{
		"cancelled": {"chunks=2 hang=1 text=ow", func(h *harness, acc chat.Accepted, w *runningWorker) {
			h.logged(acc, begun+"ow")
			h.cancel(acc)
			w.Cancel(acc.TaskID)
		}, chat.TaskCancelled, begun + "ow"},
		"cancelled before its first text": {"hang=0", func(h *harness, acc chat.Accepted, w *runningWorker) {
			h.logged(acc, begun)
			h.cancel(acc)
			w.Cancel(acc.TaskID)
		}, chat.TaskCancelled, begun},
		"at its deadline":      {"chunks=2 hang=1 text=ow", nil, chat.TaskInterrupted, begun + "ow"},
		"by the provider":      {"status=400", nil, chat.TaskInterrupted, begun},
		"in all its attempts":  {"status=500", nil, chat.TaskInterrupted, begun},
		"by cuts":              {"chunks=3 text=ow cut=1", nil, chat.TaskInterrupted, begun + "ow"},
		"without a text":       {"empty", nil, chat.TaskInterrupted, begun},
		"with a repetition":    {says("a fox met a cr"), nil, chat.TaskDone, begun},
		"by another limit":     {"finish=length " + says("ow, a"), nil, chat.TaskDone, begun + "ow, a"},
		"within its reasoning": {"finish=length reasoning=3 chunks=0", nil, chat.TaskDone, begun},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{})
			w := h.work(workerOptions{opts: worker.Options{Deadline: 2 * time.Second}})
			acc := h.resume(h.cutAnswer(tc.then))
			if tc.end != nil {
				tc.end(h, acc, w)
			}
			h.endedAs(acc, tc.state, tc.want)
			if again := h.answer(acc); again.Continuable() != nil && name != "with a repetition" {
				t.Errorf("it cannot be continued again: %v", again.Continuable())
			}
		})
	}
}

// A task that no worker has begun is stopped with the text that it was to continue.
func TestAContinuationThatNeverBegan(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	w := h.work(workerOptions{})
	first := h.cutAnswer(says(ended))
	w.stop()
	acc := h.resume(first)
	if m := h.answer(acc); m.Content != begun || m.State != chat.TaskQueued {
		t.Errorf("queued: %+v", m)
	}
	h.cancel(acc)
	if task, m := h.ended(acc); task.State != chat.TaskCancelled || m.Content != begun {
		t.Errorf("%s: %+v", task.State, m)
	}
	// The same for a claim whose worker is asked to stop before it has read anything.
	acc = h.resume(first)
	h.abandon(acc)
	h.cancel(acc)
	h.expire(func() bool { return h.task(acc).State.Terminal() })
	if task, m := h.ended(acc); task.State != chat.TaskCancelled || m.Content != begun {
		t.Errorf("%s: %+v", task.State, m)
	}
}

// A worker that dies during a continuation loses nothing: the next attempt begins with the same
// text after a reset.
func TestAWorkerThatEndsDuringAContinuation(t *testing.T) {
	t.Parallel()
	for name, end := range endings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{})
			old := h.oldWorker()
			acc := h.resume(h.cutAnswer("fail=1 chunks=2 hang=1 text=" + url.QueryEscape("ow!")))
			h.logged(acc, begun+"ow!")
			end(h, acc, old)
			h.work(workerOptions{id: "new"})
			task, _ := h.endedAs(acc, chat.TaskDone, begun+"ow!ow!")
			chunks := h.chunks(acc)
			if task.Attempt != 2 || !strings.HasPrefix(chunks[0].Content, begun) || !resetThen(chunks, begun) {
				t.Errorf("attempt %d, the log %s", task.Attempt, formatChunks(chunks))
			}
		})
	}
}

// resetThen reports whether the text follows the only reset.
func resetThen(chunks []chat.Chunk, text string) bool {
	for i, c := range chunks {
		if c.Type == chat.ChunkReset {
			return strings.HasPrefix(chunks[i+1].Content, text) && chunks[i+1].Attempt == 2
		}
	}
	return false
}

// A structured answer is checked as a whole, and the model is not asked for another one in the
// provider's own form.
func TestAStructuredAnswerIsContinued(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		then, want string
		mismatch   bool
	}{
		"its rest":              {says("tter\",\"n\":1}"), `{"unused":"le` + `tter","n":1}`, false},
		"all of it":             {says(`{"unused":"letter","n":1}`), `{"unused":"letter","n":1}`, false},
		"all of it in a fence":  {says("```json\n{\"unused\":\"letter\",\"n\":1}\n```"), `{"unused":"letter","n":1}`, false},
		"a rest that violates":  {says(`tter","n":"one"}`), `{"unused":"letter","n":"one"}`, true},
		"an end that is missed": {"finish=length " + says("tter"), `{"unused":"letter`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{})
			h.work(workerOptions{})
			first := h.submit("lie: finish=length "+says(`{"unused":"le`)+" then formats=none "+tc.then, asNumber, func(sub *chat.Submission) { sub.Parameters.Format.Repair = false })
			h.endedAs(first, chat.TaskDone, `{"unused":"le`)
			task, _ := h.endedAs(h.resume(first), chat.TaskDone, tc.want)
			if (task.Error != nil) != tc.mismatch {
				t.Errorf("%v, notices %q", task.Error, task.Notices)
			}
		})
	}
}

func TestWhatCannotBeContinued(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.work(workerOptions{})
	for directive, want := range map[string]string{
		"lie: chunks=1": "the answer is complete",
		"lie: finish=length reasoning=3 chunks=0": "within its reasoning",
		"lie: status=400":                         "no text to continue",
		"lie: chunks=1 finish=content_filter":     "content filter",
		"lie: chunks=1 finish=tool_calls tool=f":  "asked for a tool",
	} {
		acc := h.submit(directive)
		h.ended(acc)
		_, _, err := h.store.Regenerate(h.Context(), owner, acc.MessageID, chat.Regeneration{Continue: true}, chat.SubmitOptions{})
		if !chat.IsCode(err, chat.CodeConflict) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "chat retry") {
			t.Errorf("%s: %v", directive, err)
		}
	}
	acc := h.submit("lie: hang=1")
	h.calls("it runs", func(c []modeltest.Call) bool { return len(c) > 0 && c[len(c)-1].Tokens == 1 })
	if _, _, err := h.store.Regenerate(h.Context(), owner, acc.MessageID, chat.Regeneration{Continue: true}, chat.SubmitOptions{}); !chat.IsCode(err, chat.CodeBusy) {
		t.Errorf("running: %v", err)
	}
	if _, _, err := h.store.Regenerate(h.Context(), owner, acc.UserMessageID, chat.Regeneration{Continue: true}, chat.SubmitOptions{}); err == nil {
		t.Error("a user's message is continued")
	}
	if _, _, err := h.store.Regenerate(h.Context(), "bob", acc.MessageID, chat.Regeneration{Continue: true}, chat.SubmitOptions{}); !chat.IsCode(err, chat.CodeNotFound) {
		t.Errorf("another user's: %v", err)
	}
}
