package worker_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/worker"
	"chat/internal/services"
)

func at(p chat.Priority) func(*chat.Submission) {
	return func(s *chat.Submission) { s.Priority = p }
}

func (h *harness) prompts() []string {
	var out []string
	for _, c := range h.provider.Calls() {
		out = append(out, c.Prompt)
	}
	return out
}

func TestTheUrgentComesFirst(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	var all []chat.Accepted
	for _, p := range []chat.Priority{chat.PriorityBackground, chat.PriorityNormal, chat.PriorityUrgent} {
		for n := range 2 {
			all = append(all, h.submit(fmt.Sprintf("%s %d", p, n), at(p)))
		}
	}
	h.work(workerOptions{opts: worker.Options{Concurrency: 1}})
	for _, acc := range all {
		h.ended(acc)
	}
	want := []string{"urgent 0", "urgent 1", "normal 0", "normal 1", "background 0", "background 1"}
	if got := h.prompts(); !slices.Equal(got, want) {
		t.Errorf("answered %q", got)
	}
}

func TestTheBackgroundProgresses(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	all := []chat.Accepted{h.submit("background", at(chat.PriorityBackground))}
	for range 15 {
		all = append(all, h.submit("urgent", at(chat.PriorityUrgent)))
	}
	h.work(workerOptions{opts: worker.Options{Concurrency: 1}})
	for _, acc := range all {
		h.ended(acc)
	}
	if i := slices.Index(h.prompts(), "background"); i < 1 || i > 12 {
		t.Errorf("the background task was answered at place %d of 16", i+1)
	}
}

func TestConcurrencyIsLimited(t *testing.T) {
	t.Parallel()
	const limit = 3
	h := newHarness(t, setup{})
	var all []chat.Accepted
	for range 12 {
		all = append(all, h.submit("lie: chunks=2 gate"))
	}
	w := h.work(workerOptions{opts: worker.Options{Concurrency: limit}})
	h.calls("as many as allowed run at the same time", func(c []modeltest.Call) bool { return len(c) == limit })
	h.provider.Step(24)
	for _, acc := range all {
		h.ended(acc)
		if n := w.Running(); n > limit {
			t.Errorf("%d run at the same time", n)
		}
	}
	calls := h.provider.Calls()
	busiest := 0
	for _, c := range calls {
		n := 0
		for _, o := range calls {
			if !o.Began.After(c.Began) && o.Ended.After(c.Began) {
				n++
			}
		}
		busiest = max(busiest, n)
	}
	if busiest != limit || len(calls) != 12 {
		t.Errorf("%d at the same time, %d in total; want %d and 12", busiest, len(calls), limit)
	}
}

func TestAHundredTasksOnTwoWorkersAreAnsweredOnceEach(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		url   func(*testing.T) string
		tasks int
	}{
		"SQLite":     {func(*testing.T) string { return "" }, 15},
		"PostgreSQL": {func(t *testing.T) string { return services.Postgres(t) }, 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{databaseURL: tc.url(t)})
			for _, id := range []string{"w1", "w2"} {
				h.work(workerOptions{id: id, opts: worker.Options{Concurrency: 20, Renewal: time.Second}})
			}
			all := make([]chat.Accepted, tc.tasks)
			for i := range all {
				all[i] = h.submit(fmt.Sprintf("lie: chunks=6 tag=%d-", i))
			}
			byPrompt := map[string]modeltest.Call{}
			for _, acc := range all {
				h.ended(acc)
			}
			for _, c := range h.provider.Calls() {
				if _, twice := byPrompt[c.Prompt]; twice {
					t.Errorf("%q was asked twice", c.Prompt)
				}
				byPrompt[c.Prompt] = c
			}
			for i, acc := range all {
				h.endedAs(acc, chat.TaskDone, byPrompt[fmt.Sprintf("lie: chunks=6 tag=%d-", i)].Sent)
			}
			if len(byPrompt) != tc.tasks {
				t.Errorf("%d calls", len(byPrompt))
			}
		})
	}
}
