package worker_test

import (
	"fmt"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/worker"
	"chat/internal/services"
)

// limited is a harness with a worker and a provider whose model accepts few tokens.
func limited(t *testing.T, provider *modeltest.Narrow, s setup, o worker.Options) (*harness, *runningWorker) {
	s.limited = provider
	h := newHarness(t, s)
	return h, h.work(workerOptions{opts: o})
}

// talk sends a message after the newest one of a conversation, "" for a new one.
func (h *harness) talk(conversationID, content string) chat.Accepted {
	h.Helper()
	acc, _, err := h.store.Submit(h.Context(), owner, chat.Submission{ConversationID: conversationID, Content: content, Model: "limited"}, chat.SubmitOptions{})
	h.must(err)
	_ = h.queue.Notify(h.Context(), chat.PriorityNormal, acc.TaskID)
	return acc
}

// turns talks until a conversation has n more answers, each of which has to succeed.
func (h *harness) turns(conversationID string, n, size int) string {
	h.Helper()
	for i := range n {
		acc := h.talk(conversationID, fmt.Sprintf("question %d %s", i, strings.Repeat("words ", size/6)))
		conversationID = acc.ConversationID
		if task, m := h.ended(acc); task.State != chat.TaskDone || !strings.HasPrefix(m.Content, "answer ") {
			h.Fatalf("turn %d ended as %s: %v, %q", i, task.State, task.Error, m.Content)
		}
	}
	return conversationID
}

// messages returns the contents of a conversation.
func (h *harness) messages(conversationID string) []string {
	h.Helper()
	list, err := h.store.Messages(h.Context(), owner, conversationID)
	h.must(err)
	var out []string
	for _, m := range list {
		out = append(out, string(m.Role)+" "+m.ParentID+" "+m.Content)
	}
	return out
}

func TestALongConversationNeverFails(t *testing.T) {
	t.Parallel()
	for _, r := range modeltest.Refusals() {
		for name, known := range map[string]bool{"a known window": true, "an unknown window": false} {
			t.Run(r.Name+", "+name, func(t *testing.T) {
				t.Parallel()
				provider := modeltest.NewNarrow(t, 4000, r)
				h, _ := limited(t, provider, setup{}, worker.Options{})
				if known {
					h.models.LearnWindow(t.Context(), chat.Task{Model: "limited"}, 4000)
				}
				id := h.turns("", 40, 400)
				answered, refused, summaries, _ := provider.Counts()
				if summaries < 2 || summaries > 12 || answered != 40+summaries {
					t.Errorf("%d answers with %d summaries", answered, summaries)
				}
				if known && refused > 0 || !known && (refused == 0 || refused > 12) {
					t.Errorf("%d requests were refused", refused)
				}
				if n := len(h.messages(id)); n != 80 {
					t.Errorf("the conversation has %d messages", n)
				}
				if r.Name != "without numbers" && h.models.Window(t.Context(), chat.Task{Model: "limited"}) != 4000 {
					t.Errorf("learned %v", h.models.learned)
				}
			})
		}
	}
}

// A script of cmd/chat has 2,000 turns.
func TestHundredsOfTurnsOnBothDatabases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		turns int
		setup setup
	}{
		"SQLite":     {150, setup{}},
		"PostgreSQL": {150, setup{databaseURL: services.Postgres(t), redis: services.Redis(t)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider := modeltest.NewNarrow(t, 8000, modeltest.Refusals()[0])
			h, _ := limited(t, provider, c.setup, worker.Options{})
			id := h.turns("", c.turns, 100)
			_, refused, summaries, longest := provider.Counts()
			t.Logf("%d summaries, %d refused, at most %d tokens", summaries, refused, longest)
			if summaries < 2 || longest > 8000 {
				t.Errorf("%d summaries, %d tokens", summaries, longest)
			}
			list := h.messages(id)
			if len(list) != 2*c.turns {
				t.Errorf("the conversation has %d messages", len(list))
			}
			for i := range c.turns {
				if q, a := list[2*i], list[2*i+1]; !strings.Contains(q, fmt.Sprintf(" question %d ", i)) || !strings.Contains(a, " answer ") {
					t.Fatalf("turn %d has %q and %q", i, q, a)
				}
			}
		})
	}
}

// summaryTask waits for the task that an answer waits for.
func (h *harness) summaryTask(acc chat.Accepted) chat.Accepted {
	h.Helper()
	h.eventually("the answer waits for a summary", func() bool { return h.task(acc).WaitsFor != "" })
	task := h.task(acc)
	return chat.Accepted{TaskID: task.WaitsFor, ConversationID: task.ConversationID}
}

// full is a conversation whose next message needs a summary of a model that accepts 4,000
// tokens.
func (h *harness) full() (conversationID string) {
	h.Helper()
	h.models.LearnWindow(h.Context(), chat.Task{Model: "limited"}, 4000)
	return h.turns("", 14, 400)
}

func TestAnAnswerWaitsForTheSummaryWithoutASlot(t *testing.T) {
	t.Parallel()
	provider := modeltest.NewNarrow(t, 4000, modeltest.Refusals()[0])
	h, w := limited(t, provider, setup{}, worker.Options{Concurrency: 1})
	id := h.full()
	before := h.messages(id)
	waiting, release := provider.HoldSummaries()
	acc := h.talk(id, "one more "+strings.Repeat("words ", 600))
	h.within("the summary is being written", waiting)
	sum := h.summaryTask(acc)
	if task := h.task(sum); task.Kind != chat.KindSummary || task.State != chat.TaskRunning {
		t.Errorf("the summary is %+v", task)
	}
	if task := h.task(acc); task.State != chat.TaskQueued || w.Running() != 1 {
		t.Errorf("the answer is %s, and %d tasks run", task.State, w.Running())
	}
	release()
	task, m := h.ended(acc)
	h.endedAs(acc, chat.TaskDone, m.Content)
	if task.State != chat.TaskDone || !strings.HasPrefix(m.Content, "answer ") || task.Attempt != 2 {
		t.Errorf("ended as %+v: %q", task, m.Content)
	}
	if got, _ := h.ended(sum); got.Usage == nil || got.Usage.TotalTokens == 0 {
		t.Errorf("the summary has no usage: %+v", got)
	}
	after := h.messages(id)
	if len(after) != len(before)+2 || strings.Join(after[:len(before)], "\n") != strings.Join(before, "\n") {
		t.Error("the summary has changed the messages")
	}
}

func TestASummaryThatFailsOrIsStoppedChangesNothing(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]bool{"fails": false, "is stopped": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider := modeltest.NewNarrow(t, 4000, modeltest.Refusals()[0])
			h, w := limited(t, provider, setup{}, worker.Options{})
			id := h.full()
			want := "its summary failed"
			waiting, release := provider.HoldSummaries()
			if !stop {
				provider.FailSummaries(1)
				release()
			}
			acc := h.talk(id, "one more "+strings.Repeat("words ", 1000))
			if stop {
				want = "its summary was stopped"
				h.within("the summary is being written", waiting)
				sum := h.summaryTask(acc)
				h.cancel(sum)
				w.Cancel(sum.TaskID)
			}
			task, m := h.ended(acc)
			if task.State != chat.TaskFailed || !chat.IsCode(task.Error, chat.CodeProviderContext) || !strings.Contains(task.Error.Message, want) || m.Content != "" {
				t.Errorf("ended as %s: %v", task.State, task.Error)
			}
			if got := h.summaries(acc); len(got) != 0 {
				t.Errorf("summaries %+v", got)
			}
			release()
			again, _, err := h.store.Regenerate(t.Context(), owner, acc.MessageID, chat.Regeneration{}, chat.SubmitOptions{})
			h.must(err)
			if task, _ := h.ended(again); task.State != chat.TaskDone {
				t.Errorf("the next one ended as %s: %v", task.State, task.Error)
			}
		})
	}
}

func TestAnAnswerThatMayFitIsSentDespiteAFailedSummary(t *testing.T) {
	t.Parallel()
	provider := modeltest.NewNarrow(t, 4000, modeltest.Refusals()[0])
	h, _ := limited(t, provider, setup{}, worker.Options{})
	id := h.full()
	provider.FailSummaries(1)
	acc := h.talk(id, "one more "+strings.Repeat("words ", 500))
	sum := h.summaryTask(acc)
	if task, _ := h.ended(sum); task.State != chat.TaskFailed {
		t.Fatalf("the summary ended as %s", task.State)
	}
	if task, _ := h.ended(acc); task.State != chat.TaskDone {
		t.Errorf("ended as %s: %v", task.State, task.Error)
	}
}

func TestAWorkerThatDiesDuringASummary(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"SQLite": "", "PostgreSQL": services.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider := modeltest.NewNarrow(t, 4000, modeltest.Refusals()[0])
			h, w := limited(t, provider, setup{databaseURL: url, redis: services.Redis(t)}, worker.Options{})
			id := h.full()
			waiting, release := provider.HoldSummaries()
			acc := h.talk(id, "one more "+strings.Repeat("words ", 600))
			h.within("the summary is being written", waiting)
			sum := h.summaryTask(acc)
			w.kill()
			h.work(workerOptions{id: "w2"})
			release()
			if task, _ := h.ended(sum); task.State != chat.TaskDone || task.Attempt != 2 {
				t.Errorf("the summary ended as %+v", task)
			}
			if task, _ := h.ended(acc); task.State != chat.TaskDone {
				t.Errorf("the answer ended as %s: %v", task.State, task.Error)
			}
			if got := h.summaries(acc); len(got) != 1 {
				t.Errorf("summaries %+v", got)
			}
		})
	}
}

func TestAThreadLongerThanTheModelThatSummarizesIt(t *testing.T) {
	t.Parallel()
	for name, known := range map[string]bool{"a known window": true, "an unknown window": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider := modeltest.NewNarrow(t, 100_000, modeltest.Refusals()[0])
			h, _ := limited(t, provider, setup{}, worker.Options{})
			id := h.turns("", 60, 400)
			provider.SetLimit(3000) // another model, with a smaller context
			if known {
				h.models.LearnWindow(t.Context(), chat.Task{Model: "limited"}, 3000)
			}
			acc := h.talk(id, "one more")
			if task, _ := h.ended(acc); task.State != chat.TaskDone {
				t.Errorf("ended as %s: %v", task.State, task.Error)
			}
			if _, _, summaries, _ := provider.Counts(); summaries < 4 {
				t.Errorf("%d requests for summaries", summaries)
			}
			if got := h.summaries(acc); len(got) != 1 {
				t.Errorf("summaries %+v", got)
			}
		})
	}
}

func TestAMessageThatIsTooLongAloneHasAnErrorThatSaysSo(t *testing.T) {
	t.Parallel()
	provider := modeltest.NewNarrow(t, 3000, modeltest.Refusals()[0])
	h, _ := limited(t, provider, setup{}, worker.Options{})
	h.models.LearnWindow(t.Context(), chat.Task{Model: "limited"}, 3000)
	acc := h.talk("", strings.Repeat("words ", 4000))
	task, _ := h.ended(acc)
	if task.State != chat.TaskFailed || !chat.IsCode(task.Error, chat.CodeProviderContext) || !strings.Contains(task.Error.Message, "larger context") || task.WaitsFor != "" {
		t.Errorf("ended as %+v: %v", task, task.Error)
	}
	if answered, refused, _, _ := provider.Counts(); answered+refused != 0 {
		t.Errorf("%d requests were answered, %d refused", answered, refused)
	}
}

func TestTheModesAskAndOff(t *testing.T) {
	t.Parallel()
	for mode, want := range map[chat.CompactMode]string{chat.CompactAsk: "chat compact summarizes its beginning", chat.CompactOff: "it said:"} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			provider := modeltest.NewNarrow(t, 4000, modeltest.Refusals()[1])
			h, _ := limited(t, provider, setup{}, worker.Options{Compact: mode})
			h.models.LearnWindow(t.Context(), chat.Task{Model: "limited"}, 4000)
			id := h.turns("", 13, 400)
			acc := h.talk(id, "one more "+strings.Repeat("words ", 1500))
			task, _ := h.ended(acc)
			if task.State != chat.TaskFailed || !chat.IsCode(task.Error, chat.CodeProviderContext) || !strings.Contains(task.Error.Message, want) {
				t.Errorf("ended as %s: %v", task.State, task.Error)
			}
			if _, refused, summaries, _ := provider.Counts(); summaries != 0 || refused != map[chat.CompactMode]int{chat.CompactOff: 1}[mode] {
				t.Errorf("%d summaries, %d refused", summaries, refused)
			}
		})
	}
}

func TestWhatWasSentCanBeReadAfterTheSummaryWasRemoved(t *testing.T) {
	t.Parallel()
	provider := modeltest.NewNarrow(t, 4000, modeltest.Refusals()[0])
	h, _ := limited(t, provider, setup{}, worker.Options{})
	id := h.full()
	first := h.talk(id, "one more "+strings.Repeat("words ", 600))
	h.ended(first)
	sent := func() chat.Thread {
		t.Helper()
		s, err := h.store.Sent(t.Context(), first.TaskID)
		h.must(err)
		got, err := h.store.SentThread(t.Context(), first.TaskID, s)
		h.must(err)
		return got
	}
	before := sent()
	if before.Summary == nil || !strings.HasPrefix(before.Summary.Text, "SUMMARY") || len(before.Messages) == 0 || len(before.Messages) > 12 {
		t.Fatalf("sent %+v", before)
	}
	removed, err := h.store.RemoveSummary(t.Context(), owner, id)
	h.must(err)
	if removed.ID != before.Summary.ID || !removed.Removed {
		t.Errorf("removed %+v", removed)
	}
	if _, err := h.store.RemoveSummary(t.Context(), owner, id); !chat.IsCode(err, chat.CodeNotFound) {
		t.Errorf("removed again: %v", err)
	}
	after := sent()
	if after.Summary == nil || after.Summary.ID != before.Summary.ID || len(after.Messages) != len(before.Messages) {
		t.Errorf("after the removal %+v", after)
	}
	whole, err := h.store.ThreadTo(t.Context(), owner, id, "")
	h.must(err)
	if whole.Summary != nil || len(whole.Messages) != 30 {
		t.Errorf("the thread has %d messages, and the summary %+v", len(whole.Messages), whole.Summary)
	}
	_, _, err = h.store.Submit(t.Context(), owner, chat.Submission{ConversationID: id, Content: "again"}, chat.SubmitOptions{})
	h.must(err)
}

func TestAClientThatSendsTheConversationGetsTheError(t *testing.T) {
	t.Parallel()
	provider := modeltest.NewNarrow(t, 4000, modeltest.Refusals()[0])
	h, _ := limited(t, provider, setup{}, worker.Options{})
	id := h.full()
	acc, _, err := h.store.Submit(t.Context(), owner, chat.Submission{
		ConversationID: id, Content: strings.Repeat("words ", 1000), Model: "limited", Standalone: true, Origin: `{"format":"responses"}`,
	}, chat.SubmitOptions{})
	h.must(err)
	_ = h.queue.Notify(t.Context(), chat.PriorityNormal, acc.TaskID)
	if task, _ := h.ended(acc); !chat.IsCode(task.Error, chat.CodeProviderContext) || task.WaitsFor != "" {
		t.Errorf("ended as %+v: %v", task, task.Error)
	}
}
