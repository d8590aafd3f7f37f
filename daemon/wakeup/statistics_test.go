package wakeup_test

import (
	"maps"
	"testing"
	"time"

	"chat"
)

func init() {
	maps.Copy(checks, statistics)
}

var statistics = map[string]func(*testing.T, *harness){
	"an empty engine has empty statistics": func(t *testing.T, h *harness) {
		st, err := h.Statistics(t.Context())
		if err != nil || st.Keys != 0 || st.KeysWithoutTTL > 0 || len(st.QueueLengths) != len(chat.Priorities()) {
			t.Errorf("%+v, %v", st, err)
		}
	},

	"queue lengths and keys are counted, and keys without a TTL if the engine knows": func(t *testing.T, h *harness) {
		h.notify(t, chat.PriorityUrgent, "u1", "u2")
		h.notify(t, chat.PriorityBackground, "b1")
		if err := h.rdb.Set(t.Context(), "expires", "x", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		st, err := h.Statistics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if st.Keys != 3 || st.QueueLengths[chat.PriorityUrgent] != 2 || st.QueueLengths[chat.PriorityNormal] != 0 || st.QueueLengths[chat.PriorityBackground] != 1 {
			t.Errorf("%+v", st)
		}
		known := h.rdb.Info(t.Context(), "memory").Err() == nil
		if known && (st.UsedBytes < 1<<16 || st.KeysWithoutTTL != 2) || !known && (st.UsedBytes != 0 || st.LimitBytes != 0 || st.KeysWithoutTTL != -1) {
			t.Errorf("%+v of an engine with INFO: %v", st, known)
		}
	},
}

// statisticsFail checks that Statistics returns an error in time.
func (h *harness) statisticsFail(t *testing.T, within time.Duration) {
	t.Helper()
	began := time.Now()
	if _, err := h.Statistics(t.Context()); err == nil || time.Since(began) > within {
		t.Errorf("Statistics: %v after %s", err, time.Since(began))
	}
}
