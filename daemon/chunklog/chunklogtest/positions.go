package chunklogtest

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/chunklog"
)

// testNumberUsedAgain: the database was restored from a backup and issues attempt 1 for
// the second time. The text of the second must not continue what readers have of the
// first.
func testNumberUsedAgain(t *testing.T, h *harness) {
	for name, packed := range map[string]bool{"a list": false, "a packed list": true} {
		h.task.ID += "+"
		first, _, err := h.log.Begin(t.Context(), h.task, always)
		if err != nil {
			t.Fatal(err)
		}
		stop := h.run(t, first)
		h.write(t, first, 0, 40)
		stop()
		if packed {
			if err := first.Close(t.Context(), chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone, FinishReason: "stop"}); err != nil {
				t.Fatal(err)
			}
		}
		reader := h.log.Tail(h.task.ID, chat.Position{Attempt: 1, Index: 29})
		w := h.writer(t, 1)
		w.Add(chat.Chunk{Type: chat.ChunkContent, Content: "another text "})
		got := read(t, reader, func(all []chat.Chunk) bool { return Content(all) == "another text " || packed && terminal(all) })
		reader.Close()
		if !packed && (len(got) != 12 || got[10].Type != chat.ChunkReset || got[10].Index != 40) {
			t.Errorf("%s: an early reader got %+v", name, got)
		}
		h.waitFor(t, func() bool { return h.Client.LLen(t.Context(), h.Client.Names().Chunks(h.task.ID)).Val() == 42 })
		late := h.log.Tail(h.task.ID, chat.Position{Attempt: 1, Index: 29})
		got = read(t, late, count(12))
		late.Close()
		if Content(got) != "another text " || got[10].Type != chat.ChunkReset {
			t.Errorf("%s: a returning reader got %+v", name, got)
		}
	}
}

// testAheadOfADeadWriter: a reader who saw more than a rolled-back list has, whose writer
// is dead, waits for the next attempt.
func testAheadOfADeadWriter(t *testing.T, h *harness) {
	w, _, err := h.log.Begin(t.Context(), h.task, always)
	if err != nil {
		t.Fatal(err)
	}
	stop := h.run(t, w)
	h.write(t, w, 0, 42)
	early := h.log.Tail(h.task.ID, chat.Start())
	defer early.Close()
	read(t, early, count(42))
	stop()
	if err := h.Client.LTrim(t.Context(), h.Client.Names().Chunks(h.task.ID), 0, -7).Err(); err != nil {
		t.Fatal(err)
	}
	returning := h.log.Tail(h.task.ID, early.Position())
	defer returning.Close()
	for name, tail := range map[string]*chunklog.Tail{"an early reader": early, "a returning reader": returning} {
		until := time.Now().Add(4 * time.Second) // longer than a running writer would need
		for time.Now().Before(until) {
			if chunks, err := tail.Next(t.Context(), time.Second); err != nil || len(chunks) > 0 {
				t.Fatalf("%s got %v (%v)", name, chunks, err)
			}
		}
	}
	second := h.writer(t, 2)
	second.Add(chat.Chunk{Type: chat.ChunkContent, Content: "again"})
	for name, tail := range map[string]*chunklog.Tail{"an early reader": early, "a returning reader": returning} {
		if got := read(t, tail, count(2)); Content(got) != "again" || got[0].Position() != (chat.Position{Attempt: 2, Index: 36}) {
			t.Errorf("%s got %+v", name, got)
		}
	}
}

// snapshot is the content of a stream in Redis.
type snapshot struct {
	list []string
	meta map[string]string
}

func (h *harness) snapshot(t *testing.T) snapshot {
	t.Helper()
	list, err := h.Client.LRange(t.Context(), h.Client.Names().Chunks(h.task.ID), 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	meta, err := h.Client.HGetAll(t.Context(), h.Client.Names().Metadata(h.task.ID)).Result()
	if err != nil {
		t.Fatal(err)
	}
	return snapshot{list, meta}
}

func (h *harness) restore(t *testing.T, s snapshot, list, meta bool) {
	t.Helper()
	n := h.Client.Names()
	_, err := h.Client.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
		if list {
			p.Del(t.Context(), n.Chunks(h.task.ID))
			for _, e := range s.list {
				p.RPush(t.Context(), n.Chunks(h.task.ID), e)
			}
		}
		if meta {
			p.Del(t.Context(), n.Metadata(h.task.ID))
			for k, v := range s.meta {
				p.HSet(t.Context(), n.Metadata(h.task.ID), k, v)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// rollback is a run of testPositionsOnlyGrow.
type rollback struct {
	*harness
	rand    *rand.Rand
	past    []snapshot // oldest first
	attempt int
	words   int
	text    string // of the newest attempt
	writer  *chunklog.Writer
	stop    func() // nil if the writer is dead
	readers []*reader
}

// reader reads with one tail after another, and keeps its chunks.
type reader struct {
	tail *chunklog.Tail
	got  []chat.Chunk
}

// testPositionsOnlyGrow: whatever happens to the list and its writers, a reader gets each
// position at most once and in order. In the end it has the text of the last attempt,
// however often it left and came back.
func testPositionsOnlyGrow(t *testing.T, h *harness) {
	seed := rand.Uint64()
	if s := os.Getenv("CHAT_TEST_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("repeat this run with CHAT_TEST_SEED=%d", seed)
	r := &rollback{harness: h, rand: rand.New(rand.NewPCG(seed, 1))}
	r.begin(t)
	for range 4 {
		r.readers = append(r.readers, &reader{tail: h.log.Tail(h.task.ID, chat.Start())})
	}
	for range 300 {
		r.step(t)
		for _, reader := range r.readers {
			reader.read(t, time.Millisecond)
			if r.rand.IntN(20) == 0 { // it leaves and comes back
				at := reader.tail.Position()
				reader.tail.Close()
				reader.tail = h.log.Tail(h.task.ID, at)
			}
		}
	}
	r.begin(t)
	r.write(t)
	h.finish(t, r.writer, r.stop)
	for _, reader := range r.readers {
		until := time.Now().Add(patience)
		for !terminal(reader.got) {
			if time.Now().After(until) {
				t.Fatalf("a reader at %s did not reach the end", reader.tail.Position())
			}
			reader.read(t, 100*time.Millisecond)
		}
		reader.tail.Close()
		if got := Content(reader.got); got != r.text {
			t.Errorf("a reader has %q, want %q", got, r.text)
		}
	}
}

// begin begins the next attempt, after the writer of the last one has died.
func (r *rollback) begin(t *testing.T) {
	t.Helper()
	r.die()
	r.attempt++
	task := r.task
	task.Attempt = r.attempt
	w, _, err := r.log.Begin(t.Context(), task, always)
	if err != nil {
		t.Fatal(err)
	}
	r.writer, r.text, r.stop = w, "", r.run(t, w)
}

func (r *rollback) die() {
	if r.stop != nil {
		r.stop()
	}
	r.stop = nil
}

func (r *rollback) write(t *testing.T) {
	t.Helper()
	for range 1 + r.rand.IntN(4) {
		r.writer.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(r.words)})
		r.text += word(r.words)
		r.words++
	}
	r.past = append(r.past, r.snapshot(t))
}

// step does one random thing.
func (r *rollback) step(t *testing.T) {
	t.Helper()
	list, meta := r.Client.Names().Chunks(r.task.ID), r.Client.Names().Metadata(r.task.ID)
	ctx := t.Context()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	switch n := r.rand.IntN(30); n {
	case 0:
		must(r.Client.Del(ctx, list).Err())
	case 1:
		must(r.Client.Del(ctx, list, meta).Err())
	case 2:
		must(r.flush(ctx))
	case 3, 4, 5: // the last entries are lost
		must(r.Client.LTrim(ctx, list, 0, -2-r.rand.Int64N(20)).Err())
	case 6, 7, 8: // Redis is rolled back
		if len(r.past) == 0 {
			return
		}
		i := r.rand.IntN(len(r.past))
		r.restore(t, r.past[i], n != 6, n != 7)
		r.past = r.past[:i+1] // and never to a newer snapshot again
	case 9: // an unknown failure
		must(r.Client.RPush(ctx, list, "damage").Err())
	case 10:
		r.die()
	case 11:
		r.begin(t)
	default:
		if r.stop != nil {
			r.write(t)
		}
	}
}

// read reads chunks and checks that they continue the ones before.
func (r *reader) read(t *testing.T, wait time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	chunks, err := r.tail.Next(ctx, wait)
	if err != nil {
		t.Fatal(err)
	}
	for _, encoded := range chunks {
		c, err := encoded.Decode()
		if err != nil {
			t.Fatal(err)
		}
		if n := len(r.got); n > 0 {
			last := r.got[n-1]
			next := c.Attempt == last.Attempt && c.Index == last.Index+1 || c.Attempt > last.Attempt && c.Type == chat.ChunkReset
			if !next {
				t.Fatalf("%s %s came after %s", c.Type, c.Position(), last.Position())
			}
		}
		r.got = append(r.got, c)
	}
}
