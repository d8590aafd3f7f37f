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
	"chat/daemon/keys"
)

// testNumberUsedAgain: the database was restored from a backup, and hands out
// attempt 1 for the second time. What readers have of the first one is not continued
// by the text of the second.
func testNumberUsedAgain(t *testing.T, b *bench) {
	for name, packed := range map[string]bool{"a list": false, "a list that is packed": true} {
		b.task.ID += "+"
		first, _, err := b.log.Begin(t.Context(), b.task, always)
		if err != nil {
			t.Fatal(err)
		}
		stop := b.run(t, first)
		b.say(t, first, 0, 40)
		stop()
		if packed {
			if err := first.Close(t.Context(), chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone, FinishReason: "stop"}); err != nil {
				t.Fatal(err)
			}
		}
		reader := b.log.Tail(b.task.ID, chat.Position{Attempt: 1, Index: 29})
		w := b.writer(t, 1)
		w.Add(chat.Chunk{Type: chat.ChunkContent, Content: "another text "})
		got := read(t, reader, func(all []chat.Chunk) bool { return Content(all) == "another text " || packed && terminal(all) })
		reader.Close()
		if !packed && (len(got) != 12 || got[10].Type != chat.ChunkReset || got[10].Index != 40) {
			t.Errorf("%s: a reader who was there got %+v", name, got)
		}
		b.waitFor(t, func() bool { return b.Client.LLen(t.Context(), keys.Names{}.Chunks(b.task.ID)).Val() == 42 })
		late := b.log.Tail(b.task.ID, chat.Position{Attempt: 1, Index: 29})
		got = read(t, late, count(12))
		late.Close()
		if Content(got) != "another text " || got[10].Type != chat.ChunkReset {
			t.Errorf("%s: a reader who came back got %+v", name, got)
		}
	}
}

// testAheadOfADeadWriter: a list that was rolled back, and whose writer is dead, has
// no answer for a reader who saw more of it. The next attempt has.
func testAheadOfADeadWriter(t *testing.T, b *bench) {
	w, _, err := b.log.Begin(t.Context(), b.task, always)
	if err != nil {
		t.Fatal(err)
	}
	stop := b.run(t, w)
	b.say(t, w, 0, 42)
	there := b.log.Tail(b.task.ID, chat.Start())
	defer there.Close()
	read(t, there, count(42))
	stop()
	if err := b.Client.LTrim(t.Context(), keys.Names{}.Chunks(b.task.ID), 0, -7).Err(); err != nil {
		t.Fatal(err)
	}
	back := b.log.Tail(b.task.ID, there.Position())
	defer back.Close()
	for name, tail := range map[string]*chunklog.Tail{"who was there": there, "who came back": back} {
		until := time.Now().Add(4 * time.Second) // longer than a living writer would need
		for time.Now().Before(until) {
			if chunks, err := tail.Next(t.Context(), time.Second); err != nil || len(chunks) > 0 {
				t.Fatalf("a reader %s got %v (%v)", name, chunks, err)
			}
		}
	}
	second := b.writer(t, 2)
	second.Add(chat.Chunk{Type: chat.ChunkContent, Content: "again"})
	for name, tail := range map[string]*chunklog.Tail{"who was there": there, "who came back": back} {
		if got := read(t, tail, count(2)); Content(got) != "again" || got[0].Position() != (chat.Position{Attempt: 2, Index: 36}) {
			t.Errorf("a reader %s got %+v", name, got)
		}
	}
}

// state is what Redis holds of a stream at some moment.
type state struct {
	list []string
	meta map[string]string
}

func (b *bench) state(t *testing.T) state {
	t.Helper()
	list, err := b.Client.LRange(t.Context(), keys.Names{}.Chunks(b.task.ID), 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	meta, err := b.Client.HGetAll(t.Context(), keys.Names{}.Metadata(b.task.ID)).Result()
	if err != nil {
		t.Fatal(err)
	}
	return state{list, meta}
}

func (b *bench) restore(t *testing.T, s state, list, meta bool) {
	t.Helper()
	n := keys.Names{}
	_, err := b.Client.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
		if list {
			p.Del(t.Context(), n.Chunks(b.task.ID))
			for _, e := range s.list {
				p.RPush(t.Context(), n.Chunks(b.task.ID), e)
			}
		}
		if meta {
			p.Del(t.Context(), n.Metadata(b.task.ID))
			for k, v := range s.meta {
				p.HSet(t.Context(), n.Metadata(b.task.ID), k, v)
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
	*bench
	chance  *rand.Rand
	past    []state // what Redis held, oldest first
	attempt int
	words   int
	text    string // of the newest attempt
	writer  *chunklog.Writer
	stop    func() // nil: it is dead
	readers []*reader
}

// reader follows with one tail after another, and remembers what it was given.
type reader struct {
	tail *chunklog.Tail
	got  []chat.Chunk
}

// testPositionsOnlyGrow: whatever becomes of the list and of its writers, a reader is
// given each position at most once, in order, and in the end has the text of the last
// attempt, however often it left and came back.
func testPositionsOnlyGrow(t *testing.T, b *bench) {
	seed := rand.Uint64()
	if s := os.Getenv("CHAT_TEST_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("CHAT_TEST_SEED=%d makes this run again", seed)
	r := &rollback{bench: b, chance: rand.New(rand.NewPCG(seed, 1))}
	r.begin(t)
	for range 4 {
		r.readers = append(r.readers, &reader{tail: b.log.Tail(b.task.ID, chat.Start())})
	}
	for range 300 {
		r.step(t)
		for _, reader := range r.readers {
			reader.read(t, time.Millisecond)
			if r.chance.IntN(20) == 0 { // it leaves and comes back
				at := reader.tail.Position()
				reader.tail.Close()
				reader.tail = b.log.Tail(b.task.ID, at)
			}
		}
	}
	r.begin(t)
	r.say(t)
	b.finish(t, r.writer, r.stop)
	for _, reader := range r.readers {
		until := time.Now().Add(patience)
		for !terminal(reader.got) {
			if time.Now().After(until) {
				t.Fatalf("a reader at %s never came to the end", reader.tail.Position())
			}
			reader.read(t, 100*time.Millisecond)
		}
		reader.tail.Close()
		if got := Content(reader.got); got != r.text {
			t.Errorf("a reader has %q, want %q", got, r.text)
		}
	}
}

// begin begins the next attempt; the writer of the last one is dead.
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

func (r *rollback) say(t *testing.T) {
	t.Helper()
	for range 1 + r.chance.IntN(4) {
		r.writer.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(r.words)})
		r.text += word(r.words)
		r.words++
	}
	r.past = append(r.past, r.state(t))
}

// step does one thing of what can happen.
func (r *rollback) step(t *testing.T) {
	t.Helper()
	list, meta := keys.Names{}.Chunks(r.task.ID), keys.Names{}.Metadata(r.task.ID)
	ctx := t.Context()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	switch n := r.chance.IntN(30); n {
	case 0:
		must(r.Client.Del(ctx, list).Err())
	case 1:
		must(r.Client.Del(ctx, list, meta).Err())
	case 2:
		must(r.Client.FlushAll(ctx).Err())
	case 3, 4, 5: // the last entries are lost
		must(r.Client.LTrim(ctx, list, 0, -2-r.chance.Int64N(20)).Err())
	case 6, 7, 8: // Redis goes back to what it held before
		if len(r.past) == 0 {
			return
		}
		i := r.chance.IntN(len(r.past))
		r.restore(t, r.past[i], n != 6, n != 7)
		r.past = r.past[:i+1] // and never again to what is newer
	case 9: // of no known kind
		must(r.Client.RPush(ctx, list, "damage").Err())
	case 10:
		r.die()
	case 11:
		r.begin(t)
	default:
		if r.stop != nil {
			r.say(t)
		}
	}
}

// read takes what there is, and holds it against what came before.
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
