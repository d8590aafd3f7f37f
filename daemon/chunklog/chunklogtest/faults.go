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
	"chat/daemon/keys"
)

func testStale(t *testing.T, b *bench) {
	old, _, err := b.log.Begin(t.Context(), b.task, always)
	if err != nil {
		t.Fatal(err)
	}
	old.Add(chat.Chunk{Type: chat.ChunkContent, Content: "old "})
	ended := make(chan error, 1)
	go func() { ended <- old.Run(t.Context()) }()
	b.waitFor(t, func() bool { return len(b.list(t)) == 1 })
	w := b.writer(t, 2)
	b.say(t, w, 0, 2)
	old.Add(chat.Chunk{Type: chat.ChunkContent, Content: "stale"})
	mustBe(t, <-ended, chunklog.ErrStale)
	b.say(t, w, 2, 2)
	tail := b.log.Tail(b.task.ID, chat.Start())
	defer tail.Close()
	got := read(t, tail, count(6))
	if Content(got) != words(0, 4) {
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
		if got := read(t, tail, count(3)); Content(got) != words(0, 2) {
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
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(10)})
	b.waitFor(t, func() bool { check("while it is lost"); return len(b.list(t)) == 11 })
	b.finish(t, w, stop)
	check("ended")
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
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: "kept back"})
	tail := b.log.Tail(b.task.ID, chat.Start())
	defer tail.Close()
	if chunks, err := tail.Next(t.Context(), 50*time.Millisecond); err != nil || len(chunks) > 0 {
		t.Fatalf("shown in doubt: %+v, %v", chunks, err)
	}
	good.Store(true)
	if got := Content(read(t, tail, count(1))); got != "kept back" {
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
	if got := Content(read(t, tail, count(3))); got != words(1, 4) {
		t.Fatalf("got %q", got)
	}
}

// testRefused: whoever listens must not be told of what a reader of the list will
// never find.
func testRefused(t *testing.T, b *bench) {
	w := b.writer(t, 1)
	b.say(t, w, 0, 2)
	channel := keys.Names{}.Channel(b.task.ID)
	heard := b.Client.Subscribe(t.Context(), channel)
	defer func() { _ = heard.Close() }() // what it heard has been judged
	if _, err := heard.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.RefuseWrites(t, true)
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(2)})
	b.waitFor(t, func() bool {
		stats, err := b.Client.Info(t.Context(), "errorstats").Result()
		return err == nil && strings.Contains(stats, "errorstat_OOM")
	})
	const marker = "nothing before this"
	if err := b.Client.Publish(t.Context(), channel, marker).Err(); err != nil {
		t.Fatal(err)
	}
	if m, err := heard.ReceiveMessage(t.Context()); err != nil || m.Payload != marker {
		t.Errorf("announced: %v (%v)", m, err)
	}
	b.RefuseWrites(t, false)
	b.waitFor(t, func() bool { return Content(b.list(t)) == words(0, 3) })
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
			if Content(read(t, tail, terminal)) != words(0, 300) {
				bad.Add(1)
			}
		})
	}
	if got := b.log.Followers(); got != n {
		t.Errorf("%d followers, want %d", got, n)
	}
	for i := range 300 {
		w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(i)})
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
		w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(i)})
		want.WriteString(word(i))
	}
	good.Store(true)
	n, err := w.Seal(t.Context(), "", false)
	if err != nil || n > 100 {
		t.Fatalf("5000 deltas became %d chunks (%v)", n, err)
	}
	if a, err := b.log.Read(t.Context(), b.task.ID); err != nil || a.Parts.Text() != want.String() {
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
		w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(i)})
		if i%100 == 50 {
			b.KillConnections(t)
		}
	}
	b.waitFor(t, func() bool { return len(b.list(t)) > 0 })
	b.finish(t, w, stop)
	wg.Wait()
	if Content(got) != words(0, 300) {
		t.Fatalf("the tail saw another text: %d chunks", len(got))
	}
}

// lossy loses the reply of a transaction that was applied, or the transaction
// itself, when it is told to, and counts the lists that are written again.
type lossy struct {
	reply, request atomic.Bool
	rewrites       atomic.Int32
}

var errLost = errors.New("the connection was lost")

func (l *lossy) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (l *lossy) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (l *lossy) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
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

func testLostReply(t *testing.T, b *bench) {
	l := &lossy{}
	b.Client.AddHook(l)
	w, _, err := b.log.Begin(t.Context(), b.task, always)
	if err != nil {
		t.Fatal(err)
	}
	stop := b.run(t, w)
	tail := b.log.Tail(b.task.ID, chat.Start())
	defer tail.Close()
	for i := range 40 {
		switch i % 10 {
		case 5:
			l.reply.Store(true)
		case 8:
			l.request.Store(true)
		}
		b.say(t, w, i, 1)
	}
	b.finish(t, w, stop)
	if got := read(t, tail, terminal); Content(got) != words(0, 40) || len(b.list(t)) != 41 {
		t.Fatalf("%d chunks, %d entries, the text %q", len(got), len(b.list(t)), Content(got))
	}
	if n := l.rewrites.Load(); n != 0 {
		t.Errorf("the list was written again %d times, for nothing", n)
	}
}

// between runs do once, behind the first LRANGE of a client.
type between struct {
	once sync.Once
	do   func()
}

func (h *between) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *between) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *between) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if cmd.Name() == "lrange" {
			h.once.Do(h.do)
		}
		return err
	}
}

// testMendedBetweenReads: a reader finds its list gone, looks again, and then it
// is back: its position was right all along.
func testMendedBetweenReads(t *testing.T, b *bench) {
	b.say(t, b.writer(t, 1), 0, 5)
	key := keys.Names{}.Chunks(b.task.ID)
	kept, err := b.Client.LRange(t.Context(), key, 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Client.Del(t.Context(), key).Err(); err != nil {
		t.Fatal(err)
	}
	b.Client.AddHook(&between{do: func() {
		for _, e := range kept {
			if err := b.Client.RPush(t.Context(), key, e).Err(); err != nil {
				t.Error(err)
			}
		}
	}})
	tail := b.log.Tail(b.task.ID, chat.Position{Attempt: 1, Index: 2})
	defer tail.Close()
	if got := read(t, tail, count(2)); Content(got) != words(3, 5) {
		t.Fatalf("the tail saw %+v", got)
	}
}
