package chunklogtest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"chat"
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
		w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(i)})
	}
	b.finish(t, w, stop)
	wg.Wait()
	if Content(got) != words(0, 500) {
		t.Fatalf("the tail saw %d chunks with another text", len(got))
	}
}

func testResumeEverywhere(t *testing.T, b *bench) {
	for _, n := range []int{10, 200} { // in a list, and packed
		b.task.ID += "+"
		all := b.whole(t, n)
		for k := range all[:n] {
			tail := b.log.Tail(b.task.ID, all[k].Position())
			got := read(t, tail, terminal)
			tail.Close()
			if len(got) != len(all)-k-1 || got[0].Index != k+1 {
				t.Fatalf("after %d: %d chunks from %d on", k, len(got), got[0].Index)
			}
		}
	}
}

func testPacked(t *testing.T, b *bench) {
	n := keys.Names{}
	begun := b.log.Tail(b.task.ID, chat.Start())
	defer begun.Close()
	w := b.writer(t, 1)
	b.say(t, w, 0, 30)
	head := read(t, begun, count(30))
	task := b.task
	task.Attempt = 2
	again, left, err := b.log.Begin(t.Context(), task, always)
	if err != nil || left.Parts.Text() != words(0, 30) {
		t.Fatalf("%+v, %v", left, err)
	}
	stop := b.run(t, again)
	b.say(t, again, 0, 30)
	b.finish(t, again, stop)

	if n := b.Client.Exists(t.Context(), n.Chunks(b.task.ID)).Val(); n != 0 {
		t.Error("the list is still there")
	}
	if ttl := b.Client.PTTL(t.Context(), n.Packed(b.task.ID)).Val(); ttl <= 0 || ttl > b.log.TTL() {
		t.Errorf("the packed list has a TTL of %s", ttl)
	}
	if size := b.Client.StrLen(t.Context(), n.Packed(b.task.ID)).Val(); size > int64(4*len(words(0, 60))) {
		t.Errorf("%d bytes for a text of %d", size, len(words(0, 60)))
	}
	if a, err := b.log.Read(t.Context(), b.task.ID); err != nil || a.Parts.Text() != words(0, 30) || a.Attempt != 2 || !a.Complete {
		t.Errorf("it reads as %+v, %v", a, err)
	}
	got := append(head, read(t, begun, terminal)...)
	if Content(got) != words(0, 30) || len(got) != 62 {
		t.Errorf("a reader that was there saw %d chunks: %q", len(got), Content(got))
	}
	for name, after := range map[string]chat.Position{
		"an older attempt": {Attempt: 1, Index: 7}, "a plain index": {Attempt: chat.AnyAttempt, Index: 40}, "nonsense": {Attempt: 0, Index: 3},
	} {
		tail := b.log.Tail(b.task.ID, after)
		chunks := read(t, tail, terminal)
		tail.Close()
		if want := words(0, 30); !strings.HasSuffix(want, Content(chunks)) || Content(chunks) == "" || after.Attempt == 0 && chunks[0].Type != chat.ChunkReset {
			t.Errorf("%s: %q", name, Content(chunks))
		}
	}
	b.Client.Set(t.Context(), n.Packed(b.task.ID), "no zstd", time.Minute)
	damaged := b.log.Tail(b.task.ID, chat.Start())
	defer damaged.Close()
	if chunks, err := damaged.Next(t.Context(), 10*time.Millisecond); err != nil || len(chunks) > 0 {
		t.Errorf("a damaged one gave %v, %v", chunks, err)
	}
}

func testJoinEarly(t *testing.T, b *bench) {
	tail := b.log.Tail(b.task.ID, chat.Start())
	defer tail.Close()
	if chunks, err := tail.Next(t.Context(), time.Millisecond); err != nil || len(chunks) != 0 {
		t.Fatalf("an empty log gave %v, %v", chunks, err)
	}
	b.writer(t, 1).Add(chat.Chunk{Type: chat.ChunkReasoning, Content: "hm"})
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
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: "again"})
	got := read(t, tail, count(7))
	if got[5].Type != chat.ChunkReset || got[5].Position() != (chat.Position{Attempt: 2, Index: 5}) {
		t.Fatalf("chunk 5 is %+v", got[5])
	}
	if Content(got) != "again" {
		t.Fatalf("the text is %q", Content(got))
	}
}

// testOwnReset drops text within an attempt, and loses the list behind that.
func testOwnReset(t *testing.T, b *bench) {
	live := b.log.Tail(b.task.ID, chat.Start())
	defer live.Close()
	w := b.writer(t, 1)
	b.say(t, w, 0, 5)
	read(t, live, count(5))
	w.Add(chat.Chunk{Type: chat.ChunkReset})
	w.Add(chat.Chunk{Type: chat.ChunkReasoning, Content: words(0, 5)})
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: "It is 4."})
	rest := read(t, live, count(3))
	if rest[0].Type != chat.ChunkReset || rest[0].Position() != (chat.Position{Attempt: 1, Index: 5}) || Content(rest) != "It is 4." {
		t.Fatalf("behind the reset: %+v", rest)
	}
	for after := range 7 {
		late := b.log.Tail(b.task.ID, chat.Position{Attempt: 1, Index: after})
		if got := read(t, late, count(7-after)); Content(got) != "It is 4." {
			t.Fatalf("behind %d: %+v", after, got)
		}
		late.Close()
	}
	if err := b.Client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: " Yes."})
	for _, after := range []chat.Position{chat.Start(), {Attempt: 1, Index: 3}} {
		late := b.log.Tail(b.task.ID, after)
		if got := read(t, late, count(8-after.Index)); Content(got) != "It is 4. Yes." {
			t.Fatalf("written again, behind %s: %+v", after, got)
		}
		late.Close()
	}
	a, err := b.log.Read(t.Context(), b.task.ID)
	if err != nil || a.Parts.Text() != "It is 4. Yes." || a.Parts.Reasoning() != words(0, 5) {
		t.Fatalf("%+v, %v", a, err)
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
	if got[0].Type != chat.ChunkReset || got[0].Attempt != 2 || Content(got) != words(10, 18) {
		t.Fatalf("got %+v and the text %q", got[0], Content(got))
	}
}

func testNonsensePosition(t *testing.T, b *bench) {
	b.say(t, b.writer(t, 1), 0, 5)
	tail := b.log.Tail(b.task.ID, chat.Position{Attempt: 0, Index: 0})
	defer tail.Close()
	got := read(t, tail, count(6))
	if got[0].Type != chat.ChunkReset || Content(got) != words(0, 5) {
		t.Fatalf("got %+v and the text %q", got[0], Content(got))
	}
}

func testAheadOfTheLog(t *testing.T, b *bench) {
	b.say(t, b.writer(t, 1), 0, 5)
	for _, attempt := range []int{1, chat.AnyAttempt} {
		tail := b.log.Tail(b.task.ID, chat.Position{Attempt: attempt, Index: 5000})
		got := read(t, tail, count(6))
		tail.Close()
		if got[0].Type != chat.ChunkReset || Content(got) != words(0, 5) {
			t.Fatalf("got %+v and the text %q", got[0], Content(got))
		}
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
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(20)})
	b.finish(t, w, stop)
	if got := Content(read(t, tail, terminal)); got != words(0, 21) {
		t.Fatalf("the tail that was there saw %q", got)
	}
	late := b.log.Tail(b.task.ID, chat.Start())
	defer late.Close()
	if got := Content(read(t, late, terminal)); got != words(0, 21) {
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
