package chunklogtest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/chunklog"
	"chat/daemon/keys"
)

// weighed counts the entries of lists that are read.
type weighed struct{ entries atomic.Int64 }

func (w *weighed) DialHook(next redis.DialHook) redis.DialHook { return next }

func (w *weighed) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		defer w.weigh(cmd)
		return next(ctx, cmd)
	}
}

func (w *weighed) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		defer w.weigh(cmds...)
		return next(ctx, cmds)
	}
}

func (w *weighed) weigh(cmds ...redis.Cmder) {
	for _, cmd := range cmds {
		if list, ok := cmd.(*redis.StringSliceCmd); ok {
			w.entries.Add(int64(len(list.Val())))
		}
	}
}

const said, kept = 60, 50 // entries of a list that is rolled back

// comebacks are how a list goes on that was rolled back, each with its first position
// behind that of a reader who had all that was said, and the text from there.
var comebacks = map[string]struct {
	from chat.Position
	text string
	do   func(t *testing.T, b *bench, whole state)
}{
	"with the next attempt": {chat.Position{Attempt: 2, Index: kept}, "again", func(t *testing.T, b *bench, _ state) {
		b.writer(t, 2).Add(chat.Chunk{Type: chat.ChunkContent, Content: "again"})
	}},
	"unannounced, with the next attempt": {chat.Position{Attempt: 2, Index: kept}, "again", func(t *testing.T, b *bench, whole state) {
		b.restore(t, state{list: append(whole.list[:kept:kept],
			`{"chunk_index":50,"chunk_type":"reset","attempt":2}`, `{"chunk_index":51,"chunk_type":"content","content":"again","attempt":2}`)}, true, false)
	}},
	"unannounced, whole and longer": {chat.Position{Attempt: 1, Index: said}, "onward", func(t *testing.T, b *bench, whole state) {
		b.restore(t, state{list: append(whole.list,
			`{"chunk_index":60,"chunk_type":"content","content":"on","attempt":1}`, `{"chunk_index":61,"chunk_type":"content","content":"ward","attempt":1}`)}, true, false)
	}},
}

// testRolledBackIsLookedAt: readers who are ahead of a list may be thousands, and wait
// for long. They do not read all of it to see that it is as it was, and notice when it
// is not.
func testRolledBackIsLookedAt(t *testing.T, b *bench) {
	for name, comeback := range comebacks {
		b.task.ID += "+"
		w, _, err := b.log.Begin(t.Context(), b.task, always)
		if err != nil {
			t.Fatal(err)
		}
		stop := b.run(t, w)
		b.say(t, w, 0, said)
		there := b.log.Tail(b.task.ID, chat.Start())
		read(t, there, count(said))
		stop()
		whole := b.state(t)
		if err := b.Client.LTrim(t.Context(), keys.Names{}.Chunks(b.task.ID), 0, kept-1).Err(); err != nil {
			t.Fatal(err)
		}
		readers := map[string]*chunklog.Tail{"who was there": there, "who came back": b.log.Tail(b.task.ID, there.Position())}
		work := &weighed{}
		b.Client.AddHook(work)
		for until := time.Now().Add(2 * time.Second); time.Now().Before(until); {
			for who, tail := range readers {
				if chunks, err := tail.Next(t.Context(), 50*time.Millisecond); err != nil || len(chunks) > 0 {
					t.Fatalf("%s: a reader %s got %v (%v)", name, who, chunks, err)
				}
			}
		}
		if n := work.entries.Load(); n == 0 || n > 2*said {
			t.Errorf("%s: two readers read %d entries of a list of %d while they waited", name, n, kept)
		}
		comeback.do(t, b, whole)
		for who, tail := range readers {
			if got := read(t, tail, count(2)); Content(got) != comeback.text || got[0].Position() != comeback.from {
				t.Errorf("%s: a reader %s got %+v", name, who, got)
			}
			tail.Close()
		}
	}
}
