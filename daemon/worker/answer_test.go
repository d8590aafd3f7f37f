package worker_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/worker"
	"chat/internal/poll"
)

var silent = slog.New(slog.DiscardHandler)

func TestHowLongTheModelReasonedIsStored(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.work(workerOptions{})
	const least = 20 * time.Millisecond
	began := time.Now()
	acc := h.submit("lie: reasoning=1 chunks=2 gate")
	h.provider.Step(1)
	h.eventually("the reasoning is in the log", func() bool { return len(h.chunks(acc)) == 1 })
	poll.Pause(least)
	h.provider.Step(1)
	h.eventually("the content has begun", func() bool { return len(h.chunks(acc)) == 3 }) // one says how long
	begun := time.Since(began)
	poll.Pause(least) // which is not reasoning any more
	h.provider.Step(1)
	_, m := h.ended(acc)
	if took := time.Duration(m.ReasoningMS) * time.Millisecond; took < least || took > begun {
		t.Errorf("it has reasoned for %s, of at least %s and less than %s", took, least, begun)
	}
	acc = h.submit("lie: chunks=1 gate")
	h.provider.Step(1)
	if _, m := h.ended(acc); m.ReasoningMS != 0 {
		t.Errorf("without reasoning: %d ms", m.ReasoningMS)
	}
}

func TestAnAnswerIsWhatTheProviderSent(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.work(workerOptions{})
	acc := h.submit("lie: reasoning=3 chunks=20 split nul")
	h.ended(acc)
	call := h.provider.Calls()[0]
	task, m := h.endedAs(acc, chat.TaskDone, strings.ReplaceAll(call.Sent, "\x00", ""))
	if m.Reasoning != call.Reasoning || m.Model != "lying" || task.FinishReason != "stop" || task.Usage == nil || task.Usage.CompletionTokens == 0 {
		t.Errorf("reasoning %q, model %q, task %+v", m.Reasoning, m.Model, task)
	}
	if len(h.provider.Calls()) != 1 || task.Attempt != 1 {
		t.Errorf("%d calls, attempt %d", len(h.provider.Calls()), task.Attempt)
	}
	for _, key := range []string{names.Chunks(acc.TaskID), names.Metadata(acc.TaskID)} {
		if ttl := h.rdb.TTL(t.Context(), key).Val(); ttl <= 0 {
			t.Errorf("%s has a TTL of %s", key, ttl)
		}
	}
	h.eventually("the credentials are forgotten", func() bool {
		h.models.mu.Lock()
		defer h.models.mu.Unlock()
		return h.models.deleted[acc.TaskID] == 1
	})
}

func TestTheThreadIsSent(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.work(workerOptions{})
	first := h.submit("hello")
	h.endedAs(first, chat.TaskDone, modeltest.Answer(1, 10))
	second, _, err := h.store.Submit(t.Context(), owner, chat.Submission{ConversationID: first.ConversationID, Content: "and now?"}, chat.SubmitOptions{})
	h.must(err)
	h.endedAs(second, chat.TaskDone, modeltest.Answer(2, 10))
	if call := h.provider.Calls()[1]; call.Messages != 3 || call.Prompt != "and now?" {
		t.Errorf("the second call had %d messages, the last %q", call.Messages, call.Prompt)
	}
}

// What the first attempt had to leave out is said at the end of the second, which knows
// from the start.
func TestNoticesOutliveTheirAttempt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.work(workerOptions{})
	acc := h.submit("lie: strict cut=2 fail=2")
	h.endedAs(acc, chat.TaskDone, modeltest.Answer(3, 10))
	task, chunks := h.task(acc), h.chunks(acc)
	end := chunks[len(chunks)-1]
	if len(task.Notices) != 1 || !strings.Contains(task.Notices[0], "stream_options") || !slices.Equal(end.Notices, task.Notices) {
		t.Errorf("the task has %q, the end %q", task.Notices, end.Notices)
	}
	acc = h.submit("lie: strict status=418")
	h.endedAs(acc, chat.TaskFailed, "")
	if task := h.task(acc); len(task.Notices) != 0 {
		t.Errorf("an answer that was not made has %q", task.Notices)
	}
}

// gatedStore holds Finish until it is let go.
type gatedStore struct {
	worker.Store
	asked, pass chan struct{}
}

func (s gatedStore) Finish(ctx context.Context, r chat.Result) error {
	s.asked <- struct{}{}
	<-s.pass
	return s.Store.Finish(ctx, r)
}

func TestTheTerminalChunkComesAfterTheCommit(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	gate := gatedStore{h.store, make(chan struct{}, 1), make(chan struct{})}
	h.work(workerOptions{store: gate})
	acc := h.submit("lie: chunks=5")
	h.within("the commit begins", gate.asked)
	chunks := h.chunks(acc)
	if said(chunks) != modeltest.Answer(1, 5) || chunks[len(chunks)-1].Terminal() || h.task(acc).State != chat.TaskRunning {
		t.Errorf("before the commit the log has %s", formatChunks(chunks))
	}
	if reason := h.rdb.HGet(t.Context(), names.Metadata(acc.TaskID), "finish_reason").Val(); reason != "stop" {
		t.Errorf("before the commit the log is settled as %q: the answer could not be salvaged", reason)
	}
	close(gate.pass)
	h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 5))
}

func TestRefusalsAreFinal(t *testing.T) {
	t.Parallel()
	for directive, code := range map[string]chat.Code{
		"status=401": chat.CodeProviderAuth, "status=403": chat.CodeProviderAuth, "status=404": chat.CodeProviderModel,
		"status=400": chat.CodeProviderRefused, "status=422": chat.CodeProviderRefused,
		"status=429 kind=insufficient_quota": chat.CodeProviderQuota,
	} {
		t.Run(directive, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{})
			h.work(workerOptions{})
			acc := h.submit("lie: " + directive)
			task, _ := h.endedAs(acc, chat.TaskFailed, "")
			if task.Error == nil || task.Error.Code != code || len(h.provider.Calls()) != 1 {
				t.Errorf("%+v after %d calls, want %s after one", task.Error, len(h.provider.Calls()), code)
			}
			if end := h.chunks(acc)[0]; end.Type != chat.ChunkError || end.Code != code || end.Content == "" {
				t.Errorf("the terminal chunk is %+v", end)
			}
		})
	}
}

func TestAFailureThatMayPassIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, directive := range []string{
		"status=503", "status=500", "status=408", "status=409", "status=429", "cut=5", "abort=5", "rst=5", "cut=0", "nofinish nodone",
	} {
		t.Run(directive, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{script: func(attempt int) string {
				if attempt == 1 {
					return "lie:" + strings.ReplaceAll(directive, " ", ",")
				}
				return "lying"
			}})
			h.work(workerOptions{})
			acc := h.submit("hello")
			task, _ := h.endedAs(acc, chat.TaskDone, modeltest.Answer(2, 10))
			if calls := h.provider.Calls(); len(calls) != 2 || task.Attempt != 2 || task.Error != nil {
				t.Errorf("%d calls, attempt %d, error %v", len(calls), task.Attempt, task.Error)
			}
			chunks := h.chunks(acc)
			resets := 0
			for _, c := range chunks {
				if c.Type == chat.ChunkReset {
					resets++
				}
			}
			if resets != 1 {
				t.Errorf("%d resets in %s", resets, formatChunks(chunks))
			}
		})
	}
}

func TestWhenAttemptsRunOutTheLongestTextIsKept(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		scripts []string
		state   chat.TaskState
		want    string
		code    chat.Code
	}{
		"the first is the longest": {[]string{"cut=8", "cut=3", "cut=5"}, chat.TaskInterrupted, modeltest.Answer(1, 8), chat.CodeProviderCut},
		"the second is":            {[]string{"cut=2", "cut=7", "status=500"}, chat.TaskInterrupted, modeltest.Answer(2, 7), chat.CodeProviderServer},
		"the last is":              {[]string{"cut=2", "cut=4", "cut=6"}, chat.TaskInterrupted, modeltest.Answer(3, 6), chat.CodeProviderCut},
		"there is none":            {[]string{"status=503", "status=503", "status=503"}, chat.TaskFailed, "", chat.CodeProviderServer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{script: func(attempt int) string { return "lie:" + tc.scripts[attempt-1] }})
			h.work(workerOptions{})
			acc := h.submit("hello")
			task, _ := h.endedAs(acc, tc.state, tc.want)
			if len(h.provider.Calls()) != chat.MaxAttempts || task.Attempt != chat.MaxAttempts {
				t.Errorf("%d calls, attempt %d", len(h.provider.Calls()), task.Attempt)
			}
			if task.Error == nil || task.Error.Code != tc.code || !task.Error.Retryable {
				t.Errorf("error %+v, want %s", task.Error, tc.code)
			}
		})
	}
}

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.work(workerOptions{})
	acc := h.submit("lie: status=429 retry=1 fail=1")
	h.endedAs(acc, chat.TaskDone, modeltest.Answer(2, 10))
	calls := h.provider.Calls()
	if gap := calls[1].Began.Sub(calls[0].Ended); gap < time.Second || gap > 4*time.Second {
		t.Errorf("the second call came %s after a refusal that asked for 1s", gap)
	}
}

func TestADeadlineEndsTheAnswerAndKeepsItsText(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.work(workerOptions{})
	acc := h.submit("lie: hang=3", func(s *chat.Submission) { s.DeadlineSeconds = 1 })
	task, _ := h.endedAs(acc, chat.TaskInterrupted, modeltest.Answer(1, 3))
	if task.Error == nil || task.Error.Code != chat.CodeDeadline || len(h.provider.Calls()) != 1 {
		t.Errorf("%+v after %d calls", task.Error, len(h.provider.Calls()))
	}
	h.calls("the provider's connection is closed", func(c []modeltest.Call) bool { return c[0].Gone() })
}

// A model that leaves out the opening tag of its reasoning is found out at the closing
// one: what was given out as the answer is taken back, and given out again.
func TestReasoningThatLookedLikeTheAnswerIsTakenBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.work(workerOptions{opts: worker.Options{Checkpoint: time.Millisecond}})
	acc := h.submit("lie: reasoning=3 chunks=2 names=unopened gate")
	const least = 20 * time.Millisecond
	for n := range 3 {
		h.provider.Step(1)
		h.eventually("the token is in the log", func() bool { return len(h.chunks(acc)) > n })
	}
	poll.Pause(least)
	h.provider.Step(2)
	_, m := h.ended(acc)
	call := h.provider.Calls()[0]
	h.endedAs(acc, chat.TaskDone, call.Sent)
	if m.Content != call.Sent || m.Reasoning != call.Reasoning || time.Duration(m.ReasoningMS)*time.Millisecond < least {
		t.Errorf("%q, %q, %d ms; sent %q, %q", m.Content, m.Reasoning, m.ReasoningMS, call.Sent, call.Reasoning)
	}
	chunks := h.chunks(acc)
	for i, c := range chunks {
		if c.Position() != (chat.Position{Attempt: 1, Index: i}) || (c.Type == chat.ChunkReset) != (i == 3) {
			t.Errorf("chunk %d is %+v", i, c)
		}
	}
	if chunks[0].Type != chat.ChunkContent || chunks[4].Type != chat.ChunkReasoning || chunks[4].Content != call.Reasoning {
		t.Errorf("taken back: %+v, %+v", chunks[0], chunks[4])
	}
	// It is known now.
	again := h.submit("lie: reasoning=3 chunks=2 names=unopened")
	h.ended(again)
	h.endedAs(again, chat.TaskDone, h.provider.Calls()[1].Sent)
	if first := h.chunks(again)[0]; first.Type != chat.ChunkReasoning {
		t.Errorf("the next time it begins with %+v", first)
	}
}

// The same over a failing attempt, a list that is lost, and one that is salvaged.
func TestReasoningThatIsTakenBackSurvivesFailures(t *testing.T) {
	t.Parallel()
	for name, lie := range map[string]string{
		"cut behind the tag": "lie: reasoning=3 chunks=4 names=unopened cut=2 fail=1",
		"cut before the tag": "lie: reasoning=3 chunks=4 names=unopened abort=0 fail=1",
	} {
		h := newHarness(t, setup{})
		h.work(workerOptions{opts: worker.Options{RetryBase: time.Millisecond}})
		acc := h.submit(lie)
		h.ended(acc)
		call := h.provider.Calls()[1]
		task, m := h.endedAs(acc, chat.TaskDone, call.Sent)
		if task.Attempt != 2 || m.Reasoning != call.Reasoning {
			t.Errorf("%s: attempt %d, %q", name, task.Attempt, m.Reasoning)
		}
	}
	h := newHarness(t, setup{})
	h.work(workerOptions{opts: worker.Options{RetryBase: time.Millisecond}})
	acc := h.submit("lie: reasoning=3 chunks=4 names=unopened cut=2")
	h.ended(acc)
	if task, m := h.endedAs(acc, chat.TaskInterrupted, modeltest.Answer(3, 2)); m.Reasoning != h.provider.Calls()[2].Reasoning {
		t.Errorf("kept of %+v: %q", task, m.Reasoning)
	}
	h = newHarness(t, setup{})
	h.work(workerOptions{})
	acc = h.submit("lie: reasoning=2 chunks=3 names=unopened gate")
	h.provider.Step(3)
	h.logged(acc, modeltest.Token(1, 0))
	h.must(h.rdb.FlushAll(t.Context()).Err())
	h.provider.Step(2)
	h.ended(acc)
	h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 3))
}
