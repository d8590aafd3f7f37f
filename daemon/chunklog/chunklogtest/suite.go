// Package chunklogtest is the conformance suite of the chunk log. The embedded engine and
// a real Redis run the same tests.
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
	"chat/daemon/redisconn"
)

// patience is how long a test waits before it fails.
const patience = 10 * time.Second

// Engine is a Redis-compatible engine that only one test uses.
type Engine struct {
	Client *redisconn.Client
	// KillConnections cuts every connection but keeps the data; nil if the
	// engine cannot.
	KillConnections func(t *testing.T)
	// RefuseWrites makes the engine refuse writes, but not reads and messages, as a server
	// without memory does; nil if the engine cannot.
	RefuseWrites func(t *testing.T, refuse bool)
}

// Run runs the suite. open returns an empty engine and registers its clean-up.
func Run(t *testing.T, open func(t *testing.T) Engine) {
	t.Helper()
	for _, tc := range []struct {
		name string
		test func(*testing.T, *harness)
	}{
		{"keys and values are as documented", testKeys},
		{"a tail from the start sees every chunk once", testTailFromStart},
		{"resume at every index", testResumeEverywhere},
		{"an ended stream is packed", testPacked},
		{"a tail that joins before the first chunk", testJoinEarly},
		{"a new attempt begins with a reset", testReset},
		{"an attempt drops its own text and continues", testOwnReset},
		{"a position of an older attempt is followed by the reset", testOldPosition},
		{"a position that never existed is followed by a reset", testNonsensePosition},
		{"a position ahead of the log is followed by a reset", testAheadOfTheLog},
		{"a position ahead of a list whose writer is dead waits for the next attempt", testAheadOfADeadWriter},
		{"a rolled-back list is not read completely again and again", testRolledBack},
		{"an attempt whose number is reused begins with a reset", testNumberUsedAgain},
		{"positions only grow, whatever happens to the list", testPositionsOnlyGrow},
		{"a plain index resumes in any attempt", testPlainIndex},
		{"a flushed list is written again", testFlushed},
		{"a list that is restored between two reads keeps its positions", testRestoredBetweenReads},
		{"a list that is lost while its writer is idle is written again", testLostWhileIdle},
		{"a writer with an old attempt stops, and its chunks are not shown", testStale},
		{"invalid entries are never shown", testInvalidEntries},
		{"every key has a TTL at every moment", testTTL},
		{"a later attempt gets a complete answer", testComplete},
		{"only a sealed and undamaged answer is complete", testIncomplete},
		{"nothing is sent while the lease is in doubt", testDoubt},
		{"chunks of lost messages are read from the list", testLostMessages},
		{"chunks whose messages are late are in the list", testLateMessages},
		{"an event wakes a waiting tail", testEvent},
		{"many tails share one connection", testManyTails},
		{"after a lost reply the list is not written again", testLostReply},
		{"overload merges chunks and loses none", testOverload},
		{"the statistics of many logs take one round trip", testStats},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := open(t)
			tc.test(t, newHarness(t, e, chunklog.Options{}))
		})
	}
	t.Run("refused entries are not published", func(t *testing.T) {
		e := open(t)
		if e.RefuseWrites == nil {
			t.Log("this engine cannot refuse writes")
			return
		}
		testRefused(t, newHarness(t, e, chunklog.Options{}))
	})
	t.Run("a tail survives a cut subscription", func(t *testing.T) {
		e := open(t)
		if e.KillConnections == nil {
			t.Log("this engine has no connections to cut")
			return
		}
		testCutSubscription(t, newHarness(t, e, chunklog.Options{}))
	})
	t.Run("chunks written without a subscription are seen", func(t *testing.T) {
		e := open(t)
		if e.KillConnections == nil {
			t.Log("this engine has no connections to cut")
			return
		}
		testWrittenWhileUnsubscribed(t, newHarness(t, e, chunklog.Options{}))
	})
}

// harness is a log under test.
type harness struct {
	Engine
	log  *chunklog.Log
	task chat.Task
}

func newHarness(t *testing.T, e Engine, o chunklog.Options) *harness {
	t.Helper()
	log := chunklog.New(e.Client, o)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); log.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return &harness{Engine: e, log: log, task: chat.Task{ID: "0199-" + strings.ReplaceAll(t.Name(), " ", "_"), Attempt: 1, Model: "m", MessageID: "msg"}}
}

func always() bool { return true }

// writer begins attempt n, and runs its writer until the test ends.
func (h *harness) writer(t *testing.T, n int) *chunklog.Writer {
	t.Helper()
	task := h.task
	task.Attempt = n
	w, _, err := h.log.Begin(t.Context(), task, always)
	if err != nil {
		t.Fatalf("begin attempt %d: %v", n, err)
	}
	h.run(t, w)
	return w
}

// run runs w. The returned function stops it and waits.
func (h *harness) run(t *testing.T, w *chunklog.Writer) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); _ = w.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// write adds n content chunks, each in a round trip of its own.
func (h *harness) write(t *testing.T, w *chunklog.Writer, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		w.Add(chat.Chunk{Type: chat.ChunkContent, Content: word(i)})
		h.waitFor(t, func() bool {
			a, err := h.log.Read(t.Context(), h.task.ID)
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

// waitFor polls cond, because the engines do not report changes of keys.
func (h *harness) waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !cond() {
		select {
		case <-deadline:
			t.Fatalf("timed out after %s", patience)
		case <-time.After(time.Millisecond):
		}
	}
}

// read reads chunks from a tail until done returns true, and checks that each comes once
// and in order.
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
			// A position that never existed is followed by a reset at 0-0.
			restarted := len(all) == 0 && c.Type == chat.ChunkReset && c.Position() == chat.Position{}
			if !restarted && !last.IsStart() && last.Attempt > 0 && (!last.Less(c.Position()) || c.Attempt == last.Attempt && c.Index != last.Index+1) {
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

// Content returns the text that a reader has after these chunks.
func Content(chunks []chat.Chunk) string {
	var p chat.Parts
	for _, c := range chunks {
		p.Apply(c)
	}
	return p.Text()
}

func (h *harness) finish(t *testing.T, w *chunklog.Writer, stop func()) {
	t.Helper()
	w.Stop()
	stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := w.Seal(ctx, "stop", true); err != nil {
		t.Fatalf("seal: %v", err)
	}
	if err := w.Close(ctx, chat.Chunk{Type: chat.ChunkDone, MessageID: "msg", State: chat.TaskDone, FinishReason: "stop"}); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// finishedStream writes a stream of n content chunks, ends it, and returns its chunks.
func (h *harness) finishedStream(t *testing.T, n int) []chat.Chunk {
	t.Helper()
	w, _, err := h.log.Begin(t.Context(), h.task, always)
	if err != nil {
		t.Fatal(err)
	}
	stop := h.run(t, w)
	h.write(t, w, 0, n)
	h.finish(t, w, stop)
	return h.list(t)
}

func (h *harness) list(t *testing.T) []chat.Chunk {
	t.Helper()
	raw, err := h.Client.LRange(t.Context(), h.Client.Names().Chunks(h.task.ID), 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) == 0 && h.Client.Exists(t.Context(), h.Client.Names().Packed(h.task.ID)).Val() == 1 {
		tail := h.log.Tail(h.task.ID, chat.Start())
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

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

// flush deletes everything.
func (h *harness) flush(ctx context.Context) error {
	return h.Client.Servers(ctx, func(ctx context.Context, server *redis.Client) error { return server.FlushAll(ctx).Err() })
}

// addHook adds a hook to the connections to all servers.
func (h *harness) addHook(t *testing.T, hook redis.Hook) {
	t.Helper()
	err := h.Client.Servers(t.Context(), func(_ context.Context, server *redis.Client) error {
		server.AddHook(hook)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// publish publishes a message as a writer does.
func (h *harness) publish(ctx context.Context, channel, message string) error {
	_, err := h.Client.Pipelined(ctx, func(p redis.Pipeliner) error {
		h.Client.PublishTo(ctx, p, channel, message)
		return nil
	})
	return err
}
