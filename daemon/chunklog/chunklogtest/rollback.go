package chunklogtest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/chunklog"
)

// readCounter counts the list entries that are read.
type readCounter struct{ entries atomic.Int64 }

func (c *readCounter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *readCounter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		defer c.count(cmd)
		return next(ctx, cmd)
	}
}

func (c *readCounter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		defer c.count(cmds...)
		return next(ctx, cmds)
	}
}

func (c *readCounter) count(cmds ...redis.Cmder) {
	for _, cmd := range cmds {
		if list, ok := cmd.(*redis.StringSliceCmd); ok {
			c.entries.Add(int64(len(list.Val())))
		}
	}
}

const written, kept = 60, 50 // entries of a list before and after it is rolled back

// continuations are what can happen to a rolled-back list next. Each has the position and
// the text that follow for a reader who had read everything.
var continuations = map[string]struct {
	from chat.Position
	text string
	do   func(t *testing.T, h *harness, all snapshot)
}{
	"with the next attempt": {chat.Position{Attempt: 2, Index: kept}, "again", func(t *testing.T, h *harness, _ snapshot) {
		h.writer(t, 2).Add(chat.Chunk{Type: chat.ChunkContent, Content: "again"})
	}},
	"unpublished, with the next attempt": {chat.Position{Attempt: 2, Index: kept}, "again", func(t *testing.T, h *harness, all snapshot) {
		h.restore(t, snapshot{list: append(all.list[:kept:kept],
			`{"chunk_index":50,"chunk_type":"reset","attempt":2}`, `{"chunk_index":51,"chunk_type":"content","content":"again","attempt":2}`)}, true, false)
	}},
	"unpublished, complete and longer": {chat.Position{Attempt: 1, Index: written}, "onward", func(t *testing.T, h *harness, all snapshot) {
		h.restore(t, snapshot{list: append(all.list,
			`{"chunk_index":60,"chunk_type":"content","content":"on","attempt":1}`, `{"chunk_index":61,"chunk_type":"content","content":"ward","attempt":1}`)}, true, false)
	}},
}

// testRolledBack: thousands of readers may be ahead of a list for a long time. They do not
// read all of it to see that it has not changed, and notice when it has.
func testRolledBack(t *testing.T, h *harness) {
	for name, next := range continuations {
		h.task.ID += "+"
		w, _, err := h.log.Begin(t.Context(), h.task, always)
		if err != nil {
			t.Fatal(err)
		}
		stop := h.run(t, w)
		h.write(t, w, 0, written)
		early := h.log.Tail(h.task.ID, chat.Start())
		read(t, early, count(written))
		stop()
		all := h.snapshot(t)
		if err := h.Client.LTrim(t.Context(), h.Client.Names().Chunks(h.task.ID), 0, kept-1).Err(); err != nil {
			t.Fatal(err)
		}
		readers := map[string]*chunklog.Tail{"an early reader": early, "a returning reader": h.log.Tail(h.task.ID, early.Position())}
		counter := &readCounter{}
		h.addHook(t, counter)
		for until := time.Now().Add(2 * time.Second); time.Now().Before(until); {
			for who, tail := range readers {
				if chunks, err := tail.Next(t.Context(), 50*time.Millisecond); err != nil || len(chunks) > 0 {
					t.Fatalf("%s: %s got %v (%v)", name, who, chunks, err)
				}
			}
		}
		if n := counter.entries.Load(); n == 0 || n > 2*written {
			t.Errorf("%s: two readers read %d entries of a list of %d while they waited", name, n, kept)
		}
		next.do(t, h, all)
		for who, tail := range readers {
			if got := read(t, tail, count(2)); Content(got) != next.text || got[0].Position() != next.from {
				t.Errorf("%s: %s got %+v", name, who, got)
			}
			tail.Close()
		}
	}
}
