package chunklogtest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"chat"
)

func testKeys(t *testing.T, h *harness) {
	h.finishedStream(t, 3)
	ctx := t.Context()
	stream := "stream:" + h.task.ID
	if h.Client.IsCluster() {
		stream = "stream:{" + h.task.ID + "}"
	}
	raw, err := h.Client.LRange(ctx, stream+":chunks", 0, -1).Result()
	if err != nil || len(raw) != 4 {
		t.Fatalf("the list has %d entries (%v)", len(raw), err)
	}
	if want := `{"chunk_index":1,"chunk_type":"content","content":"w1 ","attempt":1}`; raw[1] != want {
		t.Errorf("entry 1 is %s, want %s", raw[1], want)
	}
	if want := `{"chunk_index":3,"chunk_type":"done","content":"","attempt":1,"message_id":"msg","state":"done","finish_reason":"stop"}`; raw[3] != want {
		t.Errorf("entry 3 is %s, want %s", raw[3], want)
	}
	m, err := h.Client.HGetAll(ctx, stream+":metadata").Result()
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

func testTailFromStart(t *testing.T, h *harness) {
	w, _, err := h.log.Begin(t.Context(), h.task, always)
	if err != nil {
		t.Fatal(err)
	}
	stop := h.run(t, w)
	tail := h.log.Tail(h.task.ID, chat.Start())
	defer tail.Close()
	var got []chat.Chunk
	var wg sync.WaitGroup
	wg.Go(func() { got = read(t, tail, terminal) })
	for i := range 500 {
		w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(i)})
	}
	h.finish(t, w, stop)
	wg.Wait()
	if Content(got) != words(0, 500) {
		t.Fatalf("the tail saw %d chunks with another text", len(got))
	}
}

func testResumeEverywhere(t *testing.T, h *harness) {
	for _, n := range []int{10, 200} { // in a list, and packed
		h.task.ID += "+"
		all := h.finishedStream(t, n)
		for k := range all[:n] {
			tail := h.log.Tail(h.task.ID, all[k].Position())
			got := read(t, tail, terminal)
			tail.Close()
			if len(got) != len(all)-k-1 || got[0].Index != k+1 {
				t.Fatalf("after %d: %d chunks from %d on", k, len(got), got[0].Index)
			}
		}
	}
}

func testPacked(t *testing.T, h *harness) {
	n := h.Client.Names()
	early := h.log.Tail(h.task.ID, chat.Start())
	defer early.Close()
	w := h.writer(t, 1)
	h.write(t, w, 0, 30)
	head := read(t, early, count(30))
	task := h.task
	task.Attempt = 2
	second, previous, err := h.log.Begin(t.Context(), task, always)
	if err != nil || previous.Parts.Text() != words(0, 30) {
		t.Fatalf("%+v, %v", previous, err)
	}
	stop := h.run(t, second)
	h.write(t, second, 0, 30)
	h.finish(t, second, stop)

	if n := h.Client.Exists(t.Context(), n.Chunks(h.task.ID)).Val(); n != 0 {
		t.Error("the list is still there")
	}
	if ttl := h.Client.PTTL(t.Context(), n.Packed(h.task.ID)).Val(); ttl <= 0 || ttl > h.log.TTL() {
		t.Errorf("the packed list has a TTL of %s", ttl)
	}
	if size := h.Client.StrLen(t.Context(), n.Packed(h.task.ID)).Val(); size > int64(4*len(words(0, 60))) {
		t.Errorf("%d bytes for a text of %d", size, len(words(0, 60)))
	}
	if a, err := h.log.Read(t.Context(), h.task.ID); err != nil || a.Parts.Text() != words(0, 30) || a.Attempt != 2 || !a.Complete {
		t.Errorf("Read returned %+v, %v", a, err)
	}
	got := append(head, read(t, early, terminal)...)
	if Content(got) != words(0, 30) || len(got) != 62 {
		t.Errorf("an early reader saw %d chunks: %q", len(got), Content(got))
	}
	for name, after := range map[string]chat.Position{
		"an older attempt": {Attempt: 1, Index: 7}, "a plain index": {Attempt: chat.AnyAttempt, Index: 40}, "nonsense": {Attempt: 0, Index: 3},
	} {
		tail := h.log.Tail(h.task.ID, after)
		chunks := read(t, tail, terminal)
		tail.Close()
		if want := words(0, 30); !strings.HasSuffix(want, Content(chunks)) || Content(chunks) == "" || after.Attempt == 0 && chunks[0].Type != chat.ChunkReset {
			t.Errorf("%s: %q", name, Content(chunks))
		}
	}
	h.Client.Set(t.Context(), n.Packed(h.task.ID), "not zstd", time.Minute)
	damaged := h.log.Tail(h.task.ID, chat.Start())
	defer damaged.Close()
	if chunks, err := damaged.Next(t.Context(), 10*time.Millisecond); err != nil || len(chunks) > 0 {
		t.Errorf("a damaged string gave %v, %v", chunks, err)
	}
}

func testJoinEarly(t *testing.T, h *harness) {
	tail := h.log.Tail(h.task.ID, chat.Start())
	defer tail.Close()
	if chunks, err := tail.Next(t.Context(), time.Millisecond); err != nil || len(chunks) != 0 {
		t.Fatalf("an empty log gave %v, %v", chunks, err)
	}
	h.writer(t, 1).Add(chat.Chunk{Type: chat.ChunkReasoning, Content: "hm"})
	got := read(t, tail, count(1))
	if got[0].Type != chat.ChunkReasoning || got[0].Position() != (chat.Position{Attempt: 1, Index: 0}) {
		t.Fatalf("the first chunk is %+v", got[0])
	}
}

func testReset(t *testing.T, h *harness) {
	tail := h.log.Tail(h.task.ID, chat.Start())
	defer tail.Close()
	h.write(t, h.writer(t, 1), 0, 5)
	w := h.writer(t, 2)
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: "again"})
	got := read(t, tail, count(7))
	if got[5].Type != chat.ChunkReset || got[5].Position() != (chat.Position{Attempt: 2, Index: 5}) {
		t.Fatalf("chunk 5 is %+v", got[5])
	}
	if Content(got) != "again" {
		t.Fatalf("the text is %q", Content(got))
	}
}

// testOwnReset drops text within an attempt, and loses the list after that.
func testOwnReset(t *testing.T, h *harness) {
	live := h.log.Tail(h.task.ID, chat.Start())
	defer live.Close()
	w := h.writer(t, 1)
	h.write(t, w, 0, 5)
	read(t, live, count(5))
	w.Add(chat.Chunk{Type: chat.ChunkReset})
	w.Add(chat.Chunk{Type: chat.ChunkReasoning, Content: words(0, 5)})
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: "It is 4."})
	rest := read(t, live, count(3))
	if rest[0].Type != chat.ChunkReset || rest[0].Position() != (chat.Position{Attempt: 1, Index: 5}) || Content(rest) != "It is 4." {
		t.Fatalf("after the reset: %+v", rest)
	}
	for after := range 7 {
		late := h.log.Tail(h.task.ID, chat.Position{Attempt: 1, Index: after})
		if got := read(t, late, count(7-after)); Content(got) != "It is 4." {
			t.Fatalf("after %d: %+v", after, got)
		}
		late.Close()
	}
	if err := h.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: " Yes."})
	for _, after := range []chat.Position{chat.Start(), {Attempt: 1, Index: 3}} {
		late := h.log.Tail(h.task.ID, after)
		if got := read(t, late, count(8-after.Index)); Content(got) != "It is 4. Yes." {
			t.Fatalf("written again, after %s: %+v", after, got)
		}
		late.Close()
	}
	a, err := h.log.Read(t.Context(), h.task.ID)
	if err != nil || a.Parts.Text() != "It is 4. Yes." || a.Parts.Reasoning() != words(0, 5) {
		t.Fatalf("%+v, %v", a, err)
	}
}

func testOldPosition(t *testing.T, h *harness) {
	h.write(t, h.writer(t, 1), 0, 5)
	if err := h.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.write(t, h.writer(t, 2), 10, 8) // the list was lost: attempt 2 starts at 0
	tail := h.log.Tail(h.task.ID, chat.Position{Attempt: 1, Index: 4})
	defer tail.Close()
	got := read(t, tail, count(9))
	if got[0].Type != chat.ChunkReset || got[0].Attempt != 2 || Content(got) != words(10, 18) {
		t.Fatalf("got %+v and the text %q", got[0], Content(got))
	}
}

func testNonsensePosition(t *testing.T, h *harness) {
	h.write(t, h.writer(t, 1), 0, 5)
	tail := h.log.Tail(h.task.ID, chat.Position{Attempt: 0, Index: 0})
	defer tail.Close()
	got := read(t, tail, count(6))
	if got[0].Type != chat.ChunkReset || Content(got) != words(0, 5) {
		t.Fatalf("got %+v and the text %q", got[0], Content(got))
	}
}

func testAheadOfTheLog(t *testing.T, h *harness) {
	h.write(t, h.writer(t, 1), 0, 5)
	for _, attempt := range []int{1, chat.AnyAttempt} {
		tail := h.log.Tail(h.task.ID, chat.Position{Attempt: attempt, Index: 5000})
		got := read(t, tail, count(6))
		tail.Close()
		if got[0].Type != chat.ChunkReset || Content(got) != words(0, 5) {
			t.Fatalf("got %+v and the text %q", got[0], Content(got))
		}
	}
}

func testPlainIndex(t *testing.T, h *harness) {
	h.write(t, h.writer(t, 1), 0, 3)
	h.write(t, h.writer(t, 2), 3, 3)
	tail := h.log.Tail(h.task.ID, chat.Position{Attempt: chat.AnyAttempt, Index: 4})
	defer tail.Close()
	got := read(t, tail, count(2))
	if got[0].Position() != (chat.Position{Attempt: 2, Index: 5}) {
		t.Fatalf("continued at %s", got[0].Position())
	}
}

func testFlushed(t *testing.T, h *harness) {
	w, _, err := h.log.Begin(t.Context(), h.task, always)
	if err != nil {
		t.Fatal(err)
	}
	stop := h.run(t, w)
	tail := h.log.Tail(h.task.ID, chat.Start())
	defer tail.Close()
	h.write(t, w, 0, 20)
	if err := h.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(20)})
	h.finish(t, w, stop)
	if got := Content(read(t, tail, terminal)); got != words(0, 21) {
		t.Fatalf("an early tail saw %q", got)
	}
	late := h.log.Tail(h.task.ID, chat.Start())
	defer late.Close()
	if got := Content(read(t, late, terminal)); got != words(0, 21) {
		t.Fatalf("a late tail saw %q", got)
	}
}

func testLostWhileIdle(t *testing.T, h *harness) {
	w := h.writer(t, 1)
	h.write(t, w, 0, 3)
	if err := h.Client.Del(t.Context(), h.Client.Names().Chunks(h.task.ID)).Err(); err != nil {
		t.Fatal(err)
	}
	h.waitFor(t, func() bool { return len(h.list(t)) == 3 })
}
