// Package chunklogtest is the conformance suite of the chunk log: the same tests
// for the embedded engine and for a real Redis.
package chunklogtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/chunklog"
	"chat/daemon/keys"
)

// patience is how long anything here may take before it counts as failed.
const patience = 10 * time.Second

// Engine is a Redis-compatible engine of a test's own.
type Engine struct {
	Client *redis.Client
	// KillConnections cuts every connection but keeps the data; nil if the
	// engine cannot.
	KillConnections func(t *testing.T)
	// RefuseWrites lets everything be read and published but nothing be written, as
	// a replica does or a server without memory; nil if the engine cannot.
	RefuseWrites func(t *testing.T, refuse bool)
}

// Run runs the suite; open makes an empty engine and registers its clean-up.
func Run(t *testing.T, open func(t *testing.T) Engine) {
	t.Helper()
	for _, tc := range []struct {
		name string
		test func(*testing.T, *bench)
	}{
		{"keys and values are those of the protocol", testKeys},
		{"a tail from the start sees every chunk once", testTailFromStart},
		{"resume at every index", testResumeEverywhere},
		{"a stream that has ended is packed", testPacked},
		{"a tail that joins before the first chunk", testJoinEarly},
		{"a new attempt begins with a reset", testReset},
		{"an attempt drops its own text, and goes on", testOwnReset},
		{"a position of an older attempt is answered by the reset", testOldPosition},
		{"a position that never was is answered by a reset", testNonsensePosition},
		{"a position ahead of the log is answered by a reset", testAheadOfTheLog},
		{"a position ahead of a list whose writer is dead waits for the next attempt", testAheadOfADeadWriter},
		{"a list that was rolled back is not read again and again", testRolledBackIsLookedAt},
		{"an attempt whose number is used again begins with a reset", testNumberUsedAgain},
		{"positions only grow, whatever becomes of the list", testPositionsOnlyGrow},
		{"a plain index resumes whatever the attempt", testPlainIndex},
		{"a list that is flushed is written again", testFlushed},
		{"a list that comes back between two reads is no other list", testMendedBetweenReads},
		{"a list that is lost while nothing is written comes back", testLostWhileIdle},
		{"a writer with an old attempt is refused and not seen", testStale},
		{"entries that do not count are never shown", testForeignEntries},
		{"every key has a TTL at every moment", testTTL},
		{"an answer received whole is found again", testSalvage},
		{"only an answer received whole is found again", testOnlyWholeAnswersAreSalvaged},
		{"nothing is sent while the lease is in doubt", testDoubt},
		{"lost messages are made up for by the list", testLostMessages},
		{"a hint wakes a waiting tail", testHint},
		{"many tails share one connection", testManyTails},
		{"a lost reply costs a look, not the list", testLostReply},
		{"overload merges chunks and loses none", testOverload},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := open(t)
			tc.test(t, newBench(t, e, chunklog.Options{}))
		})
	}
	t.Run("what is refused is not announced", func(t *testing.T) {
		e := open(t)
		if e.RefuseWrites == nil {
			t.Log("this engine refuses nothing")
			return
		}
		testRefused(t, newBench(t, e, chunklog.Options{}))
	})
	t.Run("a cut subscription is made good", func(t *testing.T) {
		e := open(t)
		if e.KillConnections == nil {
			t.Log("this engine has no connections to cut")
			return
		}
		testCutSubscription(t, newBench(t, e, chunklog.Options{}))
	})
	t.Run("what is written while a subscription is away is seen", func(t *testing.T) {
		e := open(t)
		if e.KillConnections == nil {
			t.Log("this engine has no connections to cut")
			return
		}
		testWrittenWhileUnsubscribed(t, newBench(t, e, chunklog.Options{}))
	})
}

// bench is a log under test.
type bench struct {
	Engine
	log  *chunklog.Log
	task chat.Task
}

func newBench(t *testing.T, e Engine, o chunklog.Options) *bench {
	t.Helper()
	log := chunklog.New(e.Client, o)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); log.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return &bench{Engine: e, log: log, task: chat.Task{ID: "0199-" + strings.ReplaceAll(t.Name(), " ", "_"), Attempt: 1, Model: "m", MessageID: "msg"}}
}

func always() bool { return true }

// writer begins attempt n and runs its writer until the test ends.
func (b *bench) writer(t *testing.T, n int) *chunklog.Writer {
	t.Helper()
	task := b.task
	task.Attempt = n
	w, _, err := b.log.Begin(t.Context(), task, always)
	if err != nil {
		t.Fatalf("begin attempt %d: %v", n, err)
	}
	b.run(t, w)
	return w
}

// run runs w; the returned function stops it and waits.
func (b *bench) run(t *testing.T, w *chunklog.Writer) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); _ = w.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// say adds n content chunks one by one, each in a round trip of its own.
func (b *bench) say(t *testing.T, w *chunklog.Writer, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(i)})
		b.waitFor(t, func() bool {
			a, err := b.log.Read(t.Context(), b.task.ID)
			return err == nil && strings.HasSuffix(a.Parts.Text(), word(i))
		})
	}
}

func word(i int) string { return fmt.Sprintf("w%d ", i) }

func words(from, to int) string {
	var s strings.Builder
	for i := from; i < to; i++ {
		s.WriteString(word(i))
	}
	return s.String()
}

// waitFor polls cond: the engines have no event for what a key holds.
func (b *bench) waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !cond() {
		select {
		case <-deadline:
			t.Fatalf("waited for %s in vain", patience)
		case <-time.After(time.Millisecond):
		}
	}
}

// read takes chunks from a tail until done says so, checking that each comes
// once and in order.
func read(t *testing.T, tail *chunklog.Tail, done func([]chat.Chunk) bool) []chat.Chunk {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	last := tail.Position()
	var all []chat.Chunk
	for !done(all) {
		chunks, err := tail.Next(ctx, time.Second)
		if err != nil {
			t.Fatalf("tail at %s after %d chunks: %v", tail.Position(), len(all), err)
		}
		for _, encoded := range chunks {
			c, err := encoded.Decode()
			if err != nil || c.Position() != encoded.Position() || c.Type != encoded.Type {
				t.Fatalf("%+v is %+v, %v", encoded, c, err)
			}
			// A position that never was is answered by a reset at 0-0, first of all.
			refused := len(all) == 0 && c.Type == chat.ChunkReset && c.Position() == chat.Position{}
			if !refused && !last.IsStart() && last.Attempt > 0 && (!last.Less(c.Position()) || c.Attempt == last.Attempt && c.Index != last.Index+1) {
				t.Fatalf("chunk %s came after %s", c.Position(), last)
			}
			last = c.Position()
			all = append(all, c)
		}
	}
	return all
}

func count(n int) func([]chat.Chunk) bool {
	return func(all []chat.Chunk) bool { return len(all) >= n }
}

func terminal(all []chat.Chunk) bool { return len(all) > 0 && all[len(all)-1].Terminal() }

// Content is what a reader who follows the rules has in the end.
func Content(chunks []chat.Chunk) string {
	var p chat.Parts
	for _, c := range chunks {
		p.Apply(c)
	}
	return p.Text()
}

func (b *bench) finish(t *testing.T, w *chunklog.Writer, stop func()) {
	t.Helper()
	w.Stop()
	stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := w.Seal(ctx, "stop", true); err != nil {
		t.Fatalf("settle: %v", err)
	}
	if err := w.Close(ctx, chat.Chunk{Type: chat.ChunkDone, MessageID: "msg", State: chat.TaskDone, FinishReason: "stop"}); err != nil {
		t.Fatalf("end: %v", err)
	}
}

// whole writes a finished stream of n content chunks and returns what its list holds.
func (b *bench) whole(t *testing.T, n int) []chat.Chunk {
	t.Helper()
	w, _, err := b.log.Begin(t.Context(), b.task, always)
	if err != nil {
		t.Fatal(err)
	}
	stop := b.run(t, w)
	b.say(t, w, 0, n)
	b.finish(t, w, stop)
	return b.list(t)
}

func (b *bench) list(t *testing.T) []chat.Chunk {
	t.Helper()
	raw, err := b.Client.LRange(t.Context(), keys.Names{}.Chunks(b.task.ID), 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) == 0 && b.Client.Exists(t.Context(), keys.Names{}.Packed(b.task.ID)).Val() == 1 {
		tail := b.log.Tail(b.task.ID, chat.Start())
		defer tail.Close()
		return read(t, tail, terminal)
	}
	var chunks []chat.Chunk
	for _, r := range raw {
		var c chat.Chunk
		if err := json.Unmarshal([]byte(r), &c); err != nil {
			t.Fatal(err)
		}
		chunks = append(chunks, c)
	}
	return chunks
}

func mustBe(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}
