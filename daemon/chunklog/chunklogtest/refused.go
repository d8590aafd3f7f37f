package chunklogtest

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"chat"
)

// testRefused: a subscriber must not receive an entry that is not in the list.
func testRefused(t *testing.T, h *harness) {
	w := h.writer(t, 1)
	h.write(t, w, 0, 2)
	channel := h.Client.Names().Channel(h.task.ID)
	sub := h.subscribe(t, channel)
	defer func() { _ = sub.Close() }() // its messages have been checked
	if _, err := sub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.RefuseWrites(t, true)
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(2)})
	h.waitFor(t, func() bool {
		var refused atomic.Bool
		err := h.Client.Servers(t.Context(), func(ctx context.Context, server *redis.Client) error {
			stats, err := server.Info(ctx, "errorstats").Result()
			if strings.Contains(stats, "errorstat_OOM") {
				refused.Store(true)
			}
			return err
		})
		return err == nil && refused.Load()
	})
	const marker = "nothing before this"
	if err := h.publish(t.Context(), channel, marker); err != nil {
		t.Fatal(err)
	}
	if m, err := sub.ReceiveMessage(t.Context()); err != nil || m.Payload != marker {
		t.Errorf("published: %v (%v)", m, err)
	}
	h.RefuseWrites(t, false)
	h.waitFor(t, func() bool { return Content(h.list(t)) == words(0, 3) })
}

// subscribe subscribes to the channel of a stream.
func (h *harness) subscribe(t *testing.T, channel string) *redis.PubSub {
	t.Helper()
	if h.Client.IsSharded() {
		return h.Client.SSubscribe(t.Context(), channel)
	}
	return h.Client.Subscribe(t.Context(), channel)
}
