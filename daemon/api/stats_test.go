package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/api"
	"chat/internal/report"
)

func (h *harness) stats() report.Stats {
	h.Helper()
	var st report.Stats
	a := h.call("GET", "/stats", "")
	if a.into(h.T, &st); a.status != 200 {
		h.Fatalf("%d %s", a.status, a.body)
	}
	return st
}

func TestStatsTellWhatRunsAndWhatFailed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	empty := h.stats()
	if empty.Answers == nil || empty.Failures == nil || empty.WorkerList == nil || empty.Memory == nil || empty.At.IsZero() {
		t.Errorf("lists that are empty are lists: %+v", empty)
	}
	h.must(h.store.Heartbeat(t.Context(), chat.Worker{ID: "w1", Host: "h", PID: 7, Concurrency: 4, StartedAt: time.Now()}))
	acc := h.submitted()
	title := "Tuning"
	_, err := h.store.UpdateConversation(t.Context(), chat.LocalOwner, acc.ConversationID, chat.ConversationPatch{Title: &title})
	h.must(err)
	h.claim(acc).write("a ", "b ", "c ")
	bad := h.submitted()
	claim := h.claim(bad)
	claim.write("x")
	h.must(h.store.Finish(t.Context(), chat.Result{TaskID: bad.TaskID, Attempt: 1, State: chat.TaskFailed, Err: chat.Errorf(chat.CodeProviderAuth, "refused")}))

	theirs, err := h.store.CreateConversation(t.Context(), "another", chat.Conversation{Title: "secret"})
	h.must(err)
	_, _, err = h.store.Submit(t.Context(), "another", chat.Submission{ConversationID: theirs.ID, Content: "x"}, chat.SubmitOptions{})
	h.must(err)
	claimed, err := h.store.Claim(t.Context(), "w1", 1, false)
	if h.must(err); len(claimed) != 1 {
		t.Fatalf("%+v", claimed)
	}

	h.eventually("the chunks are in the log", func() bool { return len(h.stats().Answers) == 1 && h.stats().Answers[0].Chunks == 3 })
	st := h.stats()
	a := st.Answers[0]
	if a.TaskID != acc.TaskID || a.ConversationID != acc.ConversationID || a.Title != title || a.Worker == "" || a.Attempt != 1 ||
		a.StartedAt.IsZero() || a.TTLSeconds < 3500 || a.TTLSeconds > 3600 {
		t.Errorf("%+v", a)
	}
	if st.Running != 2 || st.MoreAnswers || len(st.WorkerList) != 1 || st.WorkerList[0].Running != 2 || st.WorkerList[0].SeenAt.IsZero() {
		t.Errorf("the totals are of all owners: %+v", st)
	}
	if len(st.Failures) != 1 || st.Failures[0].TaskID != bad.TaskID || st.Failures[0].Error.Code != chat.CodeProviderAuth || st.Failures[0].FinishedAt.IsZero() {
		t.Errorf("%+v", st.Failures)
	}
	if st.Memory.Keys < 2 || st.Memory.KeysWithoutTTL != -1 || len(st.Memory.QueueLengths) != 3 {
		t.Errorf("%+v", st.Memory)
	}
}

// busyStore has more running tasks than stats lists.
type busyStore struct{ api.Store }

func (busyStore) Running(_ context.Context, _ string, most int) ([]chat.TaskWithTitle, error) {
	return make([]chat.TaskWithTitle, most), nil
}

func TestStatsListSoManyAnswersAndSayThatThereAreMore(t *testing.T) {
	t.Parallel()
	h := newHarnessWithStore(t, api.Options{}, func(s api.Store) api.Store { return busyStore{s} })
	if st := h.stats(); len(st.Answers) != report.MaxAnswers || !st.MoreAnswers {
		t.Errorf("%d answers, more: %v", len(st.Answers), st.MoreAnswers)
	}
}

func TestStatsWithoutRedisStillTellWhatSQLKnows(t *testing.T) {
	t.Parallel()
	h := newHarnessWithLog(t, api.Options{}, func(s api.Store) api.Store { return s }, func(l api.Log) api.Log { return silentLog{l} })
	acc := h.submitted()
	h.claim(acc)
	if st := h.stats(); st.Redis != "down" || st.Memory != nil || st.SQL != "ok" || st.Running != 1 {
		t.Errorf("%+v", st)
	}
	if a := h.call("GET", "/readyz", ""); a.status != 200 || !strings.Contains(string(a.body), `"redis":"down"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}
