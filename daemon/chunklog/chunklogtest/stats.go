package chunklogtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"chat/daemon/chunklog"
)

func testStats(t *testing.T, h *harness) {
	if stats, err := h.log.Stats(t.Context(), nil); err != nil || len(stats) != 0 {
		t.Errorf("of no task: %v, %v", stats, err)
	}
	const tasks = 100
	var ids []string
	for i := range tasks {
		ids = append(ids, fmt.Sprintf("t%d", i))
	}
	n := h.Client.Names()
	for _, err := range []error{
		h.Client.RPush(t.Context(), n.Chunks("t7"), "a", "b", "c").Err(),
		h.Client.Expire(t.Context(), n.Chunks("t7"), time.Hour).Err(),
		h.Client.HSet(t.Context(), n.Metadata("t7"), "model", "m").Err(),
		h.Client.Set(t.Context(), n.Chunks("t8"), "not a list", 0).Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if stats, err := h.log.Stats(ended, ids); err == nil {
		t.Errorf("with a cancelled context: %v", stats)
	}
	stats, err := h.log.Stats(t.Context(), ids)
	if err != nil || len(stats) != len(ids) {
		t.Fatalf("statistics of %d logs, %v", len(stats), err)
	}
	if got := stats["t7"]; got.Chunks != 3 || got.Model != "m" || got.TTL < 59*time.Minute || got.TTL > time.Hour {
		t.Errorf("%+v", got)
	}
	for _, id := range []string{"t0", "t8"} {
		if got := stats[id]; got != (chunklog.Stats{}) {
			t.Errorf("%s: %+v", id, got)
		}
	}
}
