package follow

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func content(i int, text string) chat.FollowEvent {
	return chat.FollowEvent{Chunk: &chat.Chunk{Index: i, Type: chat.ChunkContent, Content: text, Attempt: 1}}
}

func typed(t chat.ChunkType, text string) chat.FollowEvent {
	return chat.FollowEvent{Chunk: &chat.Chunk{Type: t, Content: text, Attempt: 1}}
}

// from yields what comes over a channel until it is closed.
func from(updates <-chan chat.FollowEvent, failure error) Source {
	return func(ctx context.Context) iter.Seq2[chat.FollowEvent, error] {
		return func(yield func(chat.FollowEvent, error) bool) {
			for {
				select {
				case <-ctx.Done():
					return
				case u, ok := <-updates:
					if !ok {
						if failure != nil {
							yield(chat.FollowEvent{}, failure)
						}
						return
					}
					if !yield(u, nil) {
						return
					}
				}
			}
		}
	}
}

func TestFastTokensBecomeOneBatchPerFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		updates := make(chan chat.FollowEvent)
		go h.Run(t.Context(), 7, from(updates, nil))
		go func() {
			for i := range 1000 {
				updates <- content(i, "x")
				time.Sleep(time.Millisecond)
			}
			close(updates)
		}()
		var text strings.Builder
		began, batches, ended := time.Now(), 0, false
		for !ended {
			for _, b := range h.Next(t.Context()) {
				batches++
				ended = b.Ended
				for _, c := range b.Chunks {
					text.WriteString(c.Content)
				}
			}
		}
		if text.Len() != 1000 {
			t.Errorf("%d characters arrived, want 1000", text.Len())
		}
		if limit := int(time.Since(began)/Frame) + 2; batches > limit {
			t.Errorf("%d batches in %v, want at most %d", batches, time.Since(began), limit)
		}
	})
}

func TestFirstTokenDoesNotWaitForAFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		updates := make(chan chat.FollowEvent)
		go h.Run(t.Context(), 1, from(updates, nil))
		began := time.Now()
		updates <- content(0, "x")
		h.Next(t.Context())
		if d := time.Since(began); d != 0 {
			t.Errorf("the first batch took %v", d)
		}
		close(updates)
		h.Next(t.Context())
	})
}

func TestBatchKeepsOrderAndAppliesResets(t *testing.T) {
	e := &entry{id: 3}
	for _, u := range []chat.FollowEvent{
		typed(chat.ChunkReasoning, "old"), content(1, "old"), typed(chat.ChunkReset, ""),
		typed(chat.ChunkReasoning, "a"), typed(chat.ChunkReasoning, "b"), content(5, "c"), content(6, "d"),
		{Conn: &chat.ConnState{State: chat.ConnReconnecting}},
		{Conn: &chat.ConnState{State: chat.ConnLive}},
		typed(chat.ChunkDone, ""),
	} {
		e.merge(u)
	}
	b := e.batch()
	var got []string
	for _, c := range b.Chunks {
		got = append(got, string(c.Type)+":"+c.Content)
	}
	want := "reset: reasoning:ab content:cd done:"
	if strings.Join(got, " ") != want {
		t.Errorf("chunks %q, want %q", got, want)
	}
	if b.Chunks[2].Index != 6 || b.Conn.State != chat.ConnLive || b.ID != 3 {
		t.Errorf("batch %+v", b)
	}
}

func TestErrorIsTheLastEventOfAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, broken := NewHub(), errors.New("gone")
		updates := make(chan chat.FollowEvent, 1)
		updates <- content(0, "x")
		close(updates)
		h.Run(t.Context(), 1, from(updates, broken))
		b := h.Next(t.Context())[0]
		if !b.Ended || !errors.Is(b.Err, broken) || b.Chunks[0].Content != "x" {
			t.Errorf("batch %+v", b)
		}
	})
}

func TestStoppedStreamEndsAndIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		updates := make(chan chat.FollowEvent)
		done := make(chan struct{})
		go func() { defer close(done); h.Run(t.Context(), 1, from(updates, nil)) }()
		updates <- content(0, "x")
		synctest.Wait()
		h.Stop(1)
		<-done
		if b := h.take(); len(b) != 0 {
			t.Errorf("a stopped stream left %+v", b)
		}
		h.Stop(2)
		h.Run(t.Context(), 2, from(updates, nil)) // returns immediately, or the test hangs
	})
}

func TestReaderWaitsForAScreenThatDoesNotDraw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		updates := make(chan chat.FollowEvent)
		go h.Run(t.Context(), 1, from(updates, nil))
		sent := 0
		go func() {
			for range 40 {
				updates <- content(sent, strings.Repeat("x", MaxPending/8))
				sent++
			}
			close(updates)
		}()
		synctest.Wait()
		if sent > 10 {
			t.Fatalf("%d pieces of %d bytes were taken without a frame", sent, MaxPending/8)
		}
		total := 0
		for ended := false; !ended; {
			for _, b := range h.Next(t.Context()) {
				ended = b.Ended
				for _, c := range b.Chunks {
					total += len(c.Content)
				}
			}
		}
		if total != 40*MaxPending/8 {
			t.Fatalf("%d bytes arrived", total)
		}
	})
}

func TestExpensiveFramesAreLessFrequent(t *testing.T) {
	h := NewHub()
	for _, c := range []struct{ cost, want time.Duration }{
		{time.Millisecond, Frame}, {20 * time.Millisecond, 80 * time.Millisecond}, {time.Hour, slowest},
	} {
		if h.Cost(c.cost); h.pace != c.want {
			t.Errorf("cost %v: a frame each %v, want %v", c.cost, h.pace, c.want)
		}
	}
}

func TestNextEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if b := NewHub().Next(ctx); b != nil {
		t.Fatalf("Next = %v", b)
	}
}
