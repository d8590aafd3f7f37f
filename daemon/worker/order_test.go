package worker_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chat"
	"chat/daemon/provider/providertest"
	"chat/daemon/worker"
	"chat/internal/services"
)

func at(p chat.Priority) func(*chat.Submission) {
	return func(s *chat.Submission) { s.Priority = p }
}

func (l *lab) prompts() []string {
	var out []string
	for _, c := range l.provider.Calls() {
		out = append(out, c.Prompt)
	}
	return out
}

func TestTheUrgentComesFirst(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{})
	var all []chat.Accepted
	for _, p := range []chat.Priority{chat.PriorityBackground, chat.PriorityNormal, chat.PriorityUrgent} {
		for n := range 2 {
			all = append(all, l.submit(fmt.Sprintf("%s %d", p, n), at(p)))
		}
	}
	l.work(on{opts: worker.Options{Concurrency: 1}})
	for _, acc := range all {
		l.ended(acc)
	}
	want := []string{"urgent 0", "urgent 1", "normal 0", "normal 1", "background 0", "background 1"}
	if got := l.prompts(); !slices.Equal(got, want) {
		t.Errorf("answered %q", got)
	}
}

func TestTheBackgroundProgresses(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{})
	all := []chat.Accepted{l.submit("background", at(chat.PriorityBackground))}
	for range 15 {
		all = append(all, l.submit("urgent", at(chat.PriorityUrgent)))
	}
	l.work(on{opts: worker.Options{Concurrency: 1}})
	for _, acc := range all {
		l.ended(acc)
	}
	if i := slices.Index(l.prompts(), "background"); i < 1 || i > 12 {
		t.Errorf("the background task was answered at place %d of 16", i+1)
	}
}

func TestNoMoreAtOnceThanAllowed(t *testing.T) {
	t.Parallel()
	const limit = 3
	l := newLab(t, setup{})
	var all []chat.Accepted
	for range 12 {
		all = append(all, l.submit("lie: chunks=2 gate"))
	}
	w := l.work(on{opts: worker.Options{Concurrency: limit}})
	l.calls("as many as allowed run at once", func(c []providertest.Call) bool { return len(c) == limit })
	l.provider.Step(24)
	for _, acc := range all {
		l.ended(acc)
		if n := w.Running(); n > limit {
			t.Errorf("%d run at once", n)
		}
	}
	calls := l.provider.Calls()
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
		t.Errorf("%d at once, %d in all; want %d and 12", busiest, len(calls), limit)
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
			l := newLab(t, setup{databaseURL: tc.url(t)})
			for _, id := range []string{"w1", "w2"} {
				l.work(on{id: id, opts: worker.Options{Concurrency: 20, Renewal: time.Second}})
			}
			all := make([]chat.Accepted, tc.tasks)
			for i := range all {
				all[i] = l.submit(fmt.Sprintf("lie: chunks=6 tag=%d-", i))
			}
			byPrompt := map[string]providertest.Call{}
			for _, acc := range all {
				l.ended(acc)
			}
			for _, c := range l.provider.Calls() {
				if _, twice := byPrompt[c.Prompt]; twice {
					t.Errorf("%q was asked twice", c.Prompt)
				}
				byPrompt[c.Prompt] = c
			}
			for i, acc := range all {
				l.endedAs(acc, chat.TaskDone, byPrompt[fmt.Sprintf("lie: chunks=6 tag=%d-", i)].Sent)
			}
			if len(byPrompt) != tc.tasks {
				t.Errorf("%d calls", len(byPrompt))
			}
		})
	}
}
