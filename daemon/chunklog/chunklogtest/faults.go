package chunklogtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/chunklog"
)

func testStale(t *testing.T, h *harness) {
	old, _, err := h.log.Begin(t.Context(), h.task, always)
	if err != nil {
		t.Fatal(err)
	}
	old.Add(chat.Chunk{Type: chat.ChunkContent, Content: "old "})
	ended := make(chan error, 1)
	go func() { ended <- old.Run(t.Context()) }()
	h.waitFor(t, func() bool { return len(h.list(t)) == 1 })
	w := h.writer(t, 2)
	h.write(t, w, 0, 2)
	old.Add(chat.Chunk{Type: chat.ChunkContent, Content: "stale"})
	wantError(t, <-ended, chunklog.ErrStale)
	h.write(t, w, 2, 2)
	tail := h.log.Tail(h.task.ID, chat.Start())
	defer tail.Close()
	got := read(t, tail, count(6))
	if Content(got) != words(0, 4) {
		t.Fatalf("the tail saw %+v", got)
	}
	if list := h.list(t); len(list) != 6 {
		t.Fatalf("the list was not restored: %+v", list)
	}
}

func testInvalidEntries(t *testing.T, h *harness) {
	h.write(t, h.writer(t, 2), 0, 2) // reset, w0, w1
	key := h.Client.Names().Chunks(h.task.ID)
	for _, e := range []string{
		`{"chunk_index":3,"chunk_type":"content","content":"older","attempt":1}`,
		`{"chunk_index":9,"chunk_type":"content","content":"misplaced","attempt":2}`, `not json`,
	} {
		tail := h.log.Tail(h.task.ID, chat.Start())
		if err := h.Client.RPush(t.Context(), key, e).Err(); err != nil {
			t.Fatal(err)
		}
		if got := read(t, tail, count(3)); Content(got) != words(0, 2) {
			t.Errorf("after %s the tail saw %+v", e, got)
		}
		if chunks, err := tail.Next(t.Context(), 10*time.Millisecond); err != nil || len(chunks) > 0 {
			t.Errorf("%s was shown: %+v, %v", e, chunks, err)
		}
		tail.Close()
		if err := h.Client.RPop(t.Context(), key).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func testTTL(t *testing.T, h *harness) {
	w, _, err := h.log.Begin(t.Context(), h.task, always)
	if err != nil {
		t.Fatal(err)
	}
	stop := h.run(t, w)
	check := func(when string) {
		t.Helper()
		for _, key := range []string{h.Client.Names().Chunks(h.task.ID), h.Client.Names().Metadata(h.task.ID)} {
			d, err := h.Client.PTTL(t.Context(), key).Result()
			if err != nil || d == -1 || d > h.log.TTL() {
				t.Errorf("%s: %s has the TTL %v (%v)", when, key, d, err)
			}
		}
	}
	check("created")
	for i := range 10 {
		h.write(t, w, i, 1)
		check("after chunk " + strconv.Itoa(i))
	}
	if err := h.Client.Del(t.Context(), h.Client.Names().Chunks(h.task.ID)).Err(); err != nil {
		t.Fatal(err)
	}
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(10)})
	h.waitFor(t, func() bool { check("while it is lost"); return len(h.list(t)) == 11 })
	h.finish(t, w, stop)
	check("ended")
}

func testDoubt(t *testing.T, h *harness) {
	var held atomic.Bool
	held.Store(true)
	w, _, err := h.log.Begin(t.Context(), h.task, held.Load)
	if err != nil {
		t.Fatal(err)
	}
	held.Store(false)
	h.run(t, w)
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: "held back"})
	tail := h.log.Tail(h.task.ID, chat.Start())
	defer tail.Close()
	if chunks, err := tail.Next(t.Context(), 50*time.Millisecond); err != nil || len(chunks) > 0 {
		t.Fatalf("shown in doubt: %+v, %v", chunks, err)
	}
	held.Store(true)
	if got := Content(read(t, tail, count(1))); got != "held back" {
		t.Fatalf("got %q", got)
	}
}

func testLostMessages(t *testing.T, h *harness) {
	w := h.writer(t, 1)
	tail := h.log.Tail(h.task.ID, chat.Start())
	defer tail.Close()
	h.write(t, w, 0, 1)
	read(t, tail, count(1))
	// Entries that are not published, and then one that is, which shows the gap.
	last := h.pushUnannounced(t, 1, 4)
	if err := h.publish(t.Context(), h.Client.Names().Channel(h.task.ID), last); err != nil {
		t.Fatal(err)
	}
	if got := Content(read(t, tail, count(3))); got != words(1, 4) {
		t.Fatalf("got %q", got)
	}
}

// pushUnannounced pushes the entries of words from (inclusive) to (exclusive), for which no
// message is published, and returns the last.
func (h *harness) pushUnannounced(t *testing.T, from, to int) (last string) {
	t.Helper()
	for i := from; i < to; i++ {
		last = fmt.Sprintf(`{"chunk_index":%d,"chunk_type":"content","content":%q,"attempt":1}`, i, word(i))
		if err := h.Client.RPush(t.Context(), h.Client.Names().Chunks(h.task.ID), last).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return last
}

// testLateMessages: a reader who learns elsewhere that the task has ended must find in the
// list what no message has announced yet.
func testLateMessages(t *testing.T, h *harness) {
	w := h.writer(t, 1)
	tail := h.log.Tail(h.task.ID, chat.Start())
	defer tail.Close()
	h.write(t, w, 0, 1)
	read(t, tail, count(1))
	h.pushUnannounced(t, 1, 4)
	chunks, err := tail.Next(t.Context(), 0)
	if want := (chat.Position{Attempt: 1, Index: 3}); err != nil || len(chunks) != 3 || tail.Position() != want {
		t.Fatalf("got %v, %v", chunks, err)
	}
}

func testEvent(t *testing.T, h *harness) {
	tail := h.log.Tail(h.task.ID, chat.Start())
	defer tail.Close()
	for { // until the subscription is in force
		if _, err := tail.Next(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := h.log.Publish(t.Context(), chat.TaskEvent{Type: chat.EventEnded, TaskID: h.task.ID}); err != nil {
			t.Fatal(err)
		}
		chunks, err := tail.Next(t.Context(), patience)
		if err != nil || len(chunks) > 0 {
			t.Fatalf("got %v, %v", chunks, err)
		}
		if time.Since(began) < patience {
			return
		}
	}
}

func testManyTails(t *testing.T, h *harness) {
	const n = 200
	w, _, err := h.log.Begin(t.Context(), h.task, always)
	if err != nil {
		t.Fatal(err)
	}
	stop := h.run(t, w)
	var wg sync.WaitGroup
	var bad atomic.Int32
	for range n {
		tail := h.log.Tail(h.task.ID, chat.Start())
		wg.Go(func() {
			defer tail.Close()
			if Content(read(t, tail, terminal)) != words(0, 300) {
				bad.Add(1)
			}
		})
	}
	if got := h.log.Tails(); got != n {
		t.Errorf("%d followers, want %d", got, n)
	}
	for i := range 300 {
		w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(i)})
	}
	h.finish(t, w, stop)
	wg.Wait()
	if bad.Load() > 0 || h.log.Tails() != 0 {
		t.Fatalf("%d tails saw another text, %d are left", bad.Load(), h.log.Tails())
	}
}

func testOverload(t *testing.T, h *harness) {
	var held atomic.Bool
	w, _, err := h.log.Begin(t.Context(), h.task, held.Load)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for i := range 5000 { // nothing is sent yet: the number of chunks must not grow with it
		w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(i)})
		want.WriteString(word(i))
	}
	held.Store(true)
	n, err := w.Seal(t.Context(), "", false)
	if err != nil || n > 100 {
		t.Fatalf("5000 deltas became %d chunks (%v)", n, err)
	}
	if a, err := h.log.Read(t.Context(), h.task.ID); err != nil || a.Parts.Text() != want.String() {
		t.Fatalf("the text differs (%v)", err)
	}
}

func testCutSubscription(t *testing.T, h *harness) {
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
	for i := range 300 {
		w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(i)})
		if i%100 == 50 {
			h.KillConnections(t)
		}
	}
	h.waitFor(t, func() bool { return len(h.list(t)) > 0 })
	h.finish(t, w, stop)
	wg.Wait()
	if Content(got) != words(0, 300) {
		t.Fatalf("the tail saw another text: %d chunks", len(got))
	}
}

// lossyHook loses a transaction (request) or the reply to it (reply) once, when that is
// set, and counts the lists that are written again.
type lossyHook struct {
	reply, request atomic.Bool
	rewrites       atomic.Int32
}

var errLost = errors.New("the connection was lost")

func (l *lossyHook) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (l *lossyHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (l *lossyHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		push, del := false, false
		for _, c := range cmds {
			push = push || strings.HasPrefix(c.Name(), "rpush")
			del = del || c.Name() == "del"
		}
		if push && del {
			l.rewrites.Add(1)
		}
		if push && l.request.CompareAndSwap(true, false) {
			return errLost
		}
		err := next(ctx, cmds)
		if push && l.reply.CompareAndSwap(true, false) {
			return errLost
		}
		return err
	}
}

func testLostReply(t *testing.T, h *harness) {
	l := &lossyHook{}
	h.addHook(t, l)
	w, _, err := h.log.Begin(t.Context(), h.task, always)
	if err != nil {
		t.Fatal(err)
	}
	stop := h.run(t, w)
	tail := h.log.Tail(h.task.ID, chat.Start())
	defer tail.Close()
	for i := range 40 {
		switch i % 10 {
		case 5:
			l.reply.Store(true)
		case 8:
			l.request.Store(true)
		}
		h.write(t, w, i, 1)
	}
	h.finish(t, w, stop)
	if got := read(t, tail, terminal); Content(got) != words(0, 40) || len(h.list(t)) != 41 {
		t.Fatalf("%d chunks, %d entries, the text %q", len(got), len(h.list(t)), Content(got))
	}
	if n := l.rewrites.Load(); n != 0 {
		t.Errorf("the list was written again %d times without need", n)
	}
}

// firstReadHook calls do after the first LRANGE of a client.
type firstReadHook struct {
	once sync.Once
	do   func()
}

func (h *firstReadHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *firstReadHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *firstReadHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if cmd.Name() == "lrange" {
			h.once.Do(h.do)
		}
		return err
	}
}

// testRestoredBetweenReads: a reader finds its list gone, and finds it again with the next
// read. Its position is still valid.
func testRestoredBetweenReads(t *testing.T, h *harness) {
	h.write(t, h.writer(t, 1), 0, 5)
	key := h.Client.Names().Chunks(h.task.ID)
	kept, err := h.Client.LRange(t.Context(), key, 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Client.Del(t.Context(), key).Err(); err != nil {
		t.Fatal(err)
	}
	h.addHook(t, &firstReadHook{do: func() {
		for _, e := range kept {
			if err := h.Client.RPush(t.Context(), key, e).Err(); err != nil {
				t.Error(err)
			}
		}
	}})
	tail := h.log.Tail(h.task.ID, chat.Position{Attempt: 1, Index: 2})
	defer tail.Close()
	if got := read(t, tail, count(2)); Content(got) != words(3, 5) {
		t.Fatalf("the tail saw %+v", got)
	}
}
