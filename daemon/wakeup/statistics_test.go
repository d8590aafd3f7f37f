package wakeup_test

import (
	"fmt"
	"testing"
	"time"

	"chat"
)

func init() {
	for name, promise := range statistics {
		promises[name] = promise
	}
}

var statistics = map[string]func(*testing.T, *bench){
	"an empty engine says so": func(t *testing.T, b *bench) {
		st, err := b.Statistics(t.Context())
		if err != nil || st.Keys != 0 || st.KeysWithoutTTL > 0 || len(st.QueueLengths) != len(chat.Priorities()) {
			t.Errorf("%+v, %v", st, err)
		}
		logs, err := b.LogStatistics(t.Context(), nil)
		if err != nil || len(logs) != 0 {
			t.Errorf("%v, %v", logs, err)
		}
	},

	"queue lengths and keys are counted, and those that never expire where the engine tells": func(t *testing.T, b *bench) {
		b.notify(t, chat.PriorityUrgent, "u1", "u2")
		b.notify(t, chat.PriorityBackground, "b1")
		if err := b.rdb.Set(t.Context(), "expires", "x", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		st, err := b.Statistics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if st.Keys != 3 || st.QueueLengths[chat.PriorityUrgent] != 2 || st.QueueLengths[chat.PriorityNormal] != 0 || st.QueueLengths[chat.PriorityBackground] != 1 {
			t.Errorf("%+v", st)
		}
		tells := b.rdb.Info(t.Context(), "memory").Err() == nil
		if tells && (st.UsedBytes < 1<<16 || st.KeysWithoutTTL != 2) || !tells && (st.UsedBytes != 0 || st.LimitBytes != 0 || st.KeysWithoutTTL != -1) {
			t.Errorf("%+v of an engine that tells: %v", st, tells)
		}
	},

	"the logs of many tasks are looked at in one round trip": func(t *testing.T, b *bench) {
		var ids []string
		for i := range chat.MaxAnswers {
			ids = append(ids, fmt.Sprintf("t%d", i))
		}
		if err := b.rdb.RPush(t.Context(), names.Chunks("t7"), "a", "b", "c").Err(); err != nil {
			t.Fatal(err)
		}
		if err := b.rdb.Expire(t.Context(), names.Chunks("t7"), time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		if err := b.rdb.HSet(t.Context(), names.Metadata("t7"), "model", "m").Err(); err != nil {
			t.Fatal(err)
		}
		if err := b.rdb.Set(t.Context(), names.Chunks("t8"), "no list", 0).Err(); err != nil {
			t.Fatal(err)
		}
		logs, err := b.LogStatistics(t.Context(), ids)
		if err != nil || len(logs) != len(ids) {
			t.Fatalf("%d logs, %v", len(logs), err)
		}
		if got := logs["t7"]; got.Chunks != 3 || got.Model != "m" || got.TTL < 59*time.Minute || got.TTL > time.Hour {
			t.Errorf("%+v", got)
		}
		for _, id := range []string{"t0", "t8"} {
			if got := logs[id]; got != (chat.LogStats{}) {
				t.Errorf("%s: %+v", id, got)
			}
		}
	},
}

// The calls of stats must fail soon, too.
func (b *bench) mustNotTell(t *testing.T, within time.Duration) {
	t.Helper()
	for name, call := range map[string]func() error{
		"Statistics":    func() error { _, err := b.Statistics(t.Context()); return err },
		"LogStatistics": func() error { _, err := b.LogStatistics(t.Context(), []string{"t1"}); return err },
	} {
		began := time.Now()
		if err := call(); err == nil || time.Since(began) > within {
			t.Errorf("%s: %v after %s", name, err, time.Since(began))
		}
	}
}
