package chunklogtest

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chat"
	"chat/daemon/chunklog"
	"chat/daemon/keys"
)

func testKeys(t *testing.T, b *bench) {
	b.whole(t, 3)
	ctx := t.Context()
	raw, err := b.Client.LRange(ctx, "stream:"+b.task.ID+":chunks", 0, -1).Result()
	if err != nil || len(raw) != 4 {
		t.Fatalf("the list has %d entries (%v)", len(raw), err)
	}
	if want := `{"chunk_index":1,"chunk_type":"content","content":"w1 ","attempt":1}`; raw[1] != want {
		t.Errorf("entry 1 is %s, want %s", raw[1], want)
	}
	if want := `{"chunk_index":3,"chunk_type":"done","content":"","attempt":1,"message_id":"msg","state":"done","finish_reason":"stop"}`; raw[3] != want {
		t.Errorf("entry 3 is %s, want %s", raw[3], want)
	}
	m, err := b.Client.HGetAll(ctx, "stream:"+b.task.ID+":metadata").Result()
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range map[string]string{"status": "done", "attempt": "1", "chunk_count": "4", "finish_reason": "stop", "model": "m"} {
		if m[k] != want {
			t.Errorf("metadata %s is %q, want %q", k, m[k], want)
		}
	}
	for _, k := range []string{"created_at", "updated_at"} {
		if _, err := time.Parse(time.RFC3339Nano, m[k]); err != nil {
			t.Errorf("metadata %s: %v", k, err)
		}
	}
}

func testTailFromStart(t *testing.T, b *bench) {
	w, _, err := b.log.Begin(t.Context(), b.task, always)
	if err != nil {
		t.Fatal(err)
	}
	stop := b.run(t, w)
	tail := b.log.Tail(b.task.ID, chat.Start())
	defer tail.Close()
	var got []chat.Chunk
	var wg sync.WaitGroup
	wg.Go(func() { got = read(t, tail, terminal) })
	for i := range 500 {
		w.Add(chat.ChunkContent, word(i))
	}
	b.finish(t, w, stop)
	wg.Wait()
	if content(got) != words(0, 500) {
		t.Fatalf("the tail saw %d chunks with another text", len(got))
	}
}

func testResumeEverywhere(t *testing.T, b *bench) {
	all := b.whole(t, 200)
	for k := range all[:200] {
		tail := b.log.Tail(b.task.ID, all[k].Position())
		got := read(t, tail, terminal)
		tail.Close()
		if len(got) != len(all)-k-1 || got[0].Index != k+1 {
			t.Fatalf("after %d: %d chunks from %d on", k, len(got), got[0].Index)
		}
	}
}

func testJoinEarly(t *testing.T, b *bench) {
	tail := b.log.Tail(b.task.ID, chat.Start())
	defer tail.Close()
	if chunks, err := tail.Next(t.Context(), time.Millisecond); err != nil || len(chunks) != 0 {
		t.Fatalf("an empty log gave %v, %v", chunks, err)
	}
	b.writer(t, 1).Add(chat.ChunkReasoning, "hm")
	got := read(t, tail, count(1))
	if got[0].Type != chat.ChunkReasoning || got[0].Position() != (chat.Position{Attempt: 1, Index: 0}) {
		t.Fatalf("the first chunk is %+v", got[0])
	}
}

func testReset(t *testing.T, b *bench) {
	tail := b.log.Tail(b.task.ID, chat.Start())
	defer tail.Close()
	b.say(t, b.writer(t, 1), 0, 5)
	w := b.writer(t, 2)
	w.Add(chat.ChunkContent, "again")
	got := read(t, tail, count(7))
	if got[5].Type != chat.ChunkReset || got[5].Position() != (chat.Position{Attempt: 2, Index: 5}) {
		t.Fatalf("chunk 5 is %+v", got[5])
	}
	if content(got) != "again" {
		t.Fatalf("the text is %q", content(got))
	}
}

func testOldPosition(t *testing.T, b *bench) {
	b.say(t, b.writer(t, 1), 0, 5)
	if err := b.Client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	b.say(t, b.writer(t, 2), 10, 8) // the list was lost: attempt 2 starts at 0
	tail := b.log.Tail(b.task.ID, chat.Position{Attempt: 1, Index: 4})
	defer tail.Close()
	got := read(t, tail, count(9))
	if got[0].Type != chat.ChunkReset || got[0].Attempt != 2 || content(got) != words(10, 18) {
		t.Fatalf("got %+v and the text %q", got[0], content(got))
	}
}

func testNonsensePosition(t *testing.T, b *bench) {
	b.say(t, b.writer(t, 1), 0, 5)
	tail := b.log.Tail(b.task.ID, chat.Position{Attempt: 0, Index: 0})
	defer tail.Close()
	got := read(t, tail, count(6))
	if got[0].Type != chat.ChunkReset || content(got) != words(0, 5) {
		t.Fatalf("got %+v and the text %q", got[0], content(got))
	}
}

func testPlainIndex(t *testing.T, b *bench) {
	b.say(t, b.writer(t, 1), 0, 3)
	b.say(t, b.writer(t, 2), 3, 3)
	tail := b.log.Tail(b.task.ID, chat.Position{Attempt: chat.AnyAttempt, Index: 4})
	defer tail.Close()
	got := read(t, tail, count(2))
	if got[0].Position() != (chat.Position{Attempt: 2, Index: 5}) {
		t.Fatalf("went on at %s", got[0].Position())
	}
}

func testFlushed(t *testing.T, b *bench) {
	w, _, err := b.log.Begin(t.Context(), b.task, always)
	if err != nil {
		t.Fatal(err)
	}
	stop := b.run(t, w)
	tail := b.log.Tail(b.task.ID, chat.Start())
	defer tail.Close()
	b.say(t, w, 0, 20)
	if err := b.Client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	w.Add(chat.ChunkContent, word(20))
	b.finish(t, w, stop)
	if got := content(read(t, tail, terminal)); got != words(0, 21) {
		t.Fatalf("the tail that was there saw %q", got)
	}
	late := b.log.Tail(b.task.ID, chat.Start())
	defer late.Close()
	if got := content(read(t, late, terminal)); got != words(0, 21) {
		t.Fatalf("a late tail saw %q", got)
	}
}

func testLostWhileIdle(t *testing.T, b *bench) {
	w := b.writer(t, 1)
	b.say(t, w, 0, 3)
	if err := b.Client.Del(t.Context(), keys.Names{}.Chunks(b.task.ID)).Err(); err != nil {
		t.Fatal(err)
	}
	b.waitFor(t, func() bool { return len(b.list(t)) == 3 })
}

func testStale(t *testing.T, b *bench) {
	old, _, err := b.log.Begin(t.Context(), b.task, always)
	if err != nil {
		t.Fatal(err)
	}
	old.Add(chat.ChunkContent, "old ")
	ended := make(chan error, 1)
	go func() { ended <- old.Run(t.Context()) }()
	b.waitFor(t, func() bool { return len(b.list(t)) == 1 })
	w := b.writer(t, 2)
	b.say(t, w, 0, 2)
	old.Add(chat.ChunkContent, "stale")
	mustBe(t, <-ended, chunklog.ErrStale)
	b.say(t, w, 2, 2)
	tail := b.log.Tail(b.task.ID, chat.Start())
	defer tail.Close()
	got := read(t, tail, count(6))
	if content(got) != words(0, 4) {
		t.Fatalf("the tail saw %+v", got)
	}
	if list := b.list(t); len(list) != 6 {
		t.Fatalf("the list was not mended: %+v", list)
	}
}

func testForeignEntries(t *testing.T, b *bench) {
	b.say(t, b.writer(t, 2), 0, 2) // reset, w0, w1
	key := keys.Names{}.Chunks(b.task.ID)
	for _, e := range []string{
		`{"chunk_index":3,"chunk_type":"content","content":"older","attempt":1}`,
		`{"chunk_index":9,"chunk_type":"content","content":"misplaced","attempt":2}`, `not json`,
	} {
		tail := b.log.Tail(b.task.ID, chat.Start())
		if err := b.Client.RPush(t.Context(), key, e).Err(); err != nil {
			t.Fatal(err)
		}
		if got := read(t, tail, count(3)); content(got) != words(0, 2) {
			t.Errorf("behind %s the tail saw %+v", e, got)
		}
		if chunks, err := tail.Next(t.Context(), 10*time.Millisecond); err != nil || len(chunks) > 0 {
			t.Errorf("%s was shown: %+v, %v", e, chunks, err)
		}
		tail.Close()
		if err := b.Client.RPop(t.Context(), key).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func testTTL(t *testing.T, b *bench) {
	w, _, err := b.log.Begin(t.Context(), b.task, always)
	if err != nil {
		t.Fatal(err)
	}
	stop := b.run(t, w)
	check := func(when string) {
		t.Helper()
		for _, key := range []string{keys.Names{}.Chunks(b.task.ID), keys.Names{}.Metadata(b.task.ID)} {
			d, err := b.Client.PTTL(t.Context(), key).Result()
			if err != nil || d == -1 || d > b.log.TTL() {
				t.Errorf("%s: %s has the TTL %v (%v)", when, key, d, err)
			}
		}
	}
	check("begun")
	for i := range 10 {
		b.say(t, w, i, 1)
		check("after chunk " + strconv.Itoa(i))
	}
	if err := b.Client.Del(t.Context(), keys.Names{}.Chunks(b.task.ID)).Err(); err != nil {
		t.Fatal(err)
	}
	w.Add(chat.ChunkContent, word(10))
	b.waitFor(t, func() bool { check("while it is lost"); return len(b.list(t)) == 11 })
	b.finish(t, w, stop)
	check("ended")
}

func testSalvage(t *testing.T, b *bench) {
	w, _, err := b.log.Begin(t.Context(), b.task, always)
	if err != nil {
		t.Fatal(err)
	}
	w.Add(chat.ChunkReasoning, "hm")
	w.Add(chat.ChunkContent, "whole")
	if n, err := w.Settle(t.Context(), "length"); err != nil || n != 2 {
		t.Fatalf("settled at %d: %v", n, err)
	}
	next := b.task
	next.Attempt = 2
	_, left, err := b.log.Begin(t.Context(), next, always)
	want := chat.Answer{Attempt: 1, Content: "whole", Reasoning: "hm", FinishReason: "length", Whole: true}
	if err != nil || left != want {
		t.Fatalf("left %+v (%v), want %+v", left, err, want)
	}
	next.Attempt = 3 // attempt 2 got nothing: that is not a whole answer
	if _, left, err = b.log.Begin(t.Context(), next, always); err != nil || left.Whole {
		t.Fatalf("left %+v (%v)", left, err)
	}
}

func testDoubt(t *testing.T, b *bench) {
	var good atomic.Bool
	good.Store(true)
	w, _, err := b.log.Begin(t.Context(), b.task, good.Load)
	if err != nil {
		t.Fatal(err)
	}
	good.Store(false)
	b.run(t, w)
	w.Add(chat.ChunkContent, "kept back")
	tail := b.log.Tail(b.task.ID, chat.Start())
	defer tail.Close()
	if chunks, err := tail.Next(t.Context(), 50*time.Millisecond); err != nil || len(chunks) > 0 {
		t.Fatalf("shown in doubt: %+v, %v", chunks, err)
	}
	good.Store(true)
	if got := content(read(t, tail, count(1))); got != "kept back" {
		t.Fatalf("got %q", got)
	}
}

func testLostMessages(t *testing.T, b *bench) {
	w := b.writer(t, 1)
	tail := b.log.Tail(b.task.ID, chat.Start())
	defer tail.Close()
	b.say(t, w, 0, 1)
	read(t, tail, count(1))
	// Entries that were never announced, then one that is: the gap shows.
	for i := 1; i < 4; i++ {
		e := fmt.Sprintf(`{"chunk_index":%d,"chunk_type":"content","content":%q,"attempt":1}`, i, word(i))
		if err := b.Client.RPush(t.Context(), keys.Names{}.Chunks(b.task.ID), e).Err(); err != nil {
			t.Fatal(err)
		}
		if i == 3 {
			if err := b.Client.Publish(t.Context(), keys.Names{}.Channel(b.task.ID), e).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := content(read(t, tail, count(3))); got != words(1, 4) {
		t.Fatalf("got %q", got)
	}
}

func testHint(t *testing.T, b *bench) {
	tail := b.log.Tail(b.task.ID, chat.Start())
	defer tail.Close()
	for { // until the subscription stands
		if _, err := tail.Next(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if err := b.log.Hint(t.Context(), chunklog.Control{Type: chunklog.ControlEnded, TaskID: b.task.ID}); err != nil {
			t.Fatal(err)
		}
		chunks, err := tail.Next(t.Context(), patience)
		if err != nil || len(chunks) > 0 {
			t.Fatalf("got %v, %v", chunks, err)
		}
		if time.Since(begun) < patience {
			return
		}
	}
}

func testManyTails(t *testing.T, b *bench) {
	const n = 200
	w, _, err := b.log.Begin(t.Context(), b.task, always)
	if err != nil {
		t.Fatal(err)
	}
	stop := b.run(t, w)
	var wg sync.WaitGroup
	var bad atomic.Int32
	for range n {
		tail := b.log.Tail(b.task.ID, chat.Start())
		wg.Go(func() {
			defer tail.Close()
			if content(read(t, tail, terminal)) != words(0, 300) {
				bad.Add(1)
			}
		})
	}
	if got := b.log.Followers(); got != n {
		t.Errorf("%d followers, want %d", got, n)
	}
	for i := range 300 {
		w.Add(chat.ChunkContent, word(i))
	}
	b.finish(t, w, stop)
	wg.Wait()
	if bad.Load() > 0 || b.log.Followers() != 0 {
		t.Fatalf("%d tails saw another text, %d are left", bad.Load(), b.log.Followers())
	}
}

func testOverload(t *testing.T, b *bench) {
	var good atomic.Bool
	w, _, err := b.log.Begin(t.Context(), b.task, good.Load)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for i := range 5000 { // nothing drains yet: the backlog must not grow with it
		w.Add(chat.ChunkContent, word(i))
		want.WriteString(word(i))
	}
	good.Store(true)
	n, err := w.Settle(t.Context(), "")
	if err != nil || n > 100 {
		t.Fatalf("5000 deltas became %d chunks (%v)", n, err)
	}
	if a, err := b.log.Read(t.Context(), b.task.ID); err != nil || a.Content != want.String() {
		t.Fatalf("the text is another one (%v)", err)
	}
}

func testCutSubscription(t *testing.T, b *bench) {
	w, _, err := b.log.Begin(t.Context(), b.task, always)
	if err != nil {
		t.Fatal(err)
	}
	stop := b.run(t, w)
	tail := b.log.Tail(b.task.ID, chat.Start())
	defer tail.Close()
	var got []chat.Chunk
	var wg sync.WaitGroup
	wg.Go(func() { got = read(t, tail, terminal) })
	for i := range 300 {
		w.Add(chat.ChunkContent, word(i))
		if i%100 == 50 {
			b.KillConnections(t)
		}
	}
	b.waitFor(t, func() bool { return len(b.list(t)) > 0 })
	b.finish(t, w, stop)
	wg.Wait()
	if content(got) != words(0, 300) {
		t.Fatalf("the tail saw another text: %d chunks", len(got))
	}
}
